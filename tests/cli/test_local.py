"""The local service of `--region local`: there when it is needed, gone when it is not."""

from __future__ import annotations

import os
import signal

import pytest

from asrcli.cli.local import LocalService
from asrcli.cli.run import exit_code
from asrcli.errors import LinkError


def test_a_service_that_died_is_started_again_elsewhere():
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


def test_a_service_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nosuch")
    with LocalService() as service, pytest.raises(LinkError, match=r"the local service did not start: .+") as caught:
        service.url()
    assert exit_code(caught.value) == 6
