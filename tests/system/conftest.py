"""For the tests of the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asrcli.system.loop import Loop
from tests.support.fakes import FakeClock
from tests.support.looping import held_loop
from tests.support.looping import pair as pair


@pytest.fixture
def loop() -> Iterator[Loop]:
    with held_loop() as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
