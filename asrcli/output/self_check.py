"""What the self-check has found, as text for people and as a value for JSON; both can be pasted anywhere.

Keys are masked where it is printed; the user's home is "~" here. Knows of a finding nothing but its fields.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TextIO

from asrcli.output.masking import mask
from asrcli.output.sanitize import sentence_text
from asrcli.output.views.status import QUIETEST_DBFS, bar


class Found(Protocol):
    """A dataclass with these fields: see doctor.findings.Finding."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def group(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def fix(self) -> str | None: ...
    @property
    def affects(self) -> str | None: ...
    @property
    def ms(self) -> int | None: ...


# SGR: green, yellow, red.
_COLORS = {"ok": "32", "warn": "33", "fail": "31"}
_STATUS_WIDTH, _NAME_WIDTH = 4, 14
_NAME_INDENT = 2 + _STATUS_WIDTH + 2
_INDENT = _NAME_INDENT + _NAME_WIDTH + 2
# In less, the text stands below the name.
_LEAST_COLUMNS = 60


def document(findings: Sequence[Found], home: Path) -> dict[str, object]:
    """`{"ok": …, "checks": […]}`; ok where nothing fails."""
    checks = [
        {key: shared(value, home) if isinstance(value, str) else value for key, value in asdict(each).items()}
        for each in findings
    ]
    return {"ok": is_ok(findings), "checks": checks}


def is_ok(findings: Iterable[Found]) -> bool:
    return all(each.status != "fail" for each in findings)


def shared(text: str, home: Path) -> str:
    """`text` as it may be shown to anybody: on one line, without keys, and without the name of the user's home."""
    # Everything would be in a root.
    if len(home.parts) > 1:
        # A shell takes no ~ within quotes.
        text = text.replace(f"'{home}/", "~/'")
        text = re.sub(rf"(?<![\w.-]){re.escape(str(home))}(?![\w.-])", "~", text)
    return mask(sentence_text(text))


class Page:
    """The text, finding by finding. `columns`: None for a pipe, where a line is as long as it is."""

    def __init__(self, home: Path, *, columns: int | None, is_colored: bool) -> None:
        self._home = home
        self._columns = columns
        self._is_narrow = columns is not None and columns < _LEAST_COLUMNS
        self._indent = " " * (_NAME_INDENT if self._is_narrow else _INDENT)
        self._is_colored = is_colored
        self._group: str | None = None
        self._counts = dict.fromkeys(_COLORS, 0)

    def lines(self, finding: Found) -> Iterator[str]:
        """The next finding, with a heading where its group begins."""
        if finding.group != self._group:
            if self._group is not None:
                yield ""
            yield self._styled(finding.group, "1")
            self._group = finding.group
        self._counts[finding.status] += 1
        took = f" ({finding.ms} ms)" if finding.ms is not None else ""
        # Coloured when the width is done.
        status = self._styled(finding.status, _COLORS[finding.status]) + " " * (_STATUS_WIDTH - len(finding.status))
        head = f"  {status}  {sentence_text(finding.name)}"
        text = self._wrapped(f"{finding.detail}{took}")
        if not self._is_narrow:
            head += " " * (_NAME_WIDTH - len(sentence_text(finding.name))) + f"  {text.pop(0)}"
        yield head
        yield from (self._indent + line for line in text)
        if finding.affects is not None:
            yield from self._marked("affects: ", finding.affects)
        if finding.fix is not None:
            yield from self._marked("→ ", finding.fix)

    def summary(self) -> str:
        """The last line."""
        warnings, failures = self._counts["warn"], self._counts["fail"]
        parts = [f"{self._counts['ok']} ok"]
        parts += [f"{warnings} warning{'s' * (warnings > 1)}"] if warnings else []
        parts += [f"{failures} failure{'s' * (failures > 1)}"] if failures else []
        return self._styled(", ".join(parts), _COLORS["fail" if failures else "warn" if warnings else "ok"])

    def _marked(self, mark: str, text: str) -> Iterator[str]:
        yield from (self._indent + line for line in self._wrapped(f"{mark}{text}", " " * len(mark)))

    def _wrapped(self, text: str, further: str = "") -> list[str]:
        shown = shared(text, self._home)
        if self._columns is None:
            return [shown]
        width = max(1, self._columns - len(self._indent) - 1)
        # Options and addresses are not broken at their hyphens; what is longer than a line may be.
        return textwrap.wrap(shown, width, subsequent_indent=further, break_on_hyphens=False) or [""]

    def _styled(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._is_colored else text


class LevelLine:
    """One line of a terminal that shows how loud it is, drawn anew in its place; nothing on another stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._is_drawn = False

    def show(self, peak_dbfs: float | None) -> None:
        """`peak_dbfs`: below full scale, None for digital silence."""
        if self._stream is not None:
            share, told = (
                (0.0, "silence") if peak_dbfs is None else (1 - peak_dbfs / QUIETEST_DBFS, f"{peak_dbfs:.0f} dBFS")
            )
            self._stream.write(f"\r\x1b[K  speak: {bar(share)} {told}")
            self._stream.flush()
            self._is_drawn = True

    def clear(self) -> None:
        """Leave the line to what is printed next."""
        if self._stream is not None and self._is_drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_drawn = False
