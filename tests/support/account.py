"""What a service sees of those who share an account: when each start reaches it, and how many run at once."""

from __future__ import annotations

import socket

from asrcli.service.server import Service
from asrcli.system.clock import SystemClock


class Seen:
    """From now on, of a service that runs in this process: `starts` of tasks, refused ones too, and `connections`.

    Of the protocol in which each session has a connection, that is its start.
    """

    def __init__(self, service: Service) -> None:
        self.starts: list[float] = []
        self.connections: list[float] = []
        self.most = 0
        self._running = 0
        hearings = service._hearings
        self._take, self._free = hearings.take_place, hearings.free_place
        hearings.take_place, hearings.free_place = self._taken, self._freed  # type: ignore[method-assign]
        self._take_in = service._take_in
        service._take_in = self._connected  # type: ignore[method-assign]

    def _connected(self, connection: socket.socket, from_port: int) -> None:
        self.connections.append(SystemClock.now())
        self._take_in(connection, from_port)

    def _taken(self) -> None:
        self.starts.append(SystemClock.now())
        self._take()
        self._running += 1
        self.most = max(self.most, self._running)

    def _freed(self) -> None:
        self._running -= 1
        self._free()


def busiest(moments: list[float], seconds: float = 1.0) -> int:
    """The most of `moments`, which ascend, within any stretch of so many seconds."""
    most = begin = 0
    for at, moment in enumerate(moments):
        while moment - moments[begin] >= seconds:
            begin += 1
        most = max(most, at + 1 - begin)
    return most
