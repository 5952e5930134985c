"""The live view while the window changes its size, in terminals that cut old lines and in those that wrap them anew."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.values.events import SessionStarted
from tests.output.views.screen import MODERN, XTERM, Session, terminal


def test_narrowing_leaves_no_ghost_in_a_terminal_that_cuts() -> None:
    _resize_in_the_middle(reflow=False, environ=XTERM)


def test_narrowing_leaves_no_ghost_in_a_terminal_that_reflows() -> None:
    _resize_in_the_middle(reflow=True, environ=MODERN)


def _resize_in_the_middle(*, reflow: bool, environ: dict[str, str]) -> None:
    """Finals stay, the region is there once, whatever the user does to the window."""
    finals = [f"final {number}" for number in range(3)]
    with terminal(80, 20, reflow=reflow) as screen:
        session = Session(screen, environ=environ)
        session.output.event(SessionStarted("task"))
        for number, text in enumerate(finals):
            session.final(text, number)
        for columns in (80, 43, 37, 60, 25, 100, 40):
            session.partial("一二三四五六七八九十 and then some English words that go over the line " * 2, 3)
            screen.resize(columns, 20)
            session.partial(f"columns {columns}", 3)
            *above, partial, status = screen.everything
            assert above == finals
            assert partial == f"columns {columns}"
            assert status.startswith("listening")


def test_a_final_right_after_narrowing_erases_no_other() -> None:
    """above() finds the region's first row in the new width."""
    with terminal(80, 20, reflow=True) as screen:
        session = Session(screen, environ=MODERN)
        session.final("first", 1)
        session.partial("a partial of many words that is wrapped by the terminal when it gets narrower", 2)
        screen.resize(30, 20)
        session.final("second", 2)
        assert screen.everything[:2] == ["first", "second"]
        assert len(screen.everything) == 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("partial"), st.text("你好 ab", min_size=1, max_size=120)),
        st.tuples(st.just("final"), st.just("")),
        st.tuples(st.just("resize"), st.tuples(st.integers(20, 100), st.integers(2, 30))),
    ),
    max_size=25,
)


@pytest.mark.parametrize("reflow", [True, False])
@settings(max_examples=60)
@given(steps=STEPS)
def test_no_result_is_ever_erased(reflow: bool, steps: list[tuple[str, Any]]) -> None:
    """Every final is there once and in order, whatever partials, finals and window sizes follow each other."""
    with terminal(60, 12, reflow=reflow) as screen:
        session = Session(screen, environ=MODERN if reflow else XTERM)
        written: list[str] = []
        for kind, value in steps:
            if kind == "partial":
                session.partial(value, len(written))
            elif kind == "final":
                # No space, which would be none at the end of a row.
                written.append(f"<final-{len(written)}>")
                session.final(written[-1], len(written) - 1)
            elif reflow:
                screen.resize(*value)
            else:
                # A terminal that cuts also forgets the rows above a lower window.
                screen.resize(value[0], 12)
        session.output.close()
        # Joined: in a window of two rows a final may come to stand behind a wrapped rest of the region.
        assert re.findall("<final-[0-9]+>", "".join(screen.everything)) == written
