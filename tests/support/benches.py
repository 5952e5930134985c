"""A batch whose engine is the test's own and whose output lies in strings."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from asrcli.audio.opening import Files, Input, LevelSink
from asrcli.audio.source import NoticeSink, Source
from asrcli.engine.many import Happenings, Job, What
from asrcli.engine.spec import Spec
from asrcli.fleet.manifest import Row
from asrcli.output.base import Many
from asrcli.output.destination import Destination
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.formats.text import PlainText, title
from asrcli.output.output import Output
from asrcli.output.places.lanes import InOrder
from asrcli.output.views.plain import QuietView
from asrcli.runs import sources as sources_module
from asrcli.runs.batch import Batch
from asrcli.runs.choose_spec import Choice
from asrcli.runs.sources import Opener, Prepared
from asrcli.runs.variants import Variant
from asrcli.system.signals import Signals
from asrcli.values.errors import AsrcliError
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.fakes import ToneSource

Happening = tuple[int, What]
Script = Callable[[Sequence[Job]], Iterator[Happening]]


class Sink:
    def __init__(self) -> None:
        self.text = ""
        self.is_closed = False

    def check(self) -> None: ...

    def write(self, text: str) -> None:
        self.text += text

    def closed_downstream(self) -> bool:
        return self.is_closed

    def give_up(self, error: AsrcliError) -> None: ...

    def close(self) -> None: ...


class Bench:
    """A batch with its output in strings. `engine` becomes what transcribe_many would yield."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, names: Sequence[str], as_json: bool) -> None:
        self.sink, self.stderr = Sink(), io.StringIO()
        self.signals = Signals()
        self.opened: list[str] = []
        self.closed = False
        destination = Destination(JsonLines if as_json else PlainText, self.sink)
        self.output = Output([destination], QuietView(self.stderr))
        if len(names) > 1:
            title_of = None if as_json else lambda number: title(names[number])
            destination.through(InOrder(destination.deliver, title_of))
            self.output.for_many(Many(tuple(names), (300,) * len(names), 2))
        self.batch = self.new_batch()
        self.sources = [Prepared(Row.named(name)) for name in names]
        monkeypatch.setattr(sources_module, "open_input", self.open)

    def new_batch(self, **options: Any) -> Batch:
        choice = options.pop("choice", Choice(RecognitionOptions("m"), "run-task", "local"))
        variant = Variant(choice, Spec(choice.protocol, choice.options, Endpoint("ws://127.0.0.1:1", "")))
        return Batch(self.output, self.signals, Opener([Files()], 0), [variant], **{"stats": False, **options})

    def open(self, how: Input, name: str, notice: NoticeSink, level: LevelSink) -> Source:
        self.opened.append(name)
        return ToneSource(0.3)

    def run(self, script: Script) -> int:
        def transcribe(jobs: Sequence[Job]) -> Happenings:
            try:
                yield from script(jobs)
            finally:
                self.closed = True

        return self.batch.run(self.sources, transcribe)

    @property
    def lines(self) -> list[tuple[str, str | None]]:
        return [(line["type"], line["source"]) for line in map(json.loads, self.sink.text.splitlines())]
