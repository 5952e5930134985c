"""The commands that are tortured, each in a short run."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import soundfile
import trustme

from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.engine.control import Control
from asrcli.service.server import Service
from tests.support.coded_talk import RATE_HZ, CodedTalk, a_sentence_every
from tests.support.recovery import Cut, delivered, engine
from tests.support.service import TALK_WAV, running_service, write_script
from tests.support.tls_proxy import server_context, tls_proxy
from tests.support.torture import ERRORS, NO_FAULT, Drive, Fault, Run, to_its_end, tortured
from tests.support.torture_judge import Judge, as_always, bench, heard, in_file, in_folder, on_stdout, problems, silent
from tests.support.transcribing import transcribe
from tests.support.virtual_mic import VirtualMic, missing
from tests.support.zygote import Running, Zygote

_NETWORK = frozenset({"connect", "send", "recv"})
# A service of its own for each run takes its time, and hears as others do.
_HEARD = _NETWORK | {"read", "write", "thread"}
# Whose library ends the process, or waits for ever, where its own reads, writes and threads fail.
_SOUND_SERVERS = _NETWORK | {"read", "write", "close", "thread"}
_MANY = ("one.wav", "two.wav", "three.wav")

Options = tuple[object, ...]


@dataclass(frozen=True)
class Case:
    """One command line; {out} in it is the folder for what it writes. `spared` kinds of calls do not fail here."""

    name: str
    line: tuple[object, ...]
    judge: Judge
    drive: Drive
    stdin: bool = False
    spared: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, zygote: Zygote, fault: Fault, folder: Path) -> Run:
        """Run it in `folder`, which is made."""
        line = [str(each).replace("{out}", str(folder / "out")) for each in self.line]
        run = partial(tortured, zygote, line, drive=self.drive, stdin=self.stdin, variables=self.variables)
        return replace(run(fault, folder), repeat=lambda: run(NO_FAULT, folder / "again"))

    def problems(self, run: Run, whole: Run) -> list[str]:
        """What is wrong with `run`, beside the `whole` one without a fault; none where it ended as it should."""
        return problems(self.judge, run, whole)

    def kinds(self) -> list[str]:
        return [kind for kind in ERRORS if kind not in self.spared]


def _serves(talk: CodedTalk) -> Drive:
    """A service that gets a talk, and then SIGTERM."""

    def drive(running: Running) -> tuple[bytes, Sequence[str]]:
        url = running.first_line().decode().strip()
        notes = []
        if url:
            # A client that never got in is lost with its connection; the next one is served.
            notes = ["no client is served"]
            for _ in range(2):
                outcome = delivered(transcribe(talk.source(), engine(url, Cut("run-task", ())), Control()))
                if [each.text for each in outcome.sentences] == [each["text"] for each in talk.sentences]:
                    notes.clear()
                    break
            running.signal(signal.SIGTERM)
        running.rest()
        return url.encode(), notes

    return drive


@contextmanager
def cases(folder: Path, *, with_microphone: bool = True) -> Iterator[list[Case]]:
    """All of them, and services for them that run as long as the context lasts."""
    talk = a_sentence_every(folder, 4, 16)
    plain = write_script(folder / "plain.jsonl", *talk.sentences)
    hello = write_script(folder / "heard.jsonl", {"begin_ms": 200, "end_ms": 700, "text": "Hello there."})
    _write_sounds(folder, talk)
    with ExitStack() as stack:
        coded, secure, reciting, hearing = (
            stack.enter_context(running_service(recognizer, tls=tls))
            for recognizer, tls in ((talk.recognizer, False), (talk.recognizer, True), (plain, False), (hello, False))
        )
        yield [
            *_of_one_file(folder, ("--endpoint", coded.url), ("--endpoint", reciting.url)),
            *_over_tls(stack, folder, secure),
            *_of_many(folder, ("--endpoint", coded.url)),
            Case("models", ("models", "--json"), as_always, to_its_end()),
            Case("serve", ("serve", "--port", 0, "--recognizer", talk.recognizer), silent, _serves(talk)),
            *(_of_a_microphone(stack, folder, ("--endpoint", hearing.url)) if with_microphone else ()),
        ]


def _write_sounds(folder: Path, talk: CodedTalk) -> None:
    wav = talk.write_wav(folder / "talk.wav")
    samples, _ = soundfile.read(wav, dtype="int16")
    for name in ("talk.mp3", "talk.flac"):
        soundfile.write(folder / name, samples, RATE_HZ)
    words, rate_hz = soundfile.read(TALK_WAV, frames=3 * RATE_HZ, dtype="int16")
    soundfile.write(folder / "words.wav", words, rate_hz)
    ffmpeg = find_ffmpeg()
    assert ffmpeg is not None
    subprocess.run([ffmpeg, "-v", "error", "-i", wav, folder / "talk.m4a"], check=True, stdin=subprocess.DEVNULL)
    for name in _MANY:
        (folder / name).write_bytes(wav.read_bytes())


def _of_one_file(folder: Path, coded: Options, reciting: Options) -> list[Case]:
    """`coded` and `reciting` lead to services; the second one does not care where the sound is.

    Lossy sound no longer says that, so that a second connection would hear another talk.
    """
    wav, ends = folder / "talk.wav", to_its_end()
    fast = ("--pace", "fast", "--json")
    to_json, to_text = partial(on_stdout, as_json=True), partial(on_stdout, as_json=False)
    to_file = partial(in_file, name="talk.jsonl")
    file = ("-o", "{out}/talk.jsonl")
    few = ("--clip", 2, "--tasks", 4, *fast)
    return [
        Case("json", ("file", wav, *coded, *fast), to_json, ends),
        Case("text", ("file", wav, *coded, "--pace", "fast"), to_text, ends),
        Case("pipe", ("file", "-", *coded, *fast), to_json, to_its_end(wav.read_bytes()), stdin=True),
        Case("mp3", ("file", folder / "talk.mp3", *reciting, *fast), to_json, ends, spared=_NETWORK),
        Case("flac", ("file", folder / "talk.flac", *coded, *fast), to_json, ends),
        Case("m4a", ("file", folder / "talk.m4a", *reciting, *fast), to_json, ends, spared=_NETWORK),
        Case("output", ("file", wav, *coded, *fast, *file), to_file, ends),
        Case("save-audio", ("file", wav, *coded, *fast, *file, "--save-audio", "{out}/sound.wav"), to_file, ends),
        Case("split", ("file", wav, *coded, *fast, "--split", 2), to_json, ends),
        Case("qwen", ("qwen", wav, *coded, *fast), to_json, ends),
        Case("local", ("file", folder / "words.wav", "--region", "local", *fast), to_json, ends, spared=_HEARD),
        Case("reuse-bench", ("reuse-bench", wav, *coded, *few), bench, ends),
    ]


def _over_tls(stack: ExitStack, folder: Path, secure: Service) -> list[Case]:
    """To a service that has a certificate, and the same through a proxy that has one too."""
    authority, bundle = trustme.CA(), folder / "bundle.pem"
    assert secure.ca_file is not None
    bundle.write_bytes(authority.cert_pem.bytes() + secure.ca_file.read_bytes())
    proxy = stack.enter_context(tls_proxy(server_context(authority)))
    line = ("file", folder / "talk.wav", "--endpoint", secure.url, "--ca-bundle", bundle, "--pace", "fast", "--json")
    to_json, ends = partial(on_stdout, as_json=True), to_its_end()
    return [
        Case("tls", line, to_json, ends),
        Case("tunnel", (*line, "--proxy", f"https://127.0.0.1:{proxy.port}"), to_json, ends),
    ]


def _of_many(folder: Path, coded: Options) -> list[Case]:
    line = ("file", *(folder / name for name in _MANY), *coded, "--pace", "fast", "--json")
    to_json, ends = partial(on_stdout, as_json=True), to_its_end()
    return [
        Case("jobs", (*line, "--jobs", 3), to_json, ends),
        Case("output-dir", (*line, "--jobs", 2, "--output-dir", "{out}"), in_folder, ends),
    ]


def _of_a_microphone(stack: ExitStack, folder: Path, hearing: Options) -> list[Case]:
    """None where the virtual one cannot run."""
    if missing() is not None:
        return []
    sound = folder / "microphone"
    sound.mkdir()
    mic = VirtualMic(sound)
    stack.callback(mic.stop)
    line = ("mic", "--duration", 1, *hearing, "--json", "--save-audio", "{out}/sound.wav")
    return [Case("mic", line, heard, to_its_end(), spared=_SOUND_SERVERS, variables=mic.variables)]
