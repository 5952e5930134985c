"""What is heard follows the context that changes, over sessions that break, over parts and over several sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.engine.build import Surroundings, all_built
from asrcli.engine.control import Control
from asrcli.engine.many import Job, transcribe_many
from asrcli.engine.spec import Spec
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.context import Turn
from asrcli.values.events import Ended, FinalResult, Reconnecting
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.coded_talk import CodedSource
from tests.support.service import running_service, write_script
from tests.support.transcribing import transcribe

NAMES = ("Ada", "Grace", "Hedy")


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Each name is spoken in a sentence of its own, two seconds apart, and must stand in the context to be heard."""
    sentences = [
        {"begin_ms": 2000 * at + 200, "end_ms": 2000 * at + 900, "text": f"Here is {name}.", "context": name}
        for at, name in enumerate(NAMES)
    ]
    return write_script(tmp_path / "s.jsonl", {"timeline": "coded"}, *sentences)


class Slides:
    """The next one is shown when `next` is called."""

    def __init__(self) -> None:
        self._names = iter(NAMES)
        self.next()

    def next(self) -> None:
        self._shown = (Turn(next(self._names)),)

    def __call__(self) -> tuple[Turn, ...]:
        return self._shown


def spec(url: str) -> Spec:
    options = RecognitionOptions(model="fun-asr-realtime", parameters={"max_sentence_silence_ms": 200})
    return Spec("run-task", options, Endpoint(url, "k"), speed=2.0)


@pytest.mark.parametrize("faults", [(), ("reset@3.6s#1",), ("close=1011@1.5s#1", "reset@1.5s#2")], ids=str)
def test_a_change_in_mid_run_changes_what_is_heard_from_there_on(script, faults):
    slides, heard, reconnects = Slides(), [], 0
    with (
        running_service(script, faults=tuple(map(parse_fault, faults))) as service,
        all_built([spec(service.url)], [Surroundings(context=slides)]) as [engine],
    ):
        for event in transcribe(CodedSource(6.0), engine, Control()):
            reconnects += isinstance(event, Reconnecting)
            if isinstance(event, FinalResult):
                heard.append(event.sentence.text)
                if len(heard) == 1:
                    slides.next()
    # The third slide was never shown.
    assert heard == ["Here is Ada.", "Here is Grace.", "Here is something."]
    assert reconnects == len(faults)


def test_every_session_that_runs_is_told(script):
    slides: Slides = Slides()
    heard: dict[int, list[str]] = {0: [], 1: []}
    with running_service(script) as service, all_built([spec(service.url)], [Surroundings(context=slides)]) as [engine]:
        jobs = [Job(lambda _: CodedSource(4.0)) for _ in heard]
        for number, what in transcribe_many(jobs, engine, at_once=2):
            if isinstance(what, FinalResult):
                heard[number].append(what.sentence.text)
                if [len(texts) for texts in heard.values()] == [1, 1]:
                    slides.next()
            elif isinstance(what, Ended):
                assert what.error is None
    assert heard == {0: ["Here is Ada.", "Here is Grace."], 1: ["Here is Ada.", "Here is Grace."]}
