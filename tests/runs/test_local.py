"""The local service of `--region local`: there when it is needed, gone when it is not."""

from __future__ import annotations

import errno
import importlib.util
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from asrcli.runs.exits import exit_code
from asrcli.runs.local import LocalService
from asrcli.values.errors import LinkError, UsageError
from tests.support.wording import says


def test_a_service_that_died_is_started_again_elsewhere(monkeypatch):
    # On a busy machine it may need longer to end.
    monkeypatch.setattr("asrcli.runs.local._STOP_TIMEOUT_S", 20)
    with LocalService() as service:
        first = service.url()
        assert service.url() == first
        old = service._process
        os.kill(old.pid, signal.SIGKILL)
        old.wait(10)
        again = service.url()
        assert service._process.pid != old.pid
        assert again.startswith("ws://127.0.0.1:")
        process = service._process
    assert process.returncode == 0


def test_what_lies_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "typing.py").write_text("raise SystemExit('not the real one')")
    monkeypatch.chdir(tmp_path)
    with LocalService() as service:
        assert service.url().startswith("ws://127.0.0.1:")


def test_a_service_that_was_killed_as_it_started_is_started_again():
    with LocalService() as service:
        old = service._process
        old.kill()
        assert service.url().startswith("ws://127.0.0.1:")
        assert service._process.pid != old.pid


def test_a_service_that_is_always_killed_says_so(monkeypatch):
    start = LocalService._start

    def killed(self: LocalService):
        process = start(self)
        process.kill()
        return process

    monkeypatch.setattr(LocalService, "_start", killed)
    with LocalService() as service, pytest.raises(LinkError, match="did not start: it was ended by signal 9"):
        service.url()


@pytest.mark.parametrize("missing", ["websockets", "pocketsphinx"])
def test_without_its_parts_the_line_that_brings_them_is_named(missing, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(UsageError, check=says(r"the local service is not installed \(pip install 'asrcli\[serve\]'\)")):
        LocalService()


def test_a_service_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nosuch")
    with LocalService() as service, pytest.raises(LinkError, match=r"the local service did not start: .+") as caught:
        service.url()
    assert exit_code(caught.value) == 6


@pytest.mark.parametrize("what", ["subprocess.Popen", "tempfile.TemporaryFile"])
def test_a_system_that_has_no_room_for_it_says_so(what, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(f"asrcli.runs.local.{what}", refuse)
    with pytest.raises(LinkError, match=r"the local service did not start: Resource temporarily unavailable"):
        LocalService()


def test_a_log_that_cannot_be_closed_is_no_reason_to_fail(monkeypatch):
    with LocalService() as service:
        log = service._log

        def close() -> None:
            log.close()
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(service, "_log", SimpleNamespace(close=close))
