"""`asrcli serve --tls` as a command, and asrcli as its client."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.client import Client
from tests.support.program import Program
from tests.support.service import TALK_SCRIPT, TALK_TEXT, TALK_WAV, service_process

SCRIPTED = ("--recognizer", TALK_SCRIPT)


def test_asrcli_believes_it_with_the_file_that_it_names(asrcli: Program, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with service_process((*SCRIPTED, "--tls", "--tls-ca", str(ca_file))) as (url, process):
        assert url.startswith("wss://127.0.0.1:")
        assert process.stderr is not None
        assert f"--ca-bundle, others with SSL_CERT_FILE: {ca_file}" in process.stderr.readline()
        options = ("--endpoint", url, "--api-key", "k", "--pace", "fast", "--quiet")
        outcome = asrcli("file", TALK_WAV, *options, "--ca-bundle", ca_file)
        assert (outcome.code, outcome.out) == (0, TALK_TEXT.read_text("utf-8"))
        assert asrcli("file", TALK_WAV, *options).code == 6


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_without_a_name_the_file_is_temporary_and_goes_with_the_service(signal_number: signal.Signals) -> None:
    with service_process((*SCRIPTED, "--tls")) as (url, process):
        assert process.stderr is not None
        ca_file = Path(process.stderr.readline().strip().rpartition(": ")[2])
        with Client(url, ca_file=ca_file) as client:
            assert client.transcribe(b"") == []
        process.send_signal(signal_number)
        assert process.wait(20) == 0
        assert not ca_file.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tls-ca", "ca.pem"), "--tls-ca goes with --tls"),
        (("--tls", "--tls-ca", "/nowhere/ca.pem"), "cannot write the certificate's authority to /nowhere/ca.pem"),
    ],
)
def test_what_cannot_work_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "asrcli", "serve", "--port", "0", *SCRIPTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    (line,) = done.stderr.splitlines()
    assert said in line
    assert (done.returncode, done.stdout) == (2, "")


def test_a_signal_that_reaches_another_thread_ends_it_too() -> None:
    """Nothing interrupts the main thread's waiting then."""
    with service_process(SCRIPTED) as (_, process):
        tasks = [int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()]
        [other, *_] = [task for task in tasks if task != process.pid]
        assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM) == 0
        assert process.wait(20) == 0
