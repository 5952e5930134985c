"""`asrcli reuse-bench`: what a kept connection saves, measured. How it is measured is the business of asrcli.bench."""

from __future__ import annotations

import contextlib
import functools
import json as json_module
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.flags import completions as values
from asrcli.cli.flags.options import OutputFlags, RecognitionFlags, ServiceFlags, grouped
from asrcli.values.errors import Bug, UsageError

if TYPE_CHECKING:
    from asrcli.audio.source import Source
    from asrcli.bench.measure import Found
    from asrcli.bench.plan import Plan
    from asrcli.bench.report import Report, Setup
    from asrcli.engine.control import Control
    from asrcli.output.output import Output

# More audio than this is not sent without being asked for.
_ASK_ABOVE_S = 600
# Services close a connection that idled for 60 s; a kept one idles while a cold task runs.
_LONGEST_IDLE_S = 50.0


@dataclass(frozen=True)
class BenchFlags:
    """What is measured."""

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
    pace: Annotated[str, typer.Option(metavar="realtime|fast|N", help="How fast the audio is sent; N is a factor.")] = (
        "realtime"
    )
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before more than 10 minutes are billed.")] = False


@dataclass(frozen=True)
class ReportFlags:
    """How the result is shown."""

    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON document on standard output.")] = False
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg|png", help="Draw a picture too (pip install 'asrcli[plot]').")
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Replace an existing picture.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors only on standard error.")] = False
    color: Annotated[
        str,
        typer.Option(
            metavar="auto|always|never", help="Colours.", autocompletion=values.choices("auto", "always", "never")
        ),
    ] = "auto"


@grouped
def reuse_bench(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An audio file; each task sends it, or its --clip.")],
    bench: BenchFlags,
    recognition: RecognitionFlags,
    service: ServiceFlags,
    shown: ReportFlags,
) -> int:
    """Measure how much a kept connection saves: tasks on new and on kept ones, by turns.

    \b
    asrcli reuse-bench talk.wav --clip 2 --tasks 40
    asrcli reuse-bench talk.wav --region local --tasks 10 --clip 2
    asrcli reuse-bench talk.wav --clip 2 --concurrency 8 --json > bench.json
    asrcli reuse-bench talk.wav --clip 2 --tasks 0 --idle 0,10,30,55,65

    Two warm-up tasks come first and are not counted. A failed task is counted, shown and not tried again; the exit
    code tells of it only where all have failed. Of fewer than 20 tasks of a kind there is no p95, of fewer than 100 no
    p99. The JSON document has the same numbers, each phase's under "phases", and every task under "runs"; times end in
    _ms, unknown is null.
    """
    from asrcli.runs.run import shown_at_once, told

    flags = OutputFlags(json=shown.json, quiet=shown.quiet, color=shown.color)
    with shown_at_once(file, quiet=shown.quiet):
        from asrcli.runs.choose_output import open_output

        output = open_output(flags.options(), notices=False)
    return told(output, lambda signals: _bench(file, bench, recognition, service, shown, output))


def _bench(
    file: str,
    bench: BenchFlags,
    recognition: RecognitionFlags,
    service: ServiceFlags,
    shown: ReportFlags,
    output: Output,
) -> int:
    """Checks in this order: options, the file, the key; only then the network."""
    from asrcli.audio.chunks.pacing import parse_pace
    from asrcli.audio.opening import Files
    from asrcli.bench.measure import measure
    from asrcli.bench.report import Setup
    from asrcli.bench.view import ProgressLine
    from asrcli.engine.build import Surroundings
    from asrcli.runs.choose_spec import choose, network_of, service_of, spec_of
    from asrcli.runs.request import Request

    _check_plot(shown)
    speed = parse_pace(bench.pace)
    new_source = functools.partial(_open_clip, file, bench.clip)
    request = Request(
        names=(file,),
        input=Files(),
        model=recognition.model,
        fields=recognition.fields(),
        service=replace(service.options(), retries=0),
        speed=speed,
    )
    choice = choose(request, output)
    if choice.protocol == "realtime":
        raise UsageError(
            f"{choice.options.model} cannot reuse a connection: each of its sessions takes one of its own",
            hint="choose a model of the run-task protocol (see `asrcli models`)",
        )
    plan = _plan(file, bench)
    setup = Setup(file, choice.options.model, choice.region, choice.protocol, plan, speed, bench.concurrency)
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(service_of(choice, request.service))
        endpoint = where.endpoint()
        network = network_of(request.service, endpoint.url, output)
        _forecast(setup, endpoint.url, bench, shown, output)
        spec = spec_of(request, choice, endpoint, network)
        around = Surroundings(endpoint=where.endpoint if where.moves else None)
        progress = ProgressLine(shown=sys.stderr.isatty() and not shown.quiet and os.environ.get("TERM") != "dumb")
        found = measure(setup, new_source, spec, around, progress)
    if found.failure is not None and not found.is_something:
        raise found.failure
    return _show(setup, found, shown, output)


