"""`python -m tests.benchmarks.faults [PART…]`: how much of a talk survives broken links, and what a run leaves behind.

Everything happens on loopback, with a fixed seed; each part is bounded and takes minutes at most.
"""

from __future__ import annotations

import gc
import json
import platform
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jiwer
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from asrcli.audio.opening import open_source
from asrcli.engine.control import Control
from asrcli.engine.stages import Timeouts
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.events import AudioSent, Event, FinalResult
from tests.benchmarks.damage import damage
from tests.benchmarks.lossy_cuts import lossy_cuts
from tests.benchmarks.outage import outage
from tests.benchmarks.pipes import memory, pipes
from tests.benchmarks.threads import threads
from tests.benchmarks.torture import torture
from tests.support.coded_talk import a_sentence_every, twelve_sentences
from tests.support.endings import EXIT_CODES, PLANTED_KEY, ended_by, limited, regular
from tests.support.hostile import happenings, survives
from tests.support.level import Level, level
from tests.support.recovery import PROTOCOLS, Cut, Outcome, chosen_cuts, delivered, engine, run_cut, run_cuts
from tests.support.service import TALK_TEXT, TALK_WAV, running_service, service_process
from tests.support.transcribing import transcribe

SEED = 20261110
_HOURS = 6


def cuts(folder: Path) -> Iterator[str]:
    """100 points for each way of speaking: sentences lost, sentences doubled, transcripts that are equal."""
    talk = twelve_sentences(folder)
    for protocol, manual in [*((protocol, False) for protocol in PROTOCOLS), ("realtime", True)]:
        whole = run_cut(talk, Cut(protocol, (), manual=manual))
        points = [
            Cut(each.protocol, each.faults, each.speed, manual)
            for each in chosen_cuts(protocol, 100, talk.seconds, SEED)
        ]
        outcomes = run_cuts(talk, points)
        same = sum(each.sentences == whole.sentences and each.error is None for each in outcomes)
        lost = sum(len({s.text for s in whole.sentences} - {s.text for s in each.sentences}) for each in outcomes)
        doubled = sum(len(each.sentences) - len({s.text for s in each.sentences}) for each in outcomes)
        reconnects = sum(each.reconnects for each in outcomes)
        mode = protocol + (", manual" if manual else "")
        yield (
            f"{mode}: {same} of {len(points)} transcripts equal in text, order and times; "
            f"{lost} sentences lost, {doubled} doubled; {reconnects} reconnects"
        )
        yield from (f"  differs: {point}" for point, each in zip(points, outcomes, strict=True) if differs(each, whole))


def differs(outcome: Outcome, whole: Outcome) -> bool:
    return outcome.sentences != whole.sentences or outcome.error is not None


def recogniser(folder: Path) -> Iterator[str]:
    """Ten cuts of the sample talk, heard by the real recogniser."""
    chance = random.Random(SEED)
    reference = " ".join(TALK_TEXT.read_text(encoding="utf-8").split())

    def error_rate(*faults: str) -> float:
        with running_service("sphinx", faults=tuple(map(parse_fault, faults))) as service:
            setup = engine(service.url, Cut("run-task", (), 6.0), timeouts=Timeouts())
            outcome = delivered(transcribe(open_source(str(TALK_WAV)), setup, Control()))
        assert outcome.error is None, outcome.error
        return jiwer.wer(plain(reference), plain(" ".join(each.text for each in outcome.sentences)))

    undisturbed = error_rate()
    rates = [error_rate(f"{kind}@{chance.uniform(1, 32):.2f}s#1") for kind in ["reset", "close=1011"] * 5]
    listed = " ".join(f"{100 * rate:.1f}" for rate in rates)
    worse = 100 * (max(rates) - undisturbed)
    yield f"WER undisturbed {100 * undisturbed:.1f} %; after a cut {listed} %; at worst {worse:+.1f} points"


def plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalpha() or character in " '")


def hours(folder: Path) -> Iterator[str]:
    """Six hours of sound as fast as it goes, with a reset after every minute of it."""
    talk = a_sentence_every(folder, 20, _HOURS * 3600)
    levels: list[tuple[int, Level]] = []
    began = time.monotonic()
    # What earlier parts left for the collector would count as ours.
    gc.collect()
    with service_process(("--recognizer", talk.recognizer, "--fault", "reset@60s")) as (url, _):

        def watched() -> Iterator[Event]:
            next_ms = 0
            for event in transcribe(talk.source(), engine(url, Cut("run-task", ())), Control()):
                if isinstance(event, AudioSent) and event.end_ms >= next_ms:
                    levels.append((event.end_ms, level()))
                    next_ms = event.end_ms + 60_000
                if isinstance(event, FinalResult):
                    yield event

        finals = [event.sentence for event in watched() if isinstance(event, FinalResult)]
    right = [(each.text, each.begin_ms, each.end_ms) for each in finals] == [
        (each["text"], each["begin_ms"], each["end_ms"]) for each in talk.sentences
    ]
    settled = next(each for at_ms, each in levels if at_ms >= 300_000)
    later = [each for at_ms, each in levels if at_ms >= 300_000]
    yield (
        f"{_HOURS} h in {time.monotonic() - began:.0f} s: {len(finals)} of {len(talk.sentences)} sentences, "
        f"{'all' if right else 'NOT all'} in place"
    )
    yield (
        f"after 5 min {settled.memory_bytes / 1e6:.1f} MB, at most +{growth_mb(settled, later):.1f} MB; "
        f"descriptors {spread(each.descriptors for each in later)}, threads {spread(each.threads for each in later)}"
    )


