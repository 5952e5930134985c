"""The service's sockets, TLS and WebSocket frames."""