def _check_plot(shown: ReportFlags) -> None:
    from asrcli.bench.plot import check_format
    from asrcli.output.places.sinks import FileSink

    if shown.plot is not None:
        check_format(shown.plot)
        FileSink(shown.plot, shown.force).check()


def _open_clip(file: str, clip_s: float | None, control: Control) -> Source:
    from asrcli.audio.opening import open_source
    from asrcli.bench.clip import Clip

    source = open_source(file, notice=control.notice)
    return source if clip_s is None else Clip(source, clip_s)


def _plan(file: str, flags: BenchFlags) -> Plan:
    """What the options come down to. Raises UsageError, and DecodeError for a file that cannot be read."""
    from asrcli.bench.clip import measured_ms
    from asrcli.bench.plan import Plan, default_tasks, parse_pauses

    at_once = flags.concurrency or 1
    tasks = default_tasks(at_once) if flags.tasks is None else flags.tasks
    pauses_s = () if flags.idle is None else parse_pauses(flags.idle)
    # The options are checked before the file is opened, which may take a while.
    plan = Plan(0, tasks, at_once, pauses_s)
    return replace(plan, clip_ms=measured_ms(file, flags.clip))


def _forecast(setup: Setup, url: str, flags: BenchFlags, shown: ReportFlags, output: Output) -> None:
    """Say what will be sent and billed, and ask where it is much. Raises UsageError where nobody can be asked."""
    from urllib.parse import urlsplit

    from asrcli.values.addresses import is_loopback

    plan = setup.plan
    free = is_loopback(urlsplit(url).hostname or "")
    amount = f"up to {_duration(plan.sent_s)} of audio in {plan.sent_tasks} tasks"
    if not shown.quiet:
        output.say(f"sends {amount}; nothing is billed, the service is local" if free else f"{amount} will be billed")
    idle_s = plan.clip_ms / 1000 / setup.speed if setup.speed is not None else 0.0
    if idle_s > _LONGEST_IDLE_S and plan.tasks:
        output.notice(
            f"a kept connection idles {idle_s:.0f} s here while a cold task runs, and services close it after 60 s",
            "choose a shorter --clip",
        )
    if free or flags.yes or plan.sent_s <= _ASK_ABOVE_S:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{amount} would be billed, and nobody can be asked", hint="--yes allows it; --clip S sends less"
        )
    if shown.quiet:
        output.say(f"{amount} will be billed")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed: nothing was sent", hint="--clip S or --tasks N sends less")


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{seconds} s" if seconds < 120 else f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _show(setup: Setup, found: Found, shown: ReportFlags, output: Output) -> int:
    """Print and draw what was found; the exit code of the run."""
    from asrcli.bench.plot import save_plot
    from asrcli.bench.report import document, make_report
    from asrcli.output.wording import error_line
    from asrcli.runs.exits import exit_code

    report = make_report(setup, found.runs, found.findings, complete=found.failure is None)
    for notice in {notice for run in found.runs for notice in run.notices}:
        output.notice(notice.message, notice.hint)
    sys.stdout.write(_json(document(report)) if shown.json else _text(report, shown))
    if shown.plot is not None:
        save_plot(report, shown.plot)
    failure = found.failure or next(iter(found.errors), None)
    if failure is None:
        return 0
    # Not through the output: under --json the document is the one object on standard output.
    if isinstance(failure, Bug):
        print(failure.trace, end="", file=sys.stderr)
    print(error_line(failure), file=sys.stderr)
    return exit_code(failure)


def _json(document: dict[str, object]) -> str:
    return json_module.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def _text(report: Report, shown: ReportFlags) -> str:
    from asrcli.bench.view import render
    from asrcli.output.views import terminal

    width = terminal.size(sys.stdout)[0] if sys.stdout.isatty() else 80
    return render(report, width=width, color=terminal.is_colored(sys.stdout, shown.color, os.environ))
