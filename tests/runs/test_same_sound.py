"""Whatever becomes of files and of runs: a run that says that all is done has texts of the bytes that are there."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asrcli.audio.opening import Files
from asrcli.engine.many import Happenings, Job
from asrcli.engine.spec import Spec
from asrcli.fleet import messages
from asrcli.fleet.line import Joined, News, Said
from asrcli.fleet.manifest import manifest_of
from asrcli.fleet.messages import Finished, FromCrew, FromHead, Granted, Opened
from asrcli.output.destination import Destination
from asrcli.output.formats.text import PlainText
from asrcli.output.output import Output
from asrcli.output.views.plain import QuietView
from asrcli.runs import sources as sources_module
from asrcli.runs.batch import Batch
from asrcli.runs.choose_output import arrange
from asrcli.runs.choose_spec import Choice
from asrcli.runs.late_results import LateResults
from asrcli.runs.notes import Notes
from asrcli.runs.request import CorpusOptions, ManyOptions, Request
from asrcli.runs.results import Results
from asrcli.runs.rows import Rows
from asrcli.runs.sources import AlreadyDone, Opener, Prepared
from asrcli.runs.variants import Variant
from asrcli.system.file_state import FileState, change_since
from asrcli.system.signals import Signals
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Ended, FinalResult, Notice, Sentence
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.fleet.test_head_alone import Scripted
from tests.support.benches import Sink
from tests.support.fakes import ToneSource
from tests.support.fleet import head_of

NAMES = ("a", "b")
CHOICE = Choice(RecognitionOptions("m"), "run-task", "local")
SPEC = Spec(CHOICE.protocol, CHOICE.options, Endpoint("ws://127.0.0.1:1", ""))
# When a file may change while a run lasts: before its turn, before it is opened, before anybody is told that it is,
# while it is heard, and while what was left behind is handed over.
MOMENTS = ("turn", "open", "told", "end", "handing over")


class Killed(BaseException):
    """The run is gone."""


@dataclasses.dataclass(frozen=True)
class Run:
    """`way`: the sources are named, or in a manifest, or a cluster does those of a manifest.

    `at`: at which moment of which source its file changes, in place or not.
    `killed`: at which source it is killed, when that was heard.
    """

    way: str
    has_lines: bool
    has_folder: bool
    at: tuple[tuple[str, str, bool], ...] = ()
    killed: str | None = None


@dataclasses.dataclass(frozen=True)
class Change:
    """Between two runs a file becomes version `version`, counted from the last one, in place or by another file."""

    name: str
    version: int
    is_in_place: bool


class World:
    """Two sources, what runs have made of them, and the journal of a worker."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        # Bytes and time of a file. Some are of one length, some of one time.
        self.versions: list[tuple[bytes, int]] = []
        self.journals: dict[bool, dict[str, tuple[FileState, bytes]]] = {True: {}, False: {}}
        self.heard: dict[str, str] = {}
        monkeypatch.setattr(sources_module, "open_input", self.open)
        for name in NAMES:
            self.become(name, self.new(), is_in_place=True)

    def new(self) -> tuple[bytes, int]:
        count = len(self.versions)
        self.versions.append((b"%04d" % count + b"+" * (count % 2), 10**18 + count // 2))
        return self.versions[-1]

    def audio(self, name: str) -> Path:
        return self.path / f"{name}.wav"

    def text(self, name: str) -> str:
        """What is heard in it as it is now."""
        return self.audio(name).read_text()

    def become(self, name: str, version: tuple[bytes, int], *, is_in_place: bool) -> None:
        data, modified_ns = version
        path = self.audio(name) if is_in_place else self.path / "new"
        path.write_bytes(data)
        os.utime(path, ns=(modified_ns, modified_ns))
        path.replace(self.audio(name))

    def change(self, change: Change) -> None:
        version = self.versions[-1 - change.version % len(self.versions)] if change.version else self.new()
        self.become(change.name, version, is_in_place=change.is_in_place)

    def open(self, how: Files, name: str, *_: object, **__: object) -> ToneSource:
        self.heard[name] = Path(name).read_text()
        return ToneSource(0.3)

    # --- what is said to be done -------------------------------------------------------------------------------------

    def noted(self, name: str) -> str | None:
        """What the last line of it says, where that is complete."""
        path = self.path / "results.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        mine = [line for line in lines if line["id"] == str(self.audio(name))]
        return mine[-1]["text"] if mine and mine[-1]["complete"] else None

    def is_done(self, name: str, run: Run) -> bool:
        """Whether all that is there of it is of the bytes that are there."""
        is_noted = not run.has_lines or self.noted(name) == self.text(name)
        return is_noted and (not run.has_folder or self.is_in_folder(name))

    def is_in_folder(self, name: str) -> bool:
        return (self.path / "out" / f"{name}.txt").read_text() == self.text(name) + "\n"

    # --- a run -------------------------------------------------------------------------------------------------------

    def run(self, run: Run) -> None:
        names = [str(self.audio(name)) for name in NAMES]
        manifest = manifest_of((json.dumps({"audio": name}) for name in names), str(self.path / "in.jsonl"))
        request = Request(
            tuple(names),
            Files(),
            "m",
            {},
            many=ManyOptions(output_dir=self.path / "out" if run.has_folder else None),
            corpus=CorpusOptions(
                manifest=None if run.way == "named" else "in.jsonl",
                results=str(self.path / "results.jsonl") if run.has_lines else None,
            ),
        )
        output = Output([Destination(PlainText, Sink())], QuietView(io.StringIO()))
        rows = Rows(manifest.rows, manifest.total, manifest.where)
        made: Results = LateResults(request, [CHOICE], output, rows)
        if run.way == "named":
            made = Results(request, [CHOICE], output)

        done: list[bool] = []

        def before(number: int, item: Prepared) -> None:
            try:
                made.before(number, item)
            except AlreadyDone:
                # So it is here.
                done.append(self.is_in_folder(Path(item.name).stem))
                raise

        try:
            with ExitStack() as stack:
                made.open(stack)
                opener = Opener([Files()], 1)
                named = run.way == "named"
                sources = opener.check(names, output) if named else [Prepared(row) for row in manifest.rows]
                wanted = made.to_do(sources, stack)
                for name in NAMES:
                    if str(self.audio(name)) not in [item.name for item in wanted]:
                        # What has files only is noted a moment later.
                        done.append(self.is_in_folder(name) if run.has_folder else self.is_done(name, run))
                if not wanted:
                    assert all(done)
                    return
                made.begin(stack)
                arrange(output, request, wanted, made.of_form)
                batch = Batch(
                    *(output, Signals(), opener, [Variant(CHOICE, SPEC)]),
                    stats=False,
                    is_corpus=not named,
                    before=before,
                    over=made.over,
                    notes=made.keeping or Notes(),
                )
                if run.way == "away":
                    line = Crew(self, run)
                    head = head_of(line, SPEC, [item.row for item in wanted], is_kept=True)
                    code = dataclasses.replace(batch, kept=head.kept, is_elsewhere=True).run(wanted, head.transcribe)
                else:
                    code = batch.run(wanted, lambda jobs: self.transcribe(run, wanted, jobs))
        except Killed:
            return
        assert all(done)
        # What changes meanwhile is seen by the next run.
        assert code == 0 or run.at
        assert run.at or all(self.is_done(name, run) for name in NAMES)

    def meanwhile(self, run: Run, name: str, moment: str) -> None:
        for each, when, is_in_place in run.at:
            if (each, when) == (name, moment):
                self.become(name, self.new(), is_in_place=is_in_place)

    def transcribe(self, run: Run, wanted: Sequence[Prepared], jobs: Sequence[Job]) -> Happenings:
        """As this process does it."""
        for number, item in enumerate(wanted):
            job, name = jobs[number], Path(item.name).stem
            self.meanwhile(run, name, "turn")
            try:
                job.before()
                self.meanwhile(run, name, "open")
                source = job.open_source(job.control)
            except AsrcliError as error:
                yield number, Ended(error)
                continue
            self.meanwhile(run, name, "told")
            yield number, source
            yield number, FinalResult(Sentence(1, self.heard[item.name]), received_ms=0)
            self.meanwhile(run, name, "end")
            if run.killed == name:
                raise Killed
            yield number, Ended()


class Crew(Scripted):
    """A worker that hears at once, and keeps a journal."""

    def __init__(self, world: World, run: Run) -> None:
        super().__init__(answer=self.hear)
        self._world, self._run = world, run
        # Results at another place have another one.
        self._journal = world.journals[run.has_lines]

    def begin(self, opening: bytes, post: Callable[[News], None]) -> None:
        self.post = post
        said: list[FromCrew] = [messages.Hello("here", 10)]
        for name, (state, left) in self._journal.items():
            if FileState.of(str(self._world.audio(name))) == state:
                self._world.meanwhile(self._run, name, "handing over")
                said.append(messages.LeftBehind(left))
        post(Joined("w"))
        post(Said("w", messages.pack([*said, messages.HandedOver()])))

    def hear(self, line: Scripted, worker: str, said: FromHead) -> None:
        world, run = self._world, self._run
        if isinstance(said, messages.Kept):
            for name, (_, left) in [*self._journal.items()]:
                if messages.finished_of(left).mark in said.marks:
                    del self._journal[name]
        if not isinstance(said, Granted):
            return
        name, audio = Path(said.row.audio).stem, said.row.audio
        world.meanwhile(run, name, "turn")
        state = FileState.of(audio)
        world.meanwhile(run, name, "open")
        text = Path(audio).read_text()
        opened = Opened(name, 8000, 1, state=state)
        world.meanwhile(run, name, "told")
        self.tells(worker, messages.Begun(said.ticket, opened))
        world.meanwhile(run, name, "end")
        if FileState.of(audio) == state:
            opened.sha256 = hashlib.sha256(Path(audio).read_bytes()).hexdigest()
        change = change_since(audio, state)
        error = None if isinstance(change, Notice) else change
        results = (FinalResult(Sentence(1, text), received_ms=0),)
        finished = Finished(said.mark, opened, (), results, error)
        if error is None and state is not None:
            self._journal[name] = state, messages.pack(finished)
        if run.killed == name:
            raise Killed
        self.tells(worker, messages.Over(said.ticket, finished))


def run(
    way: str = "manifest",
    *,
    has_lines: bool = True,
    has_folder: bool = True,
    at: tuple[tuple[str, str, bool], ...] = (),
    killed: str | None = None,
) -> Run:
    return Run(way, has_lines, has_folder, at, killed)


AT = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(MOMENTS), st.booleans()), max_size=2)
RUNS = st.builds(
    Run,
    way=st.sampled_from(("named", "manifest", "away")),
    has_lines=st.booleans(),
    has_folder=st.booleans(),
    at=AT.map(tuple),
    killed=st.sampled_from([None, None, *NAMES]),
)
CHANGES = st.builds(Change, st.sampled_from(NAMES), st.integers(0, 5), st.booleans())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(RUNS, CHANGES), max_size=7))
# Files are of what was there first, lines of what is there now.
@example([run(has_lines=False), Change("a", 0, False), run(has_folder=False), run()])
# A result was left behind of what has its file.
@example([run(has_lines=False), run("away", has_folder=False, killed="a"), run("away")])
# Something else came when it was open, before that, or while it was handed over.
@example([run("away", has_folder=False, at=(("a", "told", False),)), run(has_folder=False)])
@example([run("away", has_folder=False, at=(("a", "turn", False),)), Change("a", 2, False), run(has_folder=False)])
@example([run("away", killed="a"), run("away", at=(("a", "handing over", False),)), run()])
def test_what_is_said_to_be_done_is_done_of_the_bytes_that_are_there(steps: Sequence[Run | Change]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        world = World(Path(folder), patched)
        for step in steps:
            if isinstance(step, Change):
                world.change(step)
            elif step.has_lines or step.has_folder:
                world.run(step)
