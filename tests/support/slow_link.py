"""A network that carries so many bytes a second towards the service, and holds next to nothing on the way."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

# Less than one chunk: what lies in the relay has not arrived.
_HELD_BYTES = 2048


@contextlib.contextmanager
def slow_link(url: str, bytes_per_s: float) -> Iterator[str]:
    """The address of a relay to `url`; what comes back is not slowed."""
    parts = urlsplit(url)
    listener = socket.socket()
    # Before it listens, so that each connection's window is as small.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HELD_BYTES)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(name: str, *work: object) -> None:
        threads.append(threading.Thread(target=work[0], args=work[1:], name=name, daemon=True))  # type: ignore[arg-type]
        threads[-1].start()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((parts.hostname, parts.port))
                ends.extend((near, far))
                start("slow link up", _carry, near, far, bytes_per_s)
                start("slow link down", _carry, far, near, float("inf"))

    start("slow link", accept)
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}{parts.path}"
    finally:
        for end in (listener, *ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in threads:
            thread.join(10)


def _carry(source: socket.socket, target: socket.socket, bytes_per_s: float) -> None:
    began, carried = time.monotonic(), 0
    # So much at a time that a fast link is not kept from being one by the relay's own steps.
    step_bytes = int(min(1 << 16, max(_HELD_BYTES // 2, bytes_per_s / 100)))
    with contextlib.suppress(OSError):
        while data := source.recv(step_bytes):
            target.sendall(data)
            carried += len(data)
            # An hour of sound that waited is no credit: the network does not go faster afterwards.
            ahead_s = carried / bytes_per_s - (time.monotonic() - began)
            if ahead_s > 0:
                time.sleep(ahead_s)
            else:
                began, carried = time.monotonic(), 0
    # Also where one end broke it off.
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
