"""The local service: installed or not, and a recogniser that loads or says why not."""

from __future__ import annotations

import pytest

from asrcli.cli.commands.doctor import _hear
from asrcli.doctor import local_service
from asrcli.system.clock import SystemClock
from asrcli.values.errors import ServiceError, UsageError


def finding(hear, *, needed: bool = False):
    [found] = local_service.recogniser(hear, SystemClock(), needed=needed)
    return found


def test_the_recogniser_loads():
    found = finding(_hear)
    assert found.status == "ok"
    assert found.ms is not None


@pytest.mark.parametrize(("needed", "status"), [(False, "ok"), (True, "fail")])
def test_what_is_not_installed_is_a_fault_where_it_is_asked_for(monkeypatch, needed, status):
    monkeypatch.setattr(local_service, "find_spec", lambda name: None)
    found = finding(lambda: None, needed=needed)
    assert (found.status, found.detail.partition(";")[0]) == (status, "not installed (websockets, pocketsphinx)")
    assert "asrcli[serve]" in (found.fix or "")


def test_one_that_fails_says_why(monkeypatch):
    def failing() -> None:
        raise ServiceError("InternalError", "no model")

    found = finding(failing)
    assert (found.status, found.detail) == ("fail", "InternalError: no model")

    def refusing(name: str, stall_s: float):
        raise UsageError("not on this system")

    monkeypatch.setattr("asrcli.service.recognizers.open_recognizer", refusing)
    assert finding(_hear).detail == "not on this system"
