"""The local service: a stand-in for the vendor's on loopback, with a recogniser inside.

It shares no protocol code with the client and stands on another WebSocket library, so that the two cannot share a
mistake.
"""
