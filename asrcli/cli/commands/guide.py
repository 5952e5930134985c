"""`asrcli guide`: the long texts, made up for a terminal or as the Markdown that they are."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from asrcli.cli import topics
from asrcli.cli.flags import completions as values

# Longer lines are hard to read.
_MAX_COLUMNS = 100


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
    _show(_made_up(text), paged=not no_pager)


def _list_topics() -> None:
    known = topics.topics()
    width = max(map(len, known))
    for topic, heading in known.items():
        print(f"{topic:{width}}  {heading}")
    if sys.stdout.isatty():
        print("\n`asrcli guide TOPIC` shows one.")


def _made_up(text: str) -> str:
    """The Markdown as a terminal shows it, with its colours and as wide as it is."""
    import re

    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    # A link to another guide reads `asrcli guide TOPIC` already, and a terminal shows no pictures.
    text = re.sub(r"^!\[.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)
    # rich puts code onto black, which a light terminal need not be.
    console = Console(highlight=False, theme=Theme({"markdown.code": "bold cyan"}))
    console.width = min(console.width, _MAX_COLUMNS)
    with console.capture() as shown:
        console.print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))
    return shown.get()


def _show(text: str, *, paged: bool) -> None:
    """Print it, in the reader's pager where it does not fit on the screen: `less -FRX`, as git has it."""
    import shlex
    import shutil
    import signal
    import subprocess

    command = os.environ.get("PAGER", "less")
    program = next(iter(shlex.split(command)), "cat")
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
