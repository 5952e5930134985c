"""Messages of a WebSocket, and the handshake that they begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Message = str | bytes
"""One WebSocket message: text (`str`) or binary (`bytes`)."""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """Where to connect and what to say in the handshake. The headers hold the key, so `repr` leaves them out."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
