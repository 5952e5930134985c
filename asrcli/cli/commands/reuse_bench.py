"""`asrcli reuse-bench`: what a kept connection saves, measured. How it is measured is the business of asrcli.bench."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from asrcli.cli.flags.options import Color, RecognitionFlags, grouped
from asrcli.cli.flags.service import ServiceFlags

if TYPE_CHECKING:
    from asrcli.bench.options import BenchOptions, ReportOptions
    from asrcli.runs.request import Request


@dataclass(frozen=True)
class BenchFlags:
    """What is measured."""

    section: ClassVar[str] = "Measurement"

    tasks: Annotated[
        int | None, typer.Option(metavar="N", help="Tasks to measure, half of them cold, half warm [20].")
    ] = None
    clip: Annotated[
        float | None, typer.Option(metavar="S", min=0.1, max=86400, help="Use only the first S seconds of the file.")
    ] = None
    concurrency: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=1000, help="Run N at once; shows lateness, results/s, CPU.")
    ] = None
    idle: Annotated[
        str | None, typer.Option(metavar="S,S,…", help="Then find out whether a connection outlives these pauses.")
    ] = None
    warm_up: Annotated[
        float,
        typer.Option(metavar="S", min=0, max=3600, help="Warm up for S seconds of audio at least; a minute is wise."),
    ] = 0.0
    pace: Annotated[str, typer.Option(metavar="realtime|fast|N", help="How fast the sound is sent; N is a factor.")] = (
        "realtime"
    )
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before more than 10 minutes are billed.")] = False

    def options(self) -> BenchOptions:
        from asrcli.bench.options import BenchOptions

        return BenchOptions(self.tasks, self.clip, self.concurrency, self.idle, self.warm_up, self.yes)


@dataclass(frozen=True)
class ReportFlags:
    """How the result is shown."""

    section: ClassVar[str] = "Output"

    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON document on standard output.")] = False
    plot: Annotated[Path | None, typer.Option(metavar="FILE.svg|png", help="Draw a picture too (the extra plot).")] = (
        None
    )
    force: Annotated[bool, typer.Option("--force", help="Replace an existing picture.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors only on standard error.")] = False
    color: Color = "auto"

    def options(self) -> ReportOptions:
        from asrcli.bench.options import ReportOptions

        return ReportOptions(**vars(self))


@grouped
def reuse_bench(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="An audio file; each task sends it, or its --clip.", rich_help_panel="Sources"
        ),
    ],
    bench: BenchFlags,
    recognition: RecognitionFlags,
    service: ServiceFlags,
    shown: ReportFlags,
) -> int:
    """Measure what a kept connection saves.

    \b
    asrcli reuse-bench talk.wav --clip 2 --tasks 40
    asrcli reuse-bench talk.wav --region local --tasks 10 --clip 2
    asrcli reuse-bench talk.wav --clip 2 --tasks 0 --idle 0,10,30,55,65

    Tasks run on new connections and on kept ones, by turns. Two warm-up tasks come first and are not counted. A failed
    task is counted, shown and not tried again; the exit code tells of it only where all have failed. Of fewer than 20
    tasks of a kind there is no p95, of fewer than 100 no p99. The JSON document has the same numbers, each phase's
    under "phases", and every task under "runs"; times end in _ms, unknown is null.
    """
    from asrcli.runs.run import shown_at_once

    with shown_at_once(file, quiet=shown.quiet):
        from asrcli.bench.run import run

    return run(lambda: _request(file, bench.pace, recognition, service), bench.options(), shown.options())


def _request(file: str, pace: str, recognition: RecognitionFlags, service: ServiceFlags) -> Request:
    """What a task asks for. Raises UsageError for a pace or an option that cannot work."""
    from asrcli.audio.chunks.pacing import parse_pace
    from asrcli.audio.opening import Files
    from asrcli.runs.request import Request

    speed = parse_pace(pace)
    return Request((file,), Files(), recognition.model, recognition.fields(), service.options(), speed=speed)
