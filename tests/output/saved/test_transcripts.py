"""Which transcription a line is of, and whether all of it is there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from asrcli.output.base import Begin
from asrcli.output.saved.transcripts import Sorting, Transcript
from asrcli.output.saved.values import Saved, SavedError
from asrcli.values.events import FinalResult, Notice, Sentence, SessionStarted, Word
from asrcli.values.summary import Summary


def begin(source: str | None = "a") -> Saved:
    return Saved(source, Begin(source or "", "m", "intl", "run-task", 16000))


def final(source: str | None = "a", index: int = 1, begin_ms: int | None = 0, end_ms: int | None = 900) -> Saved:
    return Saved(source, FinalResult(Sentence(index, "Hello.", begin_ms, end_ms)))


def end(source: str | None = "a", *, complete: bool = True, sentences: int = 1) -> Saved:
    return Saved(source, Summary(source or "", complete, 1.0, sentences))


def error(source: str | None = "a", code: str = "LinkError", message: str = "connection lost") -> Saved:
    return Saved(source, SavedError(code, message, hint="", request_id=None))


def sort(lines: Sequence[Saved]) -> tuple[list[int | None], list[Transcript]]:
    """The number of each line's transcription, and all that were found."""
    sorting = Sorting()
    sorting.begin_file("file")
    numbers = [None if found is None else found.number for found in map(sorting.take, lines)]
    return numbers, sorting.found


def test_sources_that_alternate_are_kept_apart() -> None:
    lines = [begin("a"), begin("b"), final("b"), final("a"), end("b"), end("a")]
    numbers, found = sort(lines)
    assert numbers == [0, 1, 1, 0, 1, 0]
    assert [(each.name, each.last, each.lack()) for each in found] == [("a", 6, ""), ("b", 5, "")]


def test_a_begin_of_one_that_is_open_starts_another() -> None:
    """A run was killed, and a later one has written to the same file."""
    numbers, found = sort([begin(), final(), begin(), final(), end()])
    assert numbers == [0, 0, 1, 1, 1]
    assert [bool(each.lack()) for each in found] == [True, False]


def test_what_follows_an_end_is_another_one_and_its_error_is_not() -> None:
    assert sort([begin(), end(sentences=0), error(), error(), final()])[0] == [0, 0, 0, 1, 2]
    assert sort([begin(), error(), end()])[0] == [0, 0, 0]


def test_lines_without_a_begin_are_one_all_the_same() -> None:
    """As grep leaves them; jq may leave out the source too, and then they are called by their file."""
    numbers, found = sort([final(None), final(None, 2), final("b")])
    assert numbers == [0, 0, 1]
    assert [(each.name, each.info().source, each.finals) for each in found] == [("file", "file", 2), ("b", "b", 1)]


def test_what_concerns_the_run_starts_nothing() -> None:
    assert sort([error(None), Saved(None, Notice("m")), Saved("a", Notice("m")), Saved(None, None)])[0] == [None] * 4
    assert sort([begin(), Saved("a", Notice("m")), Saved("a", SessionStarted("t"))])[0] == [0, 0, 0]


def test_each_file_has_its_own() -> None:
    sorting = Sorting()
    for name in ("one", "two"):
        sorting.begin_file(name)
        sorting.take(final(None))
    assert [each.name for each in sorting.found] == ["one", "two"]


@pytest.mark.parametrize(
    ("lines", "lack"),
    [
        ([begin(), final(), end()], ""),
        ([final(), end()], ""),
        ([begin(), end(sentences=0)], ""),
        ([begin(), final()], "its end is missing: the run was ended, or goes on, or its lines were filtered"),
        ([begin(), final(), end(complete=False)], "its end says so"),
        ([begin(), final(), end(sentences=3)], "1 of its 3 sentences are there"),
        ([begin(), final(), final(), end(sentences=2)], "1 of its 2 sentences are there"),
        ([begin(), final(index=0), final(index=0), end(sentences=2)], ""),
        ([begin(), final(), end(), error()], "connection lost"),
        ([error()], "connection lost"),
        ([begin(), final(), end(), error(message="", code="")], "an error follows its end"),
    ],
)
def test_what_is_missing_is_known(lines: list[Saved], lack: str) -> None:
    [transcript] = sort(lines)[1]
    assert transcript.lack() == lack
    outcome = transcript.outcome()
    assert (outcome is not None and outcome.complete) == (not lack)


def test_one_that_never_began_has_no_outcome() -> None:
    [transcript] = sort([error()])[1]
    assert transcript.outcome() is None
    [transcript] = sort([begin(), error()])[1]
    assert transcript.outcome() == Summary("a", False, 0.0)


def test_times_are_looked_at() -> None:
    lines = [final(index=index, begin_ms=begin_ms, end_ms=end_ms) for index, begin_ms, end_ms in
             ((1, 0, 900), (2, 800, 700), (3, 900, None), (4, None, None), (5, 100, 200))]  # fmt: skip
    [transcript] = sort(lines)[1]
    assert (transcript.early, transcript.untimed) == (2, 1)


def test_whether_there_are_times_of_words() -> None:
    for word, known in ((Word("a", None, None), False), (Word("a", 0, None), True)):
        assert sort([Saved("a", FinalResult(Sentence(1, "a", words=(word,))))])[1][0].has_word_times == known
