"""The microphone while the service is away: the talk through a virtual one, the service killed in the middle of it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import jiwer

from tests.support.scripted_server import free_port
from tests.support.service import TALK_TEXT, TALK_WAV
from tests.support.virtual_mic import VirtualMic, missing

# The service dies in the second sentence, and the talk goes on without it.
_DIES_AFTER_S, AWAY_S = 7.0, 20.0
_PATIENCE_S = 60.0


def outage(folder: Path) -> Iterator[str]:
    """20 s without a service under `asrcli mic`, beside a run without a fault: words, order, what was told."""
    if reason := missing():
        yield reason
        return
    whole, _ = _listened(folder / "whole", away_s=0.0)
    broken, reconnects = _listened(folder / "broken", away_s=AWAY_S)
    reference = _plain(TALK_TEXT.read_text(encoding="utf-8"))
    rates = [100 * jiwer.wer(reference, _plain(" ".join(each))) for each in (whole, broken)]
    doubled = len(broken) - len(set(broken))
    yield (
        f"{AWAY_S:g} s without a service: {len(broken)} sentences of {len(whole)}, {doubled} doubled, "
        f"WER {rates[1]:.1f} % (undisturbed {rates[0]:.1f} %), {reconnects} tries"
    )


def _listened(folder: Path, away_s: float) -> tuple[list[str], int]:
    """What `asrcli mic` made of the talk, and how often it connected again."""
    folder.mkdir()
    port = free_port()
    service = _serve(port)
    microphone = VirtualMic(folder / "mic")
    command = [sys.executable, "-m", "asrcli", "mic", "--endpoint", f"ws://127.0.0.1:{port}", "--json"]
    client = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=microphone.environ
    )
    try:
        assert client.stdout is not None
        begin = json.loads(client.stdout.readline())
        assert begin["type"] == "begin", begin
        lines: list[dict[str, object]] = []
        reading = threading.Thread(target=lambda: lines.extend(map(json.loads, client.stdout or ())))
        reading.start()
        playing = microphone.say(TALK_WAV)
        if away_s:
            time.sleep(_DIES_AFTER_S)
            _end(service, signal.SIGKILL)
            time.sleep(away_s)
            service = _serve(port)
        playing.wait()
        # The last word takes the sound server's time to arrive.
        time.sleep(2)
        if away_s:
            _wait_for_the_last_of(lines)
        client.send_signal(signal.SIGINT)
        code = client.wait(_PATIENCE_S)
        reading.join()
        assert code == 0, lines[-1]
    finally:
        with suppress(ProcessLookupError):
            client.kill()
        client.wait()
        microphone.stop()
        _end(service, signal.SIGTERM)
    texts = [str(line["text"]) for line in lines if line["type"] == "final"]
    return texts, sum(line["type"] == "reconnect" for line in lines)


def _wait_for_the_last_of(lines: list[dict[str, object]]) -> None:
    """Until the replay has caught up: a user would see that in the live view."""
    until = time.monotonic() + _PATIENCE_S
    seen = -1
    while time.monotonic() < until and (len(lines) != seen or seen < 2):
        seen = len(lines)
        time.sleep(3)


def _serve(port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "asrcli", "serve", "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ws://")
    return process


def _end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _plain(text: str) -> str:
    return re.sub(r"[^a-z' ]+", " ", text.lower()).strip()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for said in outage(Path(name)):
            print(said)
