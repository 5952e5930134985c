"""Where results go: streams, files, folders."""
