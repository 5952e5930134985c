"""What lies at an address: its bytes, wherever they are, as a stream or from anywhere in it."""
