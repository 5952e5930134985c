"""Hotword lists as people and programs read them: tables, lines, documents."""

from __future__ import annotations

from asrcli.output.columns import Row
from asrcli.output.columns import lines as lines
from asrcli.output.columns import table as table
from asrcli.values.hotwords import Hotword, HotwordList

LIST_HEADING = ("id", "status", "made", "changed")
LONG_HEADING = (*LIST_HEADING, "phrases", "model")
WORD_HEADING = ("phrase", "weight", "language")


def list_row(found: HotwordList) -> Row:
    """As LIST_HEADING, or LONG_HEADING where more is known of the list."""
    row = (found.id, found.status, found.created, found.modified)
    return row if found.words is None else (*row, str(len(found.words)), found.model or "")


def word_row(word: Hotword) -> Row:
    return word.text, str(word.weight), word.language or ""


def file_row(word: Hotword) -> Row:
    """As a file of phrases has it: one that begins with # has a blank before it, or it would not count."""
    text, *rest = word_row(word)
    return f" {text}" if text.startswith("#") else text, *rest


def about(found: HotwordList) -> str:
    """One line on a list of which everything is known."""
    count = len(found.words or ())
    return (
        f"{found.id}: {count} {'phrase' if count == 1 else 'phrases'} for {found.model}, {found.status},"
        f" changed {found.modified}"
    )


def document(found: HotwordList) -> dict[str, object]:
    """For JSON; model and words only where they are known."""
    known: dict[str, object] = {
        "id": found.id,
        "status": found.status,
        "created": found.created,
        "modified": found.modified,
    }
    if found.words is not None:
        known |= {"model": found.model, "words": [word_document(word) for word in found.words]}
    return known


def word_document(word: Hotword) -> dict[str, object]:
    return {"text": word.text, "weight": word.weight, "language": word.language}
