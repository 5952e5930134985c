"""Makes a moving picture of a run on a terminal, an SVG that needs nothing else: `make pictures`.

The run has a terminal of its own; what that shows is kept at each change, and shown again at the same pace by the
style sheet of the picture. Who wants nothing to move is shown the last screen.
"""

from __future__ import annotations

import fcntl
import html
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pyte

COLUMNS, ROWS = 80, 12
_CELL, _LINE, _MARGIN, _BAR = 8.4, 19, 14, 30
# More frames are not seen, and make the file larger.
_MIN_FRAME_S = 0.15
_LAST_S = 5.0
_TYPED_S = 1.0
_COLOURS = {
    "default": "#d6dbe5", "black": "#3b4252", "red": "#f0716b", "green": "#8fcf7f", "brown": "#e8c46c",
    "blue": "#79aef2", "magenta": "#c792ea", "cyan": "#7fd3dc", "white": "#eceff4", "brightblack": "#8a93a5",
}  # fmt: skip
_STYLE = """
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:{default};white-space:pre}}
.b{{font-weight:bold}}
g.f{{visibility:hidden;animation:{length:.2f}s step-end infinite}}
@media (prefers-reduced-motion:reduce){{g.f{{animation:none}}g.f:last-of-type{{visibility:visible}}}}
"""
Frame = tuple[float, tuple[str, ...]]


def recorded(command: list[str], shown: str) -> Iterator[Frame]:
    """The screens of a run as rows of SVG text, each with the seconds from the begin; `shown` is what was typed."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    yield 0.0, _rows(screen)
    stream.feed(f"\x1b[1;32m$\x1b[0m {shown}".encode())
    yield 0.3, _rows(screen)
    stream.feed(b"\r\n")
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    began = time.monotonic()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        last_at = 0.0
        while True:
            select.select([ours], [], [])
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            stream.feed(data)
            now = time.monotonic() - began
            if now - last_at >= _MIN_FRAME_S:
                last_at = now
                yield now + _TYPED_S, _rows(screen)
    os.close(ours)
    assert process.returncode == 0, process.returncode
    yield time.monotonic() - began + _TYPED_S, _rows(screen)


def _rows(screen: pyte.Screen) -> tuple[str, ...]:
    """Each row of the screen as text of an SVG, "" for an empty one."""
    rows = []
    for number in range(ROWS):
        cells = [screen.buffer[number][column] for column in range(COLUMNS)]
        spans = []
        for (colour, bold), same in groupby(cells, lambda cell: (cell.fg, cell.bold)):
            text = "".join(cell.data for cell in same)
            spans.append((colour, bold, text))
        if spans and spans[-1][0] == "default":
            spans[-1] = (*spans[-1][:2], spans[-1][2].rstrip())
        rows.append("".join(_span(*span) for span in spans if span[2]))
    return tuple(rows)


def _span(colour: str, bold: bool, text: str) -> str:
    escaped = html.escape(text, quote=False)
    fill = _COLOURS.get(colour, colour if colour.startswith("#") else f"#{colour}")
    marks = (' class="b"' if bold else "") + (f' fill="{fill}"' if colour != "default" else "")
    return f"<tspan{marks}>{escaped}</tspan>" if marks else escaped


def svg(frames: list[Frame], title: str) -> str:
    """The picture."""
    kept = [frame for before, frame in zip([(-1.0, ()), *frames], frames, strict=False) if frame[1] != before[1]]
    length = frames[-1][0] + _LAST_S
    width, height = round(COLUMNS * _CELL + 2 * _MARGIN), ROWS * _LINE + _BAR + _MARGIN
    style = [_STYLE.format(length=length, **_COLOURS)]
    groups = []
    for number, (at, rows) in enumerate(kept):
        until = kept[number + 1][0] if number + 1 < len(kept) else length
        begin, end = 100 * at / length, 100 * until / length
        hidden = f"0%{{visibility:hidden}}{begin:.3f}%" if begin else "0%"
        after = f"{end:.3f}%{{visibility:hidden}}" if end < 100 else ""
        style.append(f"@keyframes k{number}{{{hidden}{{visibility:visible}}{after}}}")
        lines = [
            f'<text x="{_MARGIN}" y="{_BAR + (row + 1) * _LINE - 5}">{text}</text>'
            for row, text in enumerate(rows)
            if text
        ]
        groups.append(f'<g class="f" style="animation-name:k{number}">{"".join(lines)}</g>')
    dots = "".join(
        f'<circle cx="{18 + 20 * number}" cy="16" r="6" fill="{colour}"/>'
        for number, colour in enumerate(("#f0716b", "#e8c46c", "#8fcf7f"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        f"<title>{html.escape(title)}</title><style>{''.join(style)}</style>"
        f'<rect width="{width}" height="{height}" rx="8" fill="#20242e" stroke="#3b4252"/>{dots}'
        f"{''.join(groups)}</svg>\n"
    )


def main(path: Path) -> None:
    """A run with the local service, whose recogniser hears the sample talk."""
    typed = "asrcli file talk.wav --region local"
    command = [sys.executable, "-m", "asrcli", "file", "tests/data/talk.wav", "--region", "local"]
    path.write_text(svg(list(recorded(command, typed)), "asrcli transcribes a talk, live"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
