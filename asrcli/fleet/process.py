"""The process of one worker of --cluster local:N: `python -m asrcli.fleet.process`, started by `processes`.

Its first piece of input is the opening, and what follows is for the crew; its output is what the crew says.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from typing import IO

from asrcli.fleet.frames import END, STILL_THERE, read, write

_BEAT = 4


def main() -> None:
    """Work until the head says so, or is not there any more."""
    # A terminal's Ctrl-C is for the head; who means this process says so with another signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from asrcli.settings.environment import hide_keys

    hide_keys()
    # What anything prints must not get among what the crew says.
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    opening = read(sys.stdin.buffer)
    if opening is not None:
        _work(opening, sys.stdin.buffer, told)
    os._exit(0)


def _work(opening: bytes, heard: IO[bytes], told: IO[bytes]) -> None:
    from asrcli.fleet.crew import Crew
    from asrcli.fleet.messages import opening_of

    lock = threading.Lock()

    def post(data: bytes) -> None:
        with lock:
            try:
                write(told, data)
            except OSError:
                # Nobody listens: there is nothing left to do, and nobody may be sent anything more.
                os._exit(1)

    def listen() -> None:
        """Thread "head"."""
        while (data := read(heard)) is not None and data != END:
            crew.is_heard_of()
            if data:
                crew.take(data)
        crew.end()

    beats = itertools.count()

    def is_wanted() -> bool:
        """Asked some times a second; it tells the head that this process is there."""
        if next(beats) % _BEAT == 0:
            post(STILL_THERE)
        return True

    crew = Crew(opening_of(opening), post)
    threading.Thread(target=listen, name="head", daemon=True).start()
    crew.run(is_wanted)


if __name__ == "__main__":
    main()
