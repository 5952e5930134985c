"""Whether the shell completes what is typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asrcli.doctor.findings import Finding, Subject

GROUP = "completion"

COMPLETION = Subject("completion", GROUP, "completion", "the TAB key")


@dataclass(frozen=True, slots=True)
class Completion:
    """The shell in use, None where it has no completion of ours; where its script lies, and whether that is ours now.

    `is_read`: the shell's start-up file reads it.
    """

    shell: str | None
    place: Path | None = None
    is_current: bool = False
    is_read: bool = False


def completion(known: Completion, shells: str) -> Iterator[Finding]:
    """`shells`: those for which there is completion."""
    install = f"asrcli --install-completion {known.shell}"
    if known.shell is None:
        yield COMPLETION.ok(f"not known for this shell; {shells} have it")
    elif known.place is None:
        yield COMPLETION.warn(f"not installed for {known.shell}", install)
    elif not known.is_read:
        yield COMPLETION.warn(f"{known.place} is there, but {known.shell} does not read it when it starts", install)
    elif not known.is_current:
        yield COMPLETION.warn(f"{known.place} is of another version", install)
    else:
        yield COMPLETION.ok(f"installed for {known.shell}: {known.place}")
