"""Threads: each has a name, and one place where what it raises goes.

Nothing here knows what they do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from asrcli.values.errors import Shortage


class Thread(threading.Thread):
    """Does `work` once; whatever that raises is handed to `died`, in this thread. The program does not wait for it.

    `start` raises Shortage where the system allows no further thread.
    """

    def __init__(self, name: str, work: Callable[[], object], died: Callable[[BaseException], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._died = died

    def start(self) -> None:
        try:
            super().start()
        except RuntimeError as error:
            hint = "end other programs, raise the limit (ulimit -u), or use fewer at once"
            raise Shortage(f"the system allows no further thread (for {self.name})", hint=hint) from error

    def run(self) -> None:
        try:
            self._work()
        except BaseException as bug:
            self._died(bug)
