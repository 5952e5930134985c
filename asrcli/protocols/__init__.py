"""The protocols that asrcli speaks. Each is a pure machine: messages in, steps out; no socket, thread or clock.

A further protocol is one file here and one line in `REGISTRY`.
"""

from __future__ import annotations

from asrcli.protocols.base import Protocol
from asrcli.protocols.realtime import Realtime
from asrcli.protocols.run_task import RunTask

REGISTRY: dict[str, type[Protocol]] = {
    "run-task": RunTask,
    "realtime": Realtime,
}
