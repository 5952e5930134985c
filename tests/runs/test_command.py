"""How a command has its sources transcribed."""

from __future__ import annotations

from asrcli.engine.splitting import transcribe_each_split
from asrcli.engine.wiring import Engine
from asrcli.protocols.base import Protocol
from asrcli.runs.command import transcriber
from asrcli.runs.request import ManyOptions
from asrcli.values.sound import SoundFormat


def nobody(sound: SoundFormat | None) -> Protocol:
    raise AssertionError


def test_no_more_run_at_once_than_there_are_and_than_the_user_lets() -> None:
    engine = Engine(nobody)
    transcribe = [transcriber(ManyOptions(jobs=jobs), engine, 3) for jobs in (1, 2, 9)]
    assert [each.keywords for each in transcribe] == [{"engine": engine, "at_once": at_once} for at_once in (1, 2, 3)]


def test_parts_are_recognised_at_once_where_the_user_wants_parts() -> None:
    transcribe = transcriber(ManyOptions(split=4), Engine(nobody), 2)
    assert transcribe.func is transcribe_each_split
    assert transcribe.keywords["parts"] == 4
