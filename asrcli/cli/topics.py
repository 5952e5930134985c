"""The guides: which topics there are and their texts, Markdown files within the package."""

from __future__ import annotations

import difflib
from pathlib import Path

import asrcli
from asrcli.values.errors import UsageError

FOLDER = Path(asrcli.__file__).parent / "guide"
# A word of three letters finds its topic where half of it is right.
_LIKENESS = 0.5


def topics() -> dict[str, str]:
    """Topic → its heading, in the order of the alphabet."""
    found = {}
    for path in sorted(FOLDER.glob("*.md")):
        with path.open(encoding="utf-8") as file:
            found[path.stem] = file.readline().removeprefix("# ").strip()
    return found


def text(topic: str) -> str:
    """The Markdown of a topic. Raises UsageError for one that there is not, with the nearest."""
    known = topics()
    if topic not in known:
        nearest = _nearest(topic.casefold(), known)
        raise UsageError(
            f"there is no guide {topic!r}",
            hint=f"did you mean `asrcli guide {nearest}`?" if nearest else "`asrcli guide` lists them",
        )
    return (FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def _nearest(word: str, known: dict[str, str]) -> str | None:
    """The topic that begins so, is written much like it, or has the word in its heading."""
    begun = [topic for topic in known if word and topic.startswith(word)]
    alike = difflib.get_close_matches(word, known, n=1, cutoff=_LIKENESS)
    about = [topic for topic, heading in known.items() if word and word in heading.casefold()]
    return next(iter([*begun, *about, *alike]), None)
