"""The text of results that are there already, whole: nobody has to be asked, and paid, for it once more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.output.wording import sentence_line
from asrcli.values.events import FinalResult

if TYPE_CHECKING:
    from asrcli.runs.choose_forms import Form
    from asrcli.runs.request import OutputOptions


def text_in(files: Sequence[tuple[Form, Path]], options: OutputOptions) -> str | None:
    """What is said, a sentence a line, by one of `files`, each of its form; None where none of them tells just that."""
    is_plain = not (options.timestamps or options.labels)
    try:
        for form, path in files:
            if form.name == "text" and is_plain:
                return path.read_text(encoding="utf-8").removesuffix("\n")
            if form.name == "json":
                return _text_of_lines(path)
    except (OSError, UnicodeDecodeError):
        return None
    return None


def _text_of_lines(path: Path) -> str | None:
    from asrcli.output.saved.lines import read_lines

    said = []
    with path.open("rb") as file:
        for line in read_lines(file):
            if line.saved is None:
                return None
            if isinstance(line.saved.value, FinalResult):
                said.append(sentence_line(line.saved.value.sentence, seen=False))
    return "\n".join(filter(None, said))
