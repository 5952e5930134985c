"""Pipes that are faster than the link, links that are slower than the sound, and what of it all was recognised.

Everything is on loopback; each run is bounded by its own sound and the speed of its link.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.coded_talk import CodedTalk, a_sentence_every
from tests.support.piped import Piped, ended, reading, write_sounds
from tests.support.service import service_process
from tests.support.slow_link import slow_link

# Bytes a second, and how much sound goes over it: 256 kbit/s is what the sound itself needs.
_LINKS = ((4_000.0, 10), (64_000.0, 30), (2e6, 600), (20e6, 1800))
_PACES = ("fast", "40", "realtime")
_ENDLESS = ("cat", "/dev/zero")


def pipes(folder: Path) -> Iterator[str]:
    """Paces × links × kinds of pipes: whole, or incomplete and said so; in silence nothing may be lost."""
    silent = 0
    for bytes_per_s, seconds in _LINKS:
        place = folder / f"{bytes_per_s:.0f}"
        place.mkdir()
        talk = a_sentence_every(place, 5, seconds)
        writers = write_sounds(talk, place)
        # In real time an hour takes an hour.
        runs = [(kind, pace) for kind in writers for pace in _PACES if pace != "realtime" or seconds <= 20]
        with (
            ThreadPoolExecutor(2 if seconds > 100 else 9) as pool,
            service_process(("--recognizer", talk.recognizer)) as (url, _),
        ):
            ends = list(pool.map(lambda run: _piped(url, bytes_per_s, writers[run[0]], run[1]), runs))  # noqa: B023
        verdicts = Counter(end.verdict(talk) for end in ends)
        silent += verdicts["LOST IN SILENCE"]
        listed = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        most = max(end.peak_bytes for end in ends)
        yield f"{seconds} s of sound at {bytes_per_s / 1000:g} KB/s: {listed}; at most {most / 1e6:.0f} MB"
        yield from (
            f"  {kind} at {pace}: {_differs(end, talk)}"
            for (kind, pace), end in zip(runs, ends, strict=True)
            if end.verdict(talk) != "whole"
        )
    yield f"silent losses: {silent}"


def memory(folder: Path) -> Iterator[str]:
    """Endless sound at full speed: memory stays flat, and the first signal ends it."""
    talk = a_sentence_every(folder, 5, 60)
    with service_process(("--recognizer", talk.recognizer)) as (url, _):
        for bytes_per_s in (2e6, 20e6):
            with slow_link(url, bytes_per_s) as way, reading(_ENDLESS, *_to(way, "fast")) as process:
                early = _resident_after(process.pid, 10)
                late = _resident_after(process.pid, 20)
                process.send_signal(signal.SIGTERM)
                began = time.monotonic()
                end = ended(process)
                yield (
                    f"endless at {bytes_per_s / 1e6:g} MB/s: {early / 1e6:.0f} MB after 10 s, {late / 1e6:.0f} MB "
                    f"after 30 s; SIGTERM ended it with {end.code} after {time.monotonic() - began:.1f} s"
                )


def _piped(url: str, bytes_per_s: float, writer: tuple[str, ...], pace: str) -> Piped:
    with slow_link(url, bytes_per_s) as way, reading(writer, *_to(way, pace)) as process:
        return ended(process)


def _to(url: str, pace: str) -> tuple[str, ...]:
    return ("--endpoint", url, "--pace", pace)


def _differs(end: Piped, talk: CodedTalk) -> str:
    return f"{end.verdict(talk)}: {len(end.told())} of {len(talk.sentences)}, code {end.code}, {end.err[-300:]!r}"


def _resident_after(pid: int, seconds: float) -> int:
    time.sleep(seconds)
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