def growth_mb(settled: Level, later: list[Level]) -> float:
    return (max(each.memory_bytes for each in later) - settled.memory_bytes) / 1e6


def spread(values: Iterator[int]) -> str:
    seen = list(values)
    return f"{min(seen)} to {max(seen)}"


def endings(folder: Path) -> Iterator[str]:
    """Each signal, a reader that goes away, and a full disk, at 20 points of a run."""
    talk = twelve_sentences(folder)
    wav = talk.write_wav(folder / "coded.wav")
    told = [(i, each["text"], each["begin_ms"], each["end_ms"]) for i, each in enumerate(talk.sentences, start=1)]
    chance = random.Random(SEED)
    with running_service(talk.recognizer) as service:
        for number, code in EXIT_CODES.items():
            good = 0
            for _ in range(20):
                after, pace = chance.randrange(1, 12), chance.choice(("20", "40"))
                ending = ended_by(number, after, "file", wav, "--endpoint", service.url, "--pace", pace)
                kept = ending.finals[:after] == told[:after]
                clean = ending.left == () and "Traceback" not in ending.err and PLANTED_KEY not in repr(ending)
                good += kept and clean and ending.code == code
            name = number.name if number else "closed stdout"
            yield f"{name}: {good} of 20 with all finals, code {code}, nothing left"
        command = ("file", wav, "--endpoint", service.url, "--pace", "fast", "--json", "-o")
        regular(*command, folder / "whole.jsonl")
        whole_bytes = (folder / "whole.jsonl").stat().st_size
        good = sum(
            _fills_the_disk(chance.randrange(1, whole_bytes // 2), folder / f"{number}.jsonl", command, told)
            for number in range(20)
        )
        yield f"full disk: {good} of 20 with all finals, code 1 and one line that names the file, nothing left"


def _fills_the_disk(
    most_bytes: int, target: Path, command: Sequence[object], told: Sequence[tuple[object, ...]]
) -> bool:
    """Whether a run into a disk with so much room ends well."""
    ending = regular(*command, target, through=limited(most_bytes))
    written = target.read_bytes() if target.exists() else b""
    # What is there is whole lines, but for the one that found no room.
    lines = [json.loads(line) for line in written.split(b"\n")[:-1]]
    finals = [
        (each["index"], each["text"], each["begin_ms"], each["end_ms"]) for each in lines if each["type"] == "final"
    ]
    [said] = ending.err.splitlines()
    kept = finals == list(told[: len(finals)]) and len(written) == most_bytes
    return kept and ending.code == 1 and str(target) in said and PLANTED_KEY not in said and ending.left == ()


def hostile(folder: Path) -> Iterator[str]:
    """10,000 messages for each protocol, in any order."""
    for protocol in PROTOCOLS:
        messages = 0
        while messages < 10_000:
            messages += _hostile_messages(protocol)
        yield f"{protocol}: {messages} messages, each an event or one of our errors"


def _hostile_messages(protocol: str) -> int:
    counts: list[int] = []

    @settings(max_examples=1000, deadline=None, database=None, phases=[Phase.generate])
    @given(happenings(protocol), st.booleans())
    def check(happened: list[object], begun: bool) -> None:
        counts.append(survives(protocol, happened, begun=begun))

    check()
    return sum(counts)


PARTS: dict[str, Callable[[Path], Iterator[str]]] = {
    "cuts": cuts,
    "lossy": lossy_cuts,
    "recogniser": recogniser,
    "outage": outage,
    "hours": hours,
    "endings": endings,
    "hostile": hostile,
    "pipes": pipes,
    "memory": memory,
    "damage": damage,
    "torture": torture,
    "threads": threads,
}


def main(names: list[str]) -> None:
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(f"Python {platform.python_version()} on {platform.machine()}, seed {SEED}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names or PARTS:
            began = time.monotonic()
            for line in PARTS[name](Path(folder)):
                print(f"{name:<11}{line}", flush=True)
            print(f"{name:<11}took {time.monotonic() - began:.0f} s", flush=True)
    left = {thread.name for thread in threading.enumerate()} & {"engine", "connect", "intake"}
    print(f"threads left behind: {', '.join(sorted(left)) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1:])
