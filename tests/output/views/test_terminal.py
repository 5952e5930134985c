"""What the terminal is taken for."""

from __future__ import annotations

import io

import pytest

from asrcli.output.views import terminal
from tests.output.views.screen import terminal as emulator


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(379)"}, False),
        ({"TERM": "linux"}, False),
        ({"TERM": "screen.xterm-256color", "STY": "1"}, False),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, True),
        ({"TERM": "tmux-256color", "XTERM_VERSION": "XTerm(379)"}, True),
    ],
)
def test_reflow_is_told_by_the_environment(environ: dict[str, str], expected: bool) -> None:
    """tmux counts before the terminal that it runs in, whose variables it inherits."""
    assert terminal.reflows(environ) is expected


def test_size_is_the_terminals_of_the_moment() -> None:
    with emulator(61, 17) as stream:
        assert terminal.size(stream) == (61, 17)
        stream.resize(33, 9)
        assert terminal.size(stream) == (33, 9)


@pytest.mark.parametrize("columns_rows", [(0, 0), None], ids=["a terminal that says 0 x 0", "no terminal"])
def test_size_has_a_default(columns_rows: tuple[int, int] | None) -> None:
    if columns_rows is None:
        assert terminal.size(io.StringIO()) == (80, 24)
        return
    with emulator(40, 10) as stream:
        stream.set_size(*columns_rows)
        assert terminal.size(stream) == (80, 24)
