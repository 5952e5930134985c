"""From the sound a client sends to what a recogniser hears."""
