"""The moving picture of the README: a run on a terminal, in a file that needs nothing else."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

from tests.support.guide_texts import GUIDES
from tests.support.terminal_picture import recorded, svg

_SVG = "{http://www.w3.org/2000/svg}"


def _frames(picture: str) -> list[list[str]]:
    """Of each frame the lines."""
    groups = ElementTree.fromstring(picture).iter(f"{_SVG}g")
    return [["".join(text.itertext()) for text in group.iter(f"{_SVG}text")] for group in groups]


def test_the_picture_shows_the_talk_from_the_command_to_its_last_sentence() -> None:
    picture = (GUIDES / "pictures" / "live.svg").read_text(encoding="utf-8")
    frames = _frames(picture)
    assert frames[1] == ["$ asrcli file talk.wav --region local"]
    assert any("Hello and welcome to our radio show." in lines for lines in frames)
    assert len(frames[-1]) == 9
    # A page of a repository shows no picture that would fetch something or run a script.
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in picture
    assert len(picture) < 150_000


def test_a_run_is_recorded_with_its_colours_and_its_marks_are_text() -> None:
    code = "print('\\x1b[1;31m<b>\\x1b[0m & more')"
    frames = list(recorded([sys.executable, "-c", code], "python"))
    picture = svg(frames, "a & b")
    assert _frames(picture)[-1] == ["$ python", "<b> & more"]
    assert '<tspan class="b" fill="#f0716b">&lt;b&gt;</tspan> &amp; more' in picture
    assert "<title>a &amp; b</title>" in picture
    # Each frame has its time, and who wants nothing to move is shown the last one.
    assert picture.count("@keyframes") == len(_frames(picture)) == 3
    assert "prefers-reduced-motion" in picture
