"""The service's half of each protocol. No socket, no thread."""
