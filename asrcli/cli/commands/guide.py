"""`asrcli guide`: the long texts, made up for a terminal or as the Markdown that they are."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from asrcli.cli import topics
from asrcli.cli.flags import completions as values


def guide(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC", help="What to read about; without one, the topics.", autocompletion=values.topics
        ),
    ] = None,
    no_pager: Annotated[
        bool, typer.Option("--no-pager", help="Print a long text in one go [in $PAGER or less, on a terminal].")
    ] = False,
) -> None:
    """Read about one topic: recipes, settings, subtitles …

    \b
    asrcli guide                                 the topics
    asrcli guide recipes
    asrcli guide reconnecting | grep -i retries  in a pipe it is plain Markdown
    """
    if topic is None:
        _list_topics()
        return
    text = topics.text(topic)
    if not sys.stdout.isatty():
        print(text, end="")
        return
    from asrcli.output.views.markdown import made_up

    _show(made_up(text), paged=not no_pager)


def _list_topics() -> None:
    known = topics.topics()
    width = max(map(len, known))
    for topic, heading in known.items():
        print(f"{topic:{width}}  {heading}")
    if sys.stdout.isatty():
        print("\n`asrcli guide TOPIC` shows one.")


def _show(text: str, *, paged: bool) -> None:
    """Print it, in the reader's pager where it does not fit on the screen: `less -FRX`, as git has it."""
    import shutil
    import signal
    import subprocess

    command = os.environ.get("PAGER", "less")
    program = next(iter(command.split()), "cat")
    if not paged or program == "cat" or os.environ.get("TERM") == "dumb" or shutil.which(program) is None:
        print(text, end="")
        return
    sys.stdout.flush()
    environ = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environ, text=True, encoding="utf-8")
    # Ctrl-C is for the pager, which is still on the screen and ends with its own key.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # Who has read enough leaves early, which `communicate` takes for no error.
        pager.communicate(text)
    finally:
        signal.signal(signal.SIGINT, before)
