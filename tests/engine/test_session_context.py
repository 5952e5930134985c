"""A context that changes is told to the service ahead of the sound that follows, and at no other time."""

from __future__ import annotations

import json

from asrcli.engine.build import Surroundings, build
from asrcli.engine.spec import Spec
from asrcli.protocols.run_task import RunTask
from asrcli.values.context import Context, Turn
from asrcli.values.errors import LinkError
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.session_bench import Bench, chunks


class Changing:
    def __init__(self, *texts: str) -> None:
        self.now: Context = tuple(map(Turn, texts))

    def __call__(self) -> Context:
        return self.now


def bench_with(changing: Changing, count: int = 4) -> Bench:
    bench = Bench(chunks(count))
    bench.protocol.context = changing.now
    bench.session._context = changing
    return bench


def test_a_change_goes_ahead_of_the_next_sound_and_only_between_start_and_finish():
    changing = Changing("first")
    bench = bench_with(changing)
    assert bench.session.pump(1) == 0
    bench.started()
    bench.session.pump(1)
    changing.now = (Turn("overtaken"),)
    changing.now = (Turn("second"),)
    assert bench.actions() == ["run-task", "audio"]
    bench.session.pump(2)
    assert bench.actions() == ["run-task", "audio", "continue-task", "audio", "audio"]
    said = json.loads(bench.link.sent[2])["payload"]["input"]["context"]
    assert said[0]["content"][0]["text"] == "second"
    bench.until_audio_ended()
    changing.now = (Turn("too late"),)
    assert bench.session.pump(1) == 0
    assert bench.actions()[-2:] == ["audio", "finish-task"]


def test_a_change_before_the_task_has_started_waits_for_it():
    changing = Changing("first")
    bench = bench_with(changing)
    changing.now = (Turn("second"),)
    assert bench.actions() == []
    bench.started().session.pump(1)
    # run-task was made with the first one.
    assert bench.actions() == ["run-task", "continue-task", "audio"]


def test_a_link_that_breaks_under_a_change_breaks_once():
    changing = Changing("first")
    bench = bench_with(changing).started()
    changing.now = (Turn("second"),)
    bench.link.fail = LinkError("gone")
    bench.session.pump(2)
    assert not bench.session.takes_audio
    assert bench.actions() == ["run-task"]


def test_each_session_begins_with_what_is_in_force():
    changing = Changing("first")
    options = RecognitionOptions(model="m", context=(Turn("said at the beginning"),))
    engine = build(Spec("run-task", options, Endpoint("ws://127.0.0.1", "k")), None, Surroundings(context=changing))
    for text in ("first", "second"):
        changing.now = (Turn(text),)
        protocol = engine.new_protocol(None)
        assert isinstance(protocol, RunTask)
        [step] = protocol.start()
        assert json.loads(step.message)["payload"]["input"]["context"][0]["content"][0]["text"] == text
