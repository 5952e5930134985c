"""asrcli: live transcription in the shell with Alibaba Cloud's real-time speech recognition."""

__version__ = "0.1.0"
