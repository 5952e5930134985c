"""Fixtures of the service's tests: services that several tests share, and the sample talk."""

from __future__ import annotations

import wave
from collections.abc import Iterator

import pytest

from asrcli.service.protocols.base import Handshake, Limits
from asrcli.service.protocols.realtime import Realtime
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.server import Service
from tests.service.protocols.session_half import connected, kinds, tell
from tests.service.session_client import update
from tests.support.fakes import FakeClock
from tests.support.looping import pair as pair
from tests.support.service import TALK_WAV, running_service


@pytest.fixture(scope="module")
def scripted() -> Iterator[Service]:
    """A service that recites the sample talk."""
    with running_service() as service:
        yield service


@pytest.fixture(scope="session")
def listening() -> Iterator[Service]:
    """A service with the real recogniser."""
    with running_service("sphinx") as service:
        yield service


@pytest.fixture(scope="session")
def talk_pcm() -> bytes:
    """The sample talk: 16 kHz mono s16le."""
    with wave.open(str(TALK_WAV)) as talk:
        return talk.readframes(talk.getnframes())


@pytest.fixture
def clock() -> FakeClock:
    """Stands still until it is told otherwise."""
    return FakeClock()


@pytest.fixture
def half(clock: FakeClock) -> RunTask:
    """The service's half of run-task, freshly connected."""
    return RunTask(Handshake(RunTask.path), Limits(), clock)


@pytest.fixture
def realtime(clock: FakeClock) -> Realtime:
    """The service's half of the session protocol, freshly connected."""
    return connected(clock)


@pytest.fixture
def manual(realtime: Realtime) -> Realtime:
    """The same in manual mode."""
    assert kinds(tell(realtime, update(turn_detection=None))) == ["session.updated"]
    return realtime
