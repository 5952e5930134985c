"""Options for several sources at once, and how many that can be.

Only typer and the standard library are imported here: `asrcli --help` and shell completion read this file.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from asrcli.cli.flags.options import OutputFlags
from asrcli.values.errors import UsageError

# One core sends and receives so much audio in real time; the accounts of the service allow far less.
MOST_JOBS = 1000
# The source, the socket, the pipes of a decoder and what a long result is kept in meanwhile.
_FILES_PER_JOB = 6
_FILES_BESIDE = 64
# From malloc.h.
_M_ARENA_MAX = -8


@dataclass(frozen=True)
class ManyFlags:
    """What becomes of several sources."""

    jobs: Annotated[
        int, typer.Option(min=1, max=MOST_JOBS, metavar="N", help="Sources to transcribe at the same time.")
    ] = 1
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Results as they come, not in the order of the sources.")
    ] = False
    split: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Recognise each file in N parts at the same time, cut in silences; up to 100, not with --jobs.",
        ),
    ] = 1
    output_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A result file for each source, written here; what is done already is left out."
        ),
    ] = None


def check(flags: ManyFlags, names: Sequence[str], output: OutputFlags) -> None:
    """Raise UsageError for options that exclude each other."""
    from asrcli.engine.splitting import check_split

    check_split(flags.split, names)
    if flags.split > 1 and flags.jobs > 1:
        raise UsageError(
            "--split and --jobs exclude each other", hint="--split takes one source after another, all parts at once"
        )
    if flags.split > 1 and output.save_audio is not None:
        raise UsageError("--save-audio and --split exclude each other: the parts are sent at the same time")


def allow(jobs: int) -> None:
    """Make room for the files of so many. Raises UsageError where the system does not let us."""
    from asrcli.system.open_files import allow_many

    if jobs > 1:
        # A thread that shows results gives way to the one that sends after this, not after the usual 5 ms.
        sys.setswitchinterval(0.001)
        # To look through all that a thousand streams hold makes each of them late, and finds nothing.
        gc.set_threshold(2000, 10, 1000)
        _share_memory()
    needed = jobs * _FILES_PER_JOB + _FILES_BESIDE
    if jobs > 1 and (most := allow_many()) < needed:
        raise UsageError(
            f"--jobs {jobs} needs about {needed} open files, and this system allows {most}",
            hint=f"--jobs {max(1, (most - _FILES_BESIDE) // _FILES_PER_JOB)}, or raise the limit with ulimit -n",
        )


def _share_memory() -> None:
    """Have all threads take their memory from one heap, where the C library is glibc.

    It would give each handshake's thread a heap of its own, and what is free in there is of no use to the others. That
    spares threads waiting for each other, which Python's do anyway.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
