"""For all tests: no key, no proxy, no home and no ignored signals of the person who runs them."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from asrcli.output import masking
from tests.support.looping import every_thread_ends as every_thread_ends
from tests.support.looping import no_thread_is_left as no_thread_is_left
from tests.support.program import asrcli as asrcli
from tests.support.program import talk_service as talk_service
from tests.support.scripted_server import dead_port as dead_port

# A job in the background of a script, and nohup, begin with these ignored. So would all that the tests start and end
# with them, as it should.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _each in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_each, signal.SIG_DFL)

# How long an example takes to make and to run tells of the machine, and of what else is at work on it.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is made meanwhile stays: the collector of garbage would look through it in vain, now and in many tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: at the end, one of them would leave all workers but one without work."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith(("DASHSCOPE_", "ASRCLI_", "XDG_STATE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # Nor a key that another test has used.
    monkeypatch.setattr(masking, "_known", set())
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    assert not (Path.home() / ".dashscope").exists()
