"""Sound that comes by way of a pipe into the command, over a network of a chosen speed, and what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from tests.support.coded_talk import CodedTalk
from tests.support.service import DATA

_KEY = {"DASHSCOPE_API_KEY": "sk-planted0123456789abcdef"}


@dataclass(frozen=True)
class Piped:
    """How a run ended. `peak_bytes` is the most memory that it had, 0 where that is not known."""

    code: int
    lines: tuple[dict[str, Any], ...]
    err: str
    peak_bytes: int

    @property
    def complete(self) -> bool:
        return bool(self.lines) and any(line["type"] == "end" and line["complete"] for line in self.lines)

    def told(self) -> list[tuple[object, ...]]:
        return [(each["text"], each["begin_ms"], each["end_ms"]) for each in self.lines if each["type"] == "final"]

    def verdict(self, talk: CodedTalk) -> str:
        """ "whole", "said so" where it is not and the run says that, "LOST IN SILENCE" where it does not."""
        whole = self.told() == [(each["text"], each["begin_ms"], each["end_ms"]) for each in talk.sentences]
        if whole and self.complete and self.code == 0:
            return "whole"
        return "said so" if self.code != 0 and not self.complete else "LOST IN SILENCE"


def write_sounds(talk: CodedTalk, folder: Path) -> dict[str, tuple[str, ...]]:
    """The talk as a WAV, as raw samples and as FLAC (which a pipe gives to ffmpeg): the commands that write each."""
    wav = talk.write_wav(folder / "piped.wav")
    samples, rate_hz = soundfile.read(wav, dtype="int16")
    (folder / "piped.raw").write_bytes(samples.tobytes())
    soundfile.write(folder / "piped.flac", samples, rate_hz)
    return {kind: ("cat", str(folder / f"piped.{kind}")) for kind in ("wav", "raw", "flac")}


@contextlib.contextmanager
def reading(writer: Sequence[str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`writer | asrcli file - … --json`, running."""
    with (
        subprocess.Popen(writer, stdout=subprocess.PIPE) as source,
        subprocess.Popen(
            [sys.executable, "-m", "asrcli", "file", "-", *arguments, "--json", "--no-partials"],
            stdin=source.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=DATA.parent.parent,
            env={**os.environ, **_KEY},
        ) as process,
    ):
        assert source.stdout is not None
        # Ours is one too many: the writer is to see that the command has gone.
        source.stdout.close()
        try:
            yield process
        finally:
            process.kill()
            source.kill()


def ended(process: subprocess.Popen[str]) -> Piped:
    """Wait for the end of it, with what it cost."""
    said: list[str] = []
    assert process.stdout is not None
    listening = threading.Thread(target=lambda: said.extend(process.stderr or ()))
    listening.start()
    lines: list[dict[str, Any]] = []
    peak_bytes = 0
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1]["type"] in ("begin", "end"):
            peak_bytes = max(peak_bytes, _peak_bytes(process.pid))
    listening.join()
    return Piped(process.wait(), tuple(lines), "".join(said), peak_bytes)


def _peak_bytes(pid: int) -> int:
    """The most memory that a process has had, since it was what it is; 0 where it has gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
