"""The talk in real time over a network of 64 kbit/s, a quarter of what PCM needs: whole, and how late."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asrcli.service.recognizers.script_file import ScriptedSentence, read_script
from tests.benchmarks.clients import ROOT, file_command
from tests.benchmarks.rows import Row
from tests.support.service import TALK_SCRIPT, TALK_WAV, service_process
from tests.support.slow_link import slow_link

_BYTES_PER_S = 64_000 / 8
_ALLOWED_MS = 1500.0
# `auto` finds out in three seconds, and has caught up some seconds later.
_CAUGHT_UP_MS = {"opus": 0, "auto": 10_000}


def slow(folder: Path) -> list[Row]:
    """`--send opus` and `--send auto` at the same time, each with a network of its own."""
    sentences = read_script(Path(TALK_SCRIPT.removeprefix("script:")))[1]
    seen: dict[str, list[dict[str, Any]]] = {}
    with service_process() as (url, _):
        runs = [
            threading.Thread(target=lambda way=way: seen.update({way: _lines(url, way, folder)}))
            for way in _CAUGHT_UP_MS
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    rows: list[Row] = []
    for way, from_ms in _CAUGHT_UP_MS.items():
        lines = seen[way]
        end = lines[-1]
        if not end["complete"] or _texts(lines) != [each.text for each in sentences]:
            raise RuntimeError(f"--send {way} lost something: {_texts(lines)}")
        delays = sorted(delay for at_ms, delay in _delays(lines, sentences) if at_ms >= from_ms)
        name = f"64 kbit/s, --send {way}"
        rows += [
            Row(f"{name}: sound to result, at most", delays[-1], "ms", _ALLOWED_MS, "allowed", aim=1.0, noise=0.5,
                note=f"median {delays[len(delays) // 2]:.0f} ms" + (", from 10 s on" if from_ms else "")),
            Row(f"{name}: the talk of 34 s", end["wall_s"], "s", end["audio_ms"] / 1000, "its length", aim=1.05),
        ]  # fmt: skip
    return rows


def _lines(url: str, way: str, folder: Path) -> list[dict[str, Any]]:
    # What one run learns of its network is none of another's business.
    environ = {**os.environ, "XDG_STATE_HOME": str(folder / way)}
    with slow_link(url, _BYTES_PER_S) as link:
        command = file_command(link, TALK_WAV, "--send", way, "--json")
        done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, env=environ, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _texts(lines: Sequence[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in lines if line["type"] == "final"]


def _delays(lines: Sequence[dict[str, Any]], sentences: Sequence[ScriptedSentence]) -> list[tuple[int, int]]:
    """For each word that is shown: where its sound ends, and how much later it came; in ms."""
    delays, shown = [], 0
    for line in lines:
        if line["type"] == "partial" and (heard := len(line["text"].split())):
            ends_ms = sentences[line["index"] - 1].words[heard - 1].end_ms
            # A word comes again in a new session.
            if ends_ms > shown:
                shown = ends_ms
                delays.append((ends_ms, line["received_ms"] - ends_ms))
    return delays
