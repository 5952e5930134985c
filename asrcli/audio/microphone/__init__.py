"""Sound from microphones, by way of PortAudio."""
