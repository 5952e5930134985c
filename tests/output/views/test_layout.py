"""What is cut and filled up has the width in cells that was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from asrcli.output.views.layout import ending, padded

TEXT = st.text("ab 你好ー🎤é\u0301")


@pytest.mark.parametrize(
    ("text", "cells", "cut"),
    [
        ("talk.wav", 8, "talk.wav"), ("talks/talk.wav", 9, "…talk.wav"), ("今日は天気", 5, "…天気"),
        ("今日は天気", 6, "…天気"), ("今日", 1, "…"), ("talk", 0, ""), ("", 0, ""),
    ],
)  # fmt: skip
def test_the_end_is_kept(text: str, cells: int, cut: str) -> None:
    assert ending(text, cells) == cut


@given(TEXT, st.integers(0, 30))
def test_an_ending_fits_and_padding_fills_up(text: str, cells: int) -> None:
    cut = ending(text, cells)
    assert cell_len(cut) <= cells
    assert text.endswith(cut.removeprefix("…"))
    assert cell_len(padded(cut, cells)) == cells
