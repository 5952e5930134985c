"""The talk as PCM, as Opus and as it is: bytes, CPU, how much later sound can be heard, what is recognised of it."""

from __future__ import annotations

import statistics
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import jiwer

from asrcli.values.sound import LIVE_CHUNK_MS
from tests.benchmarks.clients import TALK, asrcli, file_command, run
from tests.benchmarks.recorder import Recorder, recorder
from tests.benchmarks.rows import Row
from tests.benchmarks.sounds import talk_of
from tests.support.sounds import FFMPEG

_SECONDS, _SHORT_S = 30.0, 1.0
_TEXT = TALK.with_suffix(".txt")
# Of Opus' samples at 48 kHz those that a decoder leaves out at the beginning.
_PRE_SKIP = 312
# Of the first second, and then of every moment: how much later than as PCM it may be heard.
_FIRST_MS, _LATER_MS = 250, 120


def encodings(folder: Path) -> list[Row]:
    """Half a minute in real time through all of them at once, against services that only note what comes."""
    talks = {seconds: talk_of(folder, seconds) for seconds in (_SECONDS, _SHORT_S)}
    mp3s = {seconds: _mp3(path) for seconds, path in talks.items()}
    ways = {
        "pcm": (talks, "pcm"),
        "opus": (talks, "opus"),
        "decoded": (mp3s, "pcm"),
        "as-is": (mp3s, "as-is!"),
    }
    heard: dict[str, Recorder] = {}
    cpu_s: dict[tuple[str, float], float] = {}

    def measure(name: str, seconds: float) -> None:
        files, way = ways[name]
        with recorder() as record:
            cpu_s[name, seconds] = run([*file_command(record.url, files[seconds]), "--send", way]).cpu_s
        if seconds == _SECONDS:
            heard[name] = record

    for seconds in (_SHORT_S, _SECONDS):
        jobs = [threading.Thread(target=measure, args=(name, seconds)) for name in ways]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
    sent = {name: sum(map(len, record.messages)) / 1000 for name, record in heard.items()}
    whole = {name: cpu_s[name, _SECONDS] for name in ways}
    steady = {name: (whole[name] - cpu_s[name, _SHORT_S]) / (_SECONDS - _SHORT_S) * 1000 for name in ways}
    first_ms, later_ms, worst_ms = _added_ms(heard["opus"])
    pcm_wer, opus_wer = (_error_rate(way) * 100 for way in ("pcm", "opus"))
    return [
        Row("half a minute as Opus: sent", sent["opus"], "KB", sent["pcm"], "PCM", aim=1 / 8, noise=0.02),
        Row("half a minute as Opus: CPU of all", whole["opus"], "s", whole["pcm"], "PCM", aim=4, noise=0.2),
        Row("as Opus: CPU per second of audio", steady["opus"], "ms", steady["pcm"], "PCM", aim=4, noise=0.5),
        Row(
            "mp3 as it is: CPU per second of audio", steady["as-is"], "ms", steady["decoded"], "PCM", aim=0.5, noise=0.3
        ),
        Row("as Opus: the first second can be heard later by", first_ms, "ms", _FIRST_MS, "the most", aim=1, noise=1),
        Row(
            "as Opus: what follows, median", later_ms, "ms", _LATER_MS, "the most", aim=1, noise=0.3,
            note=f"99 %: {worst_ms:.0f}",
        ),
        Row(
            "the talk as Opus: words wrong", opus_wer, "%", pcm_wer + 2, "PCM and 2 points", aim=1, noise=0.5,
            note=f"as PCM {pcm_wer:.3g}",
        ),
    ]  # fmt: skip


def _mp3(wav: Path) -> Path:
    assert FFMPEG is not None
    path = wav.with_suffix(".mp3")
    subprocess.run([FFMPEG, "-v", "error", "-y", "-i", str(wav), "-ar", "44100", "-b:a", "64k", str(path)], check=True)
    return path


def _added_ms(opus: Recorder) -> tuple[float, float, float]:
    """How much later the end of each chunk can be heard than of PCM: of the first ten the most, of all median and 99 %.

    It would have left when its first sample was due; the first one that did sets the time.
    """
    ends = [
        (end_ms, (at - opus.audio_at[0]) * 1000)
        for at, message in zip(opus.audio_at, opus.messages, strict=True)
        for end_ms in _ends_ms(message)
    ]
    chunks = range(0, round(_SECONDS * 1000) - LIVE_CHUNK_MS, LIVE_CHUNK_MS)
    added = [next(at for end, at in ends if end >= begin + LIVE_CHUNK_MS) - begin for begin in chunks]
    return max(added[:10]), statistics.median(added), statistics.quantiles(added, n=100)[98]


def _ends_ms(pages: bytes) -> Iterator[float]:
    """Up to where a decoder gives sound after each of the pages."""
    position = 0
    while position < len(pages):
        segments = pages[position + 26]
        (granule,) = struct.unpack_from("<q", pages, position + 6)
        yield (granule - _PRE_SKIP) / 48
        position += 27 + segments + sum(pages[position + 27 : position + 27 + segments])


def _error_rate(way: str) -> float:
    """Of the words of the talk, as the local recogniser hears it."""
    done = run(asrcli("file", str(TALK), "--region", "local", "--pace", "fast", "--send", way, "-q"))
    said = " ".join(line for _, line in done.lines)
    return float(jiwer.wer(_plain(_TEXT.read_text(encoding="utf-8")), _plain(said)))


def _plain(text: str) -> str:
    return " ".join(text.lower().replace(".", " ").replace(",", " ").split())
