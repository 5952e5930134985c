"""A head without crews: a test says what comes, and looks at what was to be sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from asrcli.audio.reading.ffmpeg_tool import DecoderMissing
from asrcli.engine.many import Job, What
from asrcli.fleet import head as head_module
from asrcli.fleet import messages, roster, workforce
from asrcli.fleet.line import Broken, Gone, Joined, News, Said, Unusable
from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import FromCrew, FromHead, Granted, from_head
from asrcli.fleet.suspects import KillsWorkers
from asrcli.system.file_state import FileState
from asrcli.values.errors import AsrcliError, AuthError, DecodeError, LinkError, UsageError
from asrcli.values.events import Ended, Notice, Reconnecting, SessionStarted, WorkersChanged
from tests.support.fleet import happenings, head_of, nobody, run, spec_of

ROWS = [Row.named("a"), Row.named("b")]
SPEC = spec_of("ws://127.0.0.1:1")
Answer = Callable[["Scripted", str, FromHead], None]


def says_nothing(line: Scripted, worker: str, said: FromHead) -> None:
    """A crew that never gets anywhere."""


class Scripted:
    """A Line on which `news` comes at the beginning; `answer` is what crews do. `sent` is what was to be sent."""

    nobody, how_to_join = "there is no worker at nowhere", "dask worker nowhere"

    def __init__(self, *news: News, answer: Answer = says_nothing) -> None:
        self._news = news
        self._answer = answer
        self.sent: list[tuple[str, FromHead]] = []
        self.dropped: list[str] = []
        self.post: Callable[[News], None]

    def begin(self, opening: bytes, post: Callable[[News], None]) -> None:
        self.post = post
        for each in self._news:
            post(each)

    def send(self, worker: str, data: bytes) -> None:
        for each in from_head(data):
            self.sent.append((worker, each))
            self._answer(self, worker, each)

    def tells(self, worker: str, *said: FromCrew) -> None:
        self.post(Said(worker, messages.pack(list(said))))

    def drop(self, worker: str) -> None:
        self.dropped.append(worker)

    def close(self) -> None:
        """Nothing to end."""

    def granted(self) -> list[tuple[str, str]]:
        """Who was given what."""
        return [(worker, said.row.id) for worker, said in self.sent if isinstance(said, Granted)]


def joins(worker: str, machine: str = "here", *, has_ffmpeg: bool = True) -> tuple[News, ...]:
    hello = messages.pack([messages.Hello(machine, 10, has_ffmpeg), messages.HandedOver()])
    return Joined(worker), Said(worker, hello)


def over(granted: Granted, error: AsrcliError | None = None) -> messages.Over:
    opened = messages.Opened("a", 1, 1)
    return messages.Over(granted.ticket, messages.Finished(granted.mark, opened, (), (), error))


def errors(found: Sequence[tuple[int, What]]) -> list[AsrcliError | None]:
    return [what.error for _, what in found if isinstance(what, Ended)]


def finishes(line: Scripted, worker: str, said: FromHead) -> None:
    if isinstance(said, Granted):
        line.tells(worker, over(said))


def test_what_needs_ffmpeg_goes_to_a_worker_that_has_it():
    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted):
            line.tells(worker, over(said, None if worker == "with" else DecoderMissing("a needs ffmpeg")))

    line = Scripted(*joins("without", has_ffmpeg=False), *joins("with"), answer=answer)
    found = run(head_of(line, SPEC, ROWS), 2)
    assert errors(found) == [None, None]
    assert set(line.granted()) == {("without", "a"), ("with", "a"), ("with", "b")}
    assert Notice("without has no ffmpeg", "what needs it goes to the workers that have it") in [
        what for _, what in found
    ]


def test_where_no_worker_has_ffmpeg_the_source_has_failed():
    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted):
            line.tells(worker, over(said, DecoderMissing("a needs ffmpeg")))

    (error,) = errors(run(head_of(Scripted(*joins("w"), answer=answer), SPEC, ROWS[:1]), 1))
    assert isinstance(error, DecodeError)


def test_a_worker_that_cannot_be_used_is_named_while_others_work():
    problem = messages.Hello("there", problem=AuthError("no API key", hint="set it"))
    news = [*joins("good"), Joined("bad"), Said("bad", messages.pack([problem]))]
    found = run(head_of(Scripted(*news, answer=finishes), SPEC, ROWS), 2)
    assert errors(found) == [None, None]
    assert (-1, Notice("bad is not used: no API key", "set it")) in found


def test_where_none_can_be_used_that_is_the_error():
    other = UsageError("it has asrcli 0.0.1, and this is 9", hint="pip install")
    with pytest.raises(UsageError, match=r"asrcli 0\.0\.1"):
        run(head_of(Scripted(Unusable("old", other)), SPEC, ROWS), 2)


def test_what_breaks_the_line_ends_the_run_with_a_true_count():
    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted) and said.row.id == "a":
            line.tells(worker, over(said))
            line.post(Broken(LinkError("the scheduler is gone")))

    with pytest.raises(LinkError, match="the scheduler is gone; 1 of 2 sources are done"):
        run(head_of(Scripted(*joins("w"), answer=answer), SPEC, ROWS), 2)


def test_without_a_worker_it_waits_says_so_and_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roster, "FIRST_S", 0.1)
    monkeypatch.setattr(workforce, "_SAYS_SO_S", 0.0)
    monkeypatch.setattr(head_module, "_LOOK_S", 0.01)
    found: list[tuple[int, What]] = []
    with (
        pytest.raises(LinkError, match="no worker at nowhere; 0 of 2") as raised,
        happenings(head_of(Scripted(), SPEC, ROWS), 2) as told,
    ):
        found.extend(told)
    assert raised.value.hint == "dask worker nowhere"


def dies_of(*ids: str) -> Answer:
    """Each worker that has one of these dies, and another one comes that has been told all."""
    dead: set[str] = set()

    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted) and said.row.id in ids and worker not in dead:
            dead.add(worker)
            for news in (Gone(worker, "killed"), *joins(f"w{len(dead) + 1}")):
                line.post(news)
        elif isinstance(said, Granted):
            line.tells(worker, over(said))

    return answer


def test_of_a_source_of_which_workers_die_the_others_know_nothing():
    rows = [Row.named(name) for name in "abcd"]
    line = Scripted(*joins("w1"), answer=dies_of("c"))
    found = run(head_of(line, SPEC, rows), 4)
    ended = {number: what.error for number, what in found if isinstance(what, Ended)}
    assert ended.keys() == {0, 1, 2, 3}
    assert isinstance(ended.pop(2), KillsWorkers)
    assert set(ended.values()) == {None}
    assert len({worker for worker, id in line.granted() if id == "c"}) <= 5


def test_where_workers_die_of_all_that_they_are_given_the_run_ends():
    rows = [Row.named(str(number)) for number in range(1000)]
    line = Scripted(*joins("w1"), answer=dies_of(*(row.id for row in rows)))
    with (
        pytest.raises(LinkError, match="each worker was lost with whatever it was given; 0 of 1000"),
        happenings(head_of(line, SPEC, rows, slots=20000), 1000) as told,
    ):
        for _ in told:
            """Until it ends."""
    assert len({worker for worker, _ in line.granted()}) < 40


def test_what_is_not_there_is_said_anew_when_it_is_another(monkeypatch: pytest.MonkeyPatch):
    """A line that has lost the scheduler speaks of that, and not of workers."""
    monkeypatch.setattr(roster, "FIRST_S", 0.5)
    monkeypatch.setattr(workforce, "_SAYS_SO_S", 0.0)
    monkeypatch.setattr(head_module, "_LOOK_S", 0.01)
    line = Scripted()
    said: list[Notice] = []
    with (
        pytest.raises(LinkError, match="the scheduler is gone; 0 of 2") as raised,
        happenings(head_of(line, SPEC, ROWS), 2) as told,
    ):
        for _, what in told:
            if isinstance(what, Notice):
                said.append(what)
                line.nobody, line.how_to_join = "the scheduler is gone", "start it again"
    assert [each.message.partition(":")[0] for each in said] == [
        "there is no worker at nowhere",
        "the scheduler is gone",
    ]
    assert raised.value.hint == said[1].hint == "start it again"


def test_an_attempt_of_a_lost_worker_is_told_to_come_once_more_and_its_late_words_are_not_heard():
    granted: list[Granted] = []

    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted) and worker == "first":
            granted.append(said)
            opened = messages.Opened("a", 1, 1)
            line.tells(worker, messages.Begun(said.ticket, opened), messages.Told(said.ticket, (SessionStarted("s"),)))
            line.post(Gone("first", "killed"))
            for each in joins("second"):
                line.post(each)
        elif isinstance(said, Granted):
            # Of a ticket that is not valid any more, and of a worker that is not there.
            line.tells("second", over(granted[0], UsageError("too late")))
            line.tells("first", over(granted[0], UsageError("too late")))
            line.tells("second", over(said))

    found = run(head_of(Scripted(*joins("first"), answer=answer), SPEC, ROWS[:1]), 1)
    assert errors(found) == [None]
    assert (0, Reconnecting(1, 0, "first was lost", is_told=True)) in found
    assert [what for _, what in found if isinstance(what, WorkersChanged)][-1].lost == 1


def test_the_sound_of_a_source_is_that_of_the_attempt_that_counts():
    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted):
            opened = messages.Opened("a", 1, 1, sound="etag:1" if worker == "first" else "etag:2")
            line.tells(worker, messages.Begun(said.ticket, opened))
            if worker == "first":
                for each in (Gone("first", "killed"), *joins("second")):
                    line.post(each)
            else:
                line.tells(worker, messages.Over(said.ticket, messages.Finished(said.mark, opened, (), ())))

    found = run(head_of(Scripted(*joins("first"), answer=answer), SPEC, ROWS[:1]), 1)
    assert [what.sound for _, what in found if isinstance(what, messages.Opened)] == ["etag:2"]


@pytest.mark.parametrize(("heard", "is_heard_again"), [(b"sound", False), (b"some other sound", True), (None, False)])
def test_what_was_left_behind_counts_only_where_the_file_is_as_it_was(tmp_path: Path, heard, is_heard_again):
    """Whoever hands it over may see, for a while, what was there before."""
    rows = [Row.named(str(tmp_path / "a.wav"))]
    Path(rows[0].audio).write_bytes(b"sound")
    state = FileState.of(rows[0].audio)
    assert state is not None
    # On another machine, where devices have other numbers.
    seen = None if heard is None else state._replace(device=state.device + 1, size_bytes=len(heard))
    line = Scripted(answer=finishes)
    head = head_of(line, SPEC, rows)
    finished = messages.Finished(head._works.mark(0), messages.Opened("a", 1, 1, state=seen), (), ())
    hello = [messages.Hello("here", 10), messages.LeftBehind(messages.pack(finished)), messages.HandedOver()]
    line._news = (Joined("w"), Said("w", messages.pack(hello)))
    assert errors(run(head, 1)) == [None]
    assert line.granted() == ([("w", rows[0].id)] if is_heard_again else [])
    # In any case it is of no more use to anybody.
    assert ("w", messages.Kept((finished.mark,))) in line.sent


def test_a_full_service_sends_one_away_that_has_not_started_and_it_has_its_turn_again():
    granted: list[Granted] = []

    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted):
            granted.append(said)
            if len(granted) == 2:
                line.tells(worker, messages.Begun(said.ticket, messages.Opened("b", 1, 1)))
                full = Reconnecting(1, 0, "Throttling", wait_s=0.05, throttled=True)
                line.tells(worker, messages.Told(said.ticket, (full,)))
            elif len(granted) == 3:
                line.tells(worker, over(said))
        elif isinstance(said, messages.GiveUp):
            assert said.ticket == granted[1].ticket
            line.tells(worker, over(granted[0]))

    line = Scripted(*joins("w"), answer=answer)
    found = run(head_of(line, SPEC, ROWS), 2)
    assert errors(found) == [None, None]
    assert [row for _, row in line.granted()] == ["a", "b", "b"]
    assert (1, Notice("the service takes no more at once for now", "the others wait their turn")) in found


def test_a_further_session_begins_with_the_leave_of_the_head():
    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted):
            waiting[said.ticket] = said
            line.tells(worker, messages.Arrived(said.ticket), messages.Wants(said.ticket))
        elif isinstance(said, messages.MayConnect):
            line.tells(worker, over(waiting.pop(said.ticket)))

    waiting: dict[int, Granted] = {}
    found = run(head_of(Scripted(*joins("w"), answer=answer), SPEC, ROWS), 2)
    assert errors(found) == [None, None]
    assert waiting == {}


def test_a_crew_may_forget_what_is_durable_and_only_that():
    line = Scripted(*joins("w"), answer=finishes)
    head = head_of(line, SPEC, ROWS)
    with happenings(head, 2) as told:
        for number, what in told:
            if isinstance(what, Ended):
                head.kept(number)
    marks = [said.mark for _, said in line.sent if isinstance(said, Granted)]
    kept = [mark for _, said in line.sent if isinstance(said, messages.Kept) for mark in said.marks]
    assert sorted(kept) == sorted(marks)
    assert len(set(marks)) == 2


def test_a_key_refused_by_the_service_ends_all_that_wait():
    begun: list[str] = []

    def answer(line: Scripted, worker: str, said: FromHead) -> None:
        if isinstance(said, Granted):
            begun.append(said.row.id)
            line.tells(worker, over(said, AuthError("InvalidApiKey")))

    refused: list[AsrcliError] = []

    def check() -> None:
        if refused:
            raise refused[0]

    head = head_of(Scripted(*joins("w"), answer=answer), SPEC, ROWS, slots=1)
    found = []
    for number, what in head.transcribe([Job(nobody, check=check) for _ in ROWS]):
        found.append((number, what))
        if isinstance(what, Ended) and what.error is not None:
            refused.append(what.error)
    assert begun == ["a"]
    assert [type(error) for error in errors(found)] == [AuthError, AuthError]
