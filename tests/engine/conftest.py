"""For the tests of the engine."""

from __future__ import annotations

import pytest

from tests.support.coded_talk import CodedTalk, twelve_sentences


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> CodedTalk:
    return twelve_sentences(tmp_path_factory.mktemp("coded"))
