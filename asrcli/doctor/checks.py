"""All checks, in the order in which they are told: what a person needs first comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.doctor import access, completion, files, local_service, man_pages, microphone, program
from asrcli.doctor.access import Access
from asrcli.doctor.completion import Completion
from asrcli.doctor.findings import Check
from asrcli.doctor.program import Configured, Terminal
from asrcli.system.clock import Clock, SystemClock

if TYPE_CHECKING:
    from asrcli.doctor.way import Started


@dataclass(frozen=True)
class Surroundings:
    """What only the program around knows. Each is called in the thread of its check, and may raise AsrcliError.

    `hear` loads the local recogniser, `start` starts the local service. `learn` is told of the key, so that no output
    shows it. `prefix` is where asrcli is installed. `agent` is how we introduce ourselves.
    """

    version: str
    prefix: Path
    agent: str
    access: Access
    terminal: Terminal
    configured: Callable[[], Sequence[Configured]]
    completion: Callable[[], Completion]
    shells: str
    hear: Callable[[], None]
    start: Callable[[], AbstractContextManager[Started]]
    learn: Callable[[str], None]


def all_checks(around: Surroundings, *, offline: bool, listens: bool, clock: Clock | None = None) -> list[Check]:
    """`offline`: nothing that sends. `listens`: two seconds of the default microphone too."""
    clock = clock or SystemClock()
    asked, environ, home = around.access, around.access.environ, around.access.home
    checks = [
        Check(program.PYTHON, partial(program.python, around.version)),
        Check(program.EXTRAS, program.extras),
        Check(program.CONFIGURATION, lambda: program.configuration(around.configured())),
        Check(program.STATE, partial(program.state, environ, home)),
        Check(program.TERMINAL, partial(program.terminal, around.terminal, environ)),
        Check(man_pages.MAN_PAGES, partial(man_pages.man_pages, around.prefix)),
        Check(files.SNDFILE, files.sndfile),
        Check(files.FFMPEG, partial(files.ffmpeg, clock)),
        microphone.devices(clock, listens=listens),
        Check(microphone.RECORDINGS, partial(microphone.recordings, environ, home)),
        Check(access.SERVICE, partial(access.address, asked)),
        Check(access.KEY, partial(access.key, asked, around.learn)),
        Check(access.PROXY, partial(access.proxy, asked)),
        Check(access.AUTHORITIES, partial(access.authorities, asked)),
    ]
    if not offline:
        # Loads what speaks WebSocket.
        from asrcli.doctor.way import WAY, way

        now = partial(datetime.now, UTC)
        checks.append(Check(WAY, partial(way, asked, around.agent, around.start, now)))
    return [
        *checks,
        Check(
            local_service.RECOGNISER,
            partial(local_service.recogniser, around.hear, clock, needed=asked.is_local),
        ),
        Check(completion.COMPLETION, lambda: completion.completion(around.completion(), around.shells)),
    ]
