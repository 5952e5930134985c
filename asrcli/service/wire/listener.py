"""The socket that a service is found by: on loopback alone."""

from __future__ import annotations

import ipaddress
import os
import socket

from asrcli.values.errors import UsageError

# A thousand clients may connect at the same moment.
_BACKLOG = 1024
# What may lie unread before us of one client. Left to itself the system keeps up to many megabytes, minutes of sound,
# and the client's pings behind them.
_RECEIVE_BYTES = 16 * 1024


def listen(host: str, port: int) -> socket.socket:
    """A socket on `host`:`port` that does not wait; port 0 takes a free one. Raises UsageError."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise UsageError(f"{host!r} is not an address", hint="use 127.0.0.1 or ::1") from error
    if not address.is_loopback:
        raise UsageError(
            f"the service does not listen on {host}: it is for this machine alone", hint="use 127.0.0.1 or ::1"
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        listener = socket.create_server((str(address), port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        # Python adds the address to the system's words.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such port"
        raise UsageError(f"cannot listen on {host}:{port}: {reason}", hint="use another --port, or 0") from error
    listener.setblocking(False)
    # Those who connect inherit it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    return listener
