"""The frame of every command that transcribes: what is seen at once, what is told of its end, and its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.runs.exits import exit_code
from asrcli.values.errors import AsrcliError, Bug, Interrupted

if TYPE_CHECKING:
    from asrcli.output.output import Output
    from asrcli.runs.request import OutputOptions, Request
    from asrcli.system.signals import Signals


def run(
    options: OutputOptions,
    prepare: Callable[[], Request],
    opening: str,
    folder: Path | None = None,
    asked: Callable[[], bool] | None = None,
) -> int:
    """Carry out what `prepare` makes of the command line, and return the exit code.

    Every foreseen error is shown, as JSON too where JSON was asked for; so `prepare` may raise AsrcliError. `opening`
    is what to show as being opened meanwhile. `folder` is the one of --output-dir. `asked`: see Surroundings.
    """
    with shown_at_once(opening, quiet=options.quiet):
        from asrcli.runs.choose_forms import embeds
        from asrcli.runs.choose_output import open_output
        from asrcli.runs.exits import Refused
        from asrcli.runs.recording import spare_what_is_there

        embedding = None
        if embeds(options, folder):
            from asrcli.runs.embedding import Embedding

            embedding = Embedding()
        output = open_output(options, folder, sound_of=embedding)

    def work(signals: Signals) -> int:
        """Carry the run out, and say with which exit code it ends; an error is told before."""
        output.opening(opening)
        try:
            try:
                request = prepare()
            except AsrcliError as error:
                spare_what_is_there(output, options, error)
                raise
            from asrcli.runs.command import Command

            return Command(request, output, signals, asked, embedding).code()
        except Refused as refused:
            return refused.code

    return told(output, work)


def told(output: Output, work: Callable[[Signals], int]) -> int:
    """Do `work`, tell what ends it early, bugs too, and return the exit code. Signals come to an end with it."""
    from asrcli.output.places.streams import ClosedPipe
    from asrcli.system.signals import Signals

    with Signals() as signals, contextlib.closing(output):
        try:
            code = work(signals)
            signals.finish()
            return code
        except ClosedPipe:
            return 0
        except Exception as raised:
            signals.finish()  # First: what is told now is told once.
            error = Bug.of(raised)
            if isinstance(error, Interrupted):
                output.give_up(error)
            return exit_code(output.error(error))


@contextlib.contextmanager
def shown_at_once(opening: str, *, quiet: bool) -> Iterator[None]:
    """A line on the terminal while the rest of the program is loaded, which takes longer than a person should wait."""
    from asrcli.output.sanitize import name

    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    # Shorter than any terminal, so that one line erases it.
    sys.stderr.write(f"opening {name(opening)[:20]} …\r")
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write("\x1b[K")
