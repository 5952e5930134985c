"""Lanes: when and where the text of several transcriptions goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.places.lanes import AsTheyCome, InFiles, InOrder, Lanes, WhenOver
from asrcli.output.places.streams import ClosedPipe

TITLES = ["<a>\n", "<b>\n", "<c>\n"]


def _run(lanes: Lanes, number: int, *lines: str, complete: bool = True) -> None:
    lanes.begin(number)
    for line in lines:
        lanes.write(number, line)
    lanes.end(number, complete=complete)


def test_in_order_the_first_goes_through_as_it_comes_and_the_others_wait() -> None:
    told: list[str] = []
    lanes = InOrder(told.append)
    lanes.begin(0)
    lanes.begin(1)
    lanes.write(1, "b1\n")
    lanes.write(0, "a1\n")
    assert told == ["a1\n"]
    lanes.end(1, complete=True)
    lanes.write(0, "a2\n")
    assert [text for text in told if text] == ["a1\n", "a2\n"]
    lanes.end(0, complete=True)
    assert [text for text in told if text] == ["a1\n", "a2\n", "b1\n"]


def test_only_the_one_whose_turn_it_is_has_its_partials_shown() -> None:
    shown: list[str] = []
    lanes = InOrder(shown.append)
    assert [lanes.takes_partials(number) for number in (0, 1)] == [True, False]
    lanes.end(0, complete=False)
    assert [lanes.takes_partials(number) for number in (0, 1)] == [False, True]


def test_titles_stand_above_each_text_with_an_empty_line_between() -> None:
    """Also above that of a source in which nobody spoke, but not of one that never began."""
    told: list[str] = []
    lanes = InOrder(told.append, TITLES.__getitem__)
    lanes.begin(0)
    assert told == ["<a>\n"]
    lanes.write(0, "a1\n")
    lanes.write(0, "a2\n")
    lanes.end(0, complete=True)
    lanes.end(1, complete=False)
    _run(lanes, 2)
    assert "".join(told) == "<a>\na1\na2\n\n<c>\n"


def test_what_is_begun_while_another_has_its_turn_gets_its_title_later() -> None:
    told: list[str] = []
    lanes = InOrder(told.append, TITLES.__getitem__)
    lanes.begin(0)
    _run(lanes, 1, "b1\n")
    lanes.begin(2)
    lanes.end(0, complete=False)
    assert "".join(told) == "<a>\n\n<b>\nb1\n\n<c>\n"


STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=40)


@given(steps=STEPS, order=st.permutations(range(5)), at=st.lists(st.integers(0, 40), min_size=5, max_size=5))
def test_in_order_nothing_is_lost_doubled_or_mixed(
    steps: list[tuple[int, int]], order: list[int], at: list[int]
) -> None:
    """However lines and ends are interleaved, the whole is the first one's text, then the second one's, and so on."""
    told: list[str] = []
    lanes = InOrder(told.append)
    expected: dict[int, str] = dict.fromkeys(range(5), "")
    over: set[int] = set()
    for moment, (number, value) in enumerate(steps):
        for ending in order:
            if at[ending] == moment and ending not in over:
                over.add(ending)
                lanes.end(ending, complete=True)
        if number not in over:
            lanes.write(number, f"{number}{value} ")
            expected[number] += f"{number}{value} "
    for ending in order:
        if ending not in over:
            lanes.end(ending, complete=True)
    assert "".join(told) == "".join(expected.values())


def test_when_over_each_comes_whole_in_the_order_of_their_ends() -> None:
    told: list[str] = []
    lanes = WhenOver(told.append, TITLES.__getitem__)
    lanes.begin(0)
    lanes.write(0, "a1\n")
    _run(lanes, 2, "c1\n")
    assert not lanes.takes_partials(0)
    lanes.write(0, "a2\n")
    lanes.end(0, complete=True)
    lanes.end(1, complete=False)
    assert [text for text in told if text] == ["<c>\nc1\n", "\n<a>\na1\na2\n"]


def test_as_they_come_every_line_goes_at_once() -> None:
    told: list[str] = []
    lanes = AsTheyCome(told.append)
    lanes.write(1, "b1\n")
    lanes.write(0, "a1\n")
    lanes.error(1, "no\n")
    assert told == ["b1\n", "a1\n", "no\n"]
    assert lanes.takes_partials(7)


@pytest.mark.parametrize("kind", [InOrder, AsTheyCome, WhenOver])
def test_a_complete_one_without_a_word_makes_its_file(kind: type[InOrder]) -> None:
    """An empty text reaches the sink, which then makes the file; an incomplete one leaves none."""
    told: list[str] = []
    _run(kind(told.append), 0, complete=False)
    assert told == []
    _run(kind(told.append), 0)
    assert told == [""]


class _File:
    def __init__(self) -> None:
        self.log: list[str] = []

    def write(self, text: str) -> None:
        self.log.append(text)

    def keep(self) -> None:
        self.log.append("keep")

    def drop(self) -> None:
        self.log.append("drop")


def test_files_get_their_text_and_errors_go_where_all_results_would() -> None:
    told: list[str] = []
    files = [_File(), _File()]
    lanes = InFiles(told.append, files)
    _run(lanes, 1, "b1\n")
    lanes.begin(0)
    lanes.write(0, "a1\n")
    lanes.error(0, "no\n")
    lanes.end(0, complete=False)
    assert [file.log for file in files] == [["a1\n", "drop"], ["b1\n", "keep"]]
    assert told == ["no\n"]
    assert not lanes.use_sink


def test_with_files_nobody_has_to_read_the_errors() -> None:
    def gone(text: str) -> None:
        raise ClosedPipe

    InFiles(gone, [_File()]).error(0, "no\n")
