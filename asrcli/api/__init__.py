"""The vendor's HTTP side: what is asked and answered without a WebSocket. Knows no engine."""
