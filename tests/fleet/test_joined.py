"""Which of the lines of one id counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.fleet.joined import Joined
from asrcli.fleet.result_lines import Broken, Outcome


def line(id: str, *, complete: bool, options: str) -> bytes:
    return Outcome(id, id, complete, options, "now").line().encode()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from("xy"))))
def test_the_last_complete_line_counts_or_else_the_last_one(said):
    joined = Joined()
    for place, (id, complete, options) in enumerate(said):
        joined.take(place % 3, 1000 * place, line(id, complete=complete, options=options))
    order = list(dict.fromkeys(id for id, _, _ in said))
    assert (len(joined), joined.lines) == (len(order), len(said))
    for number, id in enumerate(order):
        mine = [(place, complete, options) for place, (each, complete, options) in enumerate(said) if each == id]
        whole = [each for each in mine if each[1]]
        place, _, options = (whole or mine)[-1]
        assert joined.find(id) == number
        assert joined.place(number) == (place % 3, 1000 * place)
        assert joined.is_complete(number) == bool(whole)
        assert joined.has_other_options(number) == (len({options for _, _, options in whole}) > 1)
        assert joined.is_still(number, line(id, complete=bool(whole), options=options))
        assert not joined.is_still(number, b"{}")
    assert joined.find("d") is None


def test_a_broken_line_changes_nothing():
    joined = Joined()
    with pytest.raises(Broken):
        joined.take(0, 0, b'{"id": "a"')
    assert (len(joined), joined.lines) == (0, 0)
