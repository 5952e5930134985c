"""Hotword lists that the service keeps, and the HTTP API that they are made by."""
