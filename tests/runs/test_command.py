"""How a command has its sources transcribed."""

from __future__ import annotations

import pytest

from asrcli.audio.opening import Files
from asrcli.engine.many import transcribe_many
from asrcli.engine.splitting import transcribe_each_split
from asrcli.engine.wiring import Engine
from asrcli.protocols.base import Protocol
from asrcli.runs.command import transcriber
from asrcli.runs.request import CorpusOptions, ManyOptions, Request
from asrcli.values.sound import SoundFormat


def nobody(sound: SoundFormat | None) -> Protocol:
    raise AssertionError


def request(many: ManyOptions, slots: int | None = None) -> Request:
    return Request(("a", "b", "c"), Files(), "m", {}, many=many, corpus=CorpusOptions(slots=slots))


@pytest.mark.parametrize(
    ("jobs", "slots", "at_once"), [(None, None, 1), (1, None, 1), (2, None, 2), (9, None, 3), (None, 2, 2), (2, 9, 2)]
)
def test_no_more_run_at_once_than_there_are_and_than_the_user_lets(jobs, slots, at_once) -> None:
    engine = Engine(nobody)
    transcribe = transcriber(request(ManyOptions(jobs=jobs), slots), engine, 3)
    assert transcribe.func is transcribe_many
    assert transcribe.keywords == {"engine": engine, "at_once": at_once}


def test_parts_are_recognised_at_once_where_the_user_wants_parts() -> None:
    transcribe = transcriber(request(ManyOptions(split=4)), Engine(nobody), 2)
    assert transcribe.func is transcribe_each_split
    assert transcribe.keywords["parts"] == 4
