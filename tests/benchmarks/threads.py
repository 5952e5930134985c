"""What becomes of a run when one of its threads dies, or one of its children is killed, at any moment."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer

from tests.support.beginnings import beginning
from tests.support.coded_talk import twelve_sentences
from tests.support.injured import Injured, InjuredService, child_of, injured, injured_service
from tests.support.service import TALK_SCRIPT, TALK_TEXT, TALK_WAV, descendants, running_service, service_process
from tests.support.sounds import FFMPEG, convert
from tests.support.virtual_mic import missing, virtual_mic

_SEED = 20261120
_DRAWS = 10
# Further off than a resumed recognition is: a word at each seam may come out differently.
_LARGEST_WER = 0.15
TWO_SENTENCES = " ".join(TALK_TEXT.read_text(encoding="utf-8").splitlines()[:2])
_TWO_SENTENCES_S = 9.2


def threads(folder: Path) -> Iterator[str]:
    """Each thread made to raise, each child killed: the program ends soon and tells, or goes on and has everything."""
    chance = random.Random(_SEED)
    yield from _threads_that_raise(folder, chance)
    yield from _threads_of_the_service_that_raise(folder, chance)
    yield from _children_killed(folder, chance)


def _threads_that_raise(folder: Path, chance: random.Random) -> Iterator[str]:
    talk = twelve_sentences(folder)
    wav = talk.write_wav(folder / "talk.wav")
    with running_service(talk.recognizer) as service:
        to = ("--endpoint", service.url, "--pace", "fast")
        yield _raising("engine", chance, "file", wav, *to)
        yield _raising("connect", chance, "file", wav, *to)
        yield _raising("intake", chance, "file", "-", *to, stdin=wav)
    if FFMPEG is None:
        yield "child-log, child-feed: skipped, there is no ffmpeg"
    else:
        with running_service(TALK_SCRIPT) as service:
            to = ("--endpoint", service.url, "--pace", "fast")
            m4a, mp3 = convert(TALK_WAV, folder / "talk.m4a"), convert(TALK_WAV, folder / "talk.mp3")
            yield _raising("child-log", chance, "file", m4a, *to)
            yield _raising("child-feed", chance, "file", "-", *to, stdin=mp3)
    with running_service(TALK_SCRIPT) as service:
        yield _portaudio(folder, service.url, chance)


def _raising(thread: str, chance: random.Random, *arguments: object, stdin: Path | None = None) -> str:
    """The thread raises at calls that chance chooses among all that it makes."""

    def run(number: int) -> Injured:
        if stdin is None:
            return injured(thread, number, *arguments)
        with subprocess.Popen(["cat", stdin], stdout=subprocess.PIPE) as cat:
            assert cat.stdout is not None
            return injured(thread, number, *arguments, stdin=cat.stdout)

    calm = run(0)
    assert calm.is_right(calm.finals), calm.err
    numbers = [chance.randrange(1, calm.calls + 1) for _ in range(_DRAWS)]
    return _told(f"{thread} raises", [run(number) for number in numbers], lambda each: each.is_right(calm.finals))


def _told(what: str, runs: Sequence[Injured], is_right: Callable[[Injured], bool]) -> str:
    codes = {each.code: sum(other.code == each.code for other in runs) for each in runs}
    counts = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    latest_s = max((each.late_s for each in runs if each.code and each.late_s is not None), default=0.0)
    wrong = "".join(f"\n  WRONG: {each}" for each in runs if not is_right(each))
    return (
        f"{what}: {sum(map(is_right, runs))} of {len(runs)} ended as they should, {counts}; "
        f"the failed ones after {latest_s:.1f} s at most{wrong}"
    )


def _portaudio(folder: Path, url: str, chance: random.Random) -> str:
    if (reason := missing()) is not None:
        return f"PortAudio's callback: skipped, {reason}"
    with virtual_mic(folder / "mic") as microphone:

        def run(number: int) -> Injured:
            arguments = ("mic", "--device", "desk", "--duration", "4", "--endpoint", url)
            return injured("PortAudio", number, *arguments, environ=microphone.variables)

        calm = run(0)
        runs = [run(chance.randrange(1, calm.calls + 1)) for _ in range(_DRAWS // 2)]
        return _told("PortAudio's callback raises", runs, lambda each: each.is_right(calm.finals))


def _threads_of_the_service_that_raise(folder: Path, chance: random.Random) -> Iterator[str]:
    """The service ends with its own thread; a bug in one task is that task's, and the client tries again."""
    talk = twelve_sentences(folder)
    wav = talk.write_wav(folder / "talk.wav")
    texts = [each["text"] for each in talk.sentences]

    def run(number: int) -> tuple[InjuredService, Injured]:
        with injured_service("service", number, "--recognizer", talk.recognizer) as service:
            return service, injured("", 0, "file", wav, "--endpoint", service.url, "--pace", "fast", "--retries", "1")

    calm, _ = run(0)
    good = ended = 0
    wrong = ""
    for _ in range(_DRAWS):
        service, client = run(chance.randrange(1, calm.calls + 1))
        ended += service.code == 70
        # Some things concern one client alone, which is told the reason or cut off, and tries again.
        own = service.code == 0 and ("a conversation broke" in service.err or "cut, because of" in service.err)
        has_all = client.code == 0 and client.is_complete and client.finals == texts
        is_right = "Traceback" in service.err and (service.code == 70 or own) and (has_all or client.code == 6)
        good += is_right
        wrong += "" if is_right else f"\n  WRONG: {service}, {client}"
    yield f"service raises: {good} of {_DRAWS} as they should, {ended} of them ended asrcli serve with 70{wrong}"
    two = beginning(folder / "two.wav", _TWO_SENTENCES_S)
    for thread in ("recognition", "recogniser results"):
        with injured_service(thread, 0) as calm:
            injured("", 0, "file", two, "--endpoint", calm.url, "--pace", "8")
        runs = []
        for _ in range(_DRAWS // 2):
            with injured_service(thread, chance.randrange(1, calm.calls + 1)) as service:
                runs.append(injured("", 0, "file", two, "--endpoint", service.url, "--pace", "8"))
        yield _told(f"{thread} raises", runs, is_heard)


def is_heard(run: Injured) -> bool:
    """Whether the real recogniser was heard to the end of two sentences, all but a word or two."""
    heard = _plain(" ".join(run.finals))
    return (
        run.code == 0 and run.is_complete and not run.left and jiwer.wer(_plain(TWO_SENTENCES), heard) <= _LARGEST_WER
    )


def _plain(text: str) -> str:
    return " ".join("".join(each for each in text.lower() if each.isalpha() or each.isspace()).split())


def _children_killed(folder: Path, chance: random.Random) -> Iterator[str]:
    if FFMPEG is not None:
        with running_service(TALK_SCRIPT) as service:
            # At such a pace ffmpeg waits for us most of the time.
            arguments = ("file", convert(TALK_WAV, folder / "talk.m4a"), "--endpoint", service.url, "--pace", "20")
            calm = injured("", 0, *arguments)
            runs = [
                injured("", 0, *arguments, kill=_Later("map_metadata", chance.uniform(0, 1.2))) for _ in range(_DRAWS)
            ]
        yield _told("ffmpeg killed", runs, lambda each: each.is_right(calm.finals, code=1))
    two = beginning(folder / "two.wav", _TWO_SENTENCES_S)
    with service_process(()) as (url, process):
        # The process that holds the model, or one that decodes; the service lives on.
        for what, is_decoder in (("the recogniser's process", False), ("the decoder's process", True)):
            runs = []
            for _ in range(_DRAWS // 2):
                kill = _Later("sphinx.worker", chance.uniform(0.3, 2), last=is_decoder)
                arguments = ("file", two, "--endpoint", url, "--pace", "4")
                runs.append(injured("", 0, *arguments, kill=_Of(process.pid, kill)))
            yield _told(f"{what} killed", runs, is_heard)
    runs = []
    for _ in range(_DRAWS // 2):
        kill = _Later("serve", chance.uniform(0, 5))
        runs.append(injured("", 0, "file", two, "--region", "local", "--pace", "2", kill=kill))
    yield _told("the service of --region local killed", runs, is_heard)


@dataclass(frozen=True)
class _Of:
    """Whom `kill` names among the children of process `pid`, whichever it is asked about."""

    pid: int
    kill: _Later

    def __call__(self, _: int) -> int | None:
        return self.kill(self.pid)


@dataclass(frozen=True)
class _Later:
    """Names the child in whose command line `what` stands, so long after it is there."""

    what: str
    after_s: float
    last: bool = False
    """Not the first such child, but the one that came last."""

    def __call__(self, pid: int) -> int | None:
        found = child_of(pid, self.what)
        threading.Event().wait(self.after_s)
        if self.last:
            found = next(reversed(descendants(pid)), None)
        return found
