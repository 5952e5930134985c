"""What this process holds now, to be compared with what it holds later."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Level:
    memory_bytes: int
    descriptors: int
    threads: int


def level() -> Level:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Level(pages * os.sysconf("SC_PAGE_SIZE"), descriptors, threading.active_count())
