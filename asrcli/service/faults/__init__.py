"""What `asrcli serve --fault` does on purpose."""
