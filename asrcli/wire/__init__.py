"""A connection and its life: proxies, TLS, frames, reuse. Knows no protocol."""
