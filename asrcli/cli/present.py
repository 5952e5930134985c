"""Chooses what results look like, where they go and what a person sees meanwhile."""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path

from asrcli.cli.options import OutputFlags
from asrcli.errors import UsageError
from asrcli.output import REGISTRY
from asrcli.output.base import Format, Output, Sink, View
from asrcli.output.jsonl import JsonLines
from asrcli.output.plain import QuietView, StatusView
from asrcli.output.sanitize import sentence_text
from asrcli.output.sinks import FileSink, StreamSink
from asrcli.timing import SystemClock

_SUFFIXES = {".json": "json", ".jsonl": "json", ".ndjson": "json"}
_COLORS = ("auto", "always", "never")


def open_output(flags: OutputFlags) -> Output:
    """The output that `flags` ask for. Raises UsageError for a clash, an unknown format and an unusable file."""
    if flags.color not in _COLORS:
        raise UsageError(f"--color {flags.color!r} is not known", hint=f"choose one of {', '.join(_COLORS)}")
    if flags.quiet and flags.verbose:
        raise UsageError("--quiet and --verbose exclude each other")
    if sys.stdout is None and flags.output is None:
        raise UsageError("standard output is closed", hint="write the results to a file with -o FILE")
    name = _format_name(flags)
    sink: Sink = FileSink(flags.output, flags.force) if flags.output else StreamSink(sys.stdout)
    sink.check()
    view = _view(flags, results_are_text=name == "text")
    output = Output(_format(name, flags), sink, view, keeps_partials=flags.partials is not False)
    _log_to(output, flags.verbose)
    return output


def _format_name(flags: OutputFlags) -> str:
    if flags.json and flags.format not in (None, "json"):
        raise UsageError(f"--json and --format {flags.format} exclude each other")
    if flags.format is not None and flags.format not in REGISTRY:
        raise UsageError(f"--format {flags.format!r} is not known", hint=f"choose one of {', '.join(REGISTRY)}")
    suffix = flags.output.suffix.lower() if flags.output else ""
    return flags.format or ("json" if flags.json else _SUFFIXES.get(suffix, "text"))


def _format(name: str, flags: OutputFlags) -> Format:
    return JsonLines(partials=flags.partials is not False) if name == "json" else REGISTRY[name]()


def _view(flags: OutputFlags, *, results_are_text: bool) -> View:
    """A live view only where nothing else writes to the same terminal.

    Results in a pipe may come back to this terminal by way of another program, which would tear a live region; so
    there one line says what runs. A regular file or -o keeps them away, and the finals are shown as well.
    """
    if flags.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return QuietView(sys.stderr, quiet=flags.quiet)
    results_are_here = flags.output is None and sys.stdout.isatty()
    if results_are_here and not results_are_text:
        return QuietView(sys.stderr)
    if not results_are_here and flags.output is None and not _is_regular_file(sys.stdout.fileno()):
        return StatusView(sys.stderr)
    from asrcli.output.live import LiveView

    return LiveView(sys.stderr, shows_finals=not results_are_here, clock=SystemClock(), color=flags.color)


def _is_regular_file(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    # /dev/null shows nothing either.
    return stat.S_ISREG(mode) or (
        stat.S_ISCHR(mode) and os.path.samestat(os.fstat(descriptor), Path(os.devnull).stat())
    )


class _Handler(logging.Handler):
    """Shows log lines above the live region."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.say(f"asrcli: {sentence_text(record.getMessage())}")


def _log_to(output: Output, verbosity: int) -> None:
    logger = logging.getLogger("asrcli")
    logger.handlers = [_Handler(output)] if verbosity else [logging.NullHandler()]
    logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    logger.propagate = False
