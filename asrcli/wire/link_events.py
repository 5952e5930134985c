"""What a link tells its session."""

from __future__ import annotations

from dataclasses import dataclass

from asrcli.values.errors import AsrcliError
from asrcli.values.events import ConnectPhases


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """The handshake is done. `connect_ms` is its duration."""

    connect_ms: float
    phases: ConnectPhases | None = None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    message: str | bytes


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """Nothing more comes. `code` and `reason` are the close frame's; `error` is set where there was none."""

    code: int | None = None
    reason: str = ""
    error: AsrcliError | None = None


@dataclass(frozen=True, slots=True)
class LinkDrained:
    """What waited for room in the network has gone."""


InboxItem = LinkOpened | MessageReceived | LinkClosed | LinkDrained
