"""One bench carried out: its request becomes a spec, as a command's does, and what was measured becomes a report."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace

from asrcli.audio.opening import open_source
from asrcli.audio.source import DecodedSource
from asrcli.bench.clip import Clip, measured_ms
from asrcli.bench.forecast import forecast
from asrcli.bench.measure import Found, measure
from asrcli.bench.options import BenchOptions, ReportOptions
from asrcli.bench.plan import Plan, default_tasks, parse_pauses
from asrcli.bench.plot import check_format, save_plot
from asrcli.bench.report import Report, Setup, document, make_report
from asrcli.bench.view import ProgressLine, render
from asrcli.engine.build import Surroundings
from asrcli.engine.control import Control
from asrcli.output.output import Output
from asrcli.output.places.sinks import FileSink
from asrcli.output.views import terminal
from asrcli.output.wording import error_line
from asrcli.runs.choose_output import open_output
from asrcli.runs.choose_spec import choose, network_of, service_of, spec_of
from asrcli.runs.command import with_hotwords
from asrcli.runs.exits import exit_code
from asrcli.runs.request import OutputOptions, Request
from asrcli.runs.run import told
from asrcli.values.errors import Bug, UsageError


def run(prepare: Callable[[], Request], options: BenchOptions, shown: ReportOptions) -> int:
    """Measure what `prepare` makes of the command line, show it, and return the exit code.

    Every foreseen error is told; so `prepare` may raise AsrcliError. Of its request one source is used.
    """
    output = open_output(OutputOptions(json=shown.json, quiet=shown.quiet, color=shown.color), notices=False)
    return told(output, lambda signals: _carry_out(prepare, options, shown, output))


def _carry_out(prepare: Callable[[], Request], options: BenchOptions, shown: ReportOptions, output: Output) -> int:
    """Checks in this order: options, the file, the key; only then the network."""
    if shown.plot is not None:
        check_format(shown.plot)
        FileSink(shown.plot, shown.force).check()
    request = prepare()
    # A task that fails is a result.
    request = replace(request, service=replace(request.service, retries=0))
    file = request.names[0]
    choice = choose(request, output)
    if not choice.keeps_link:
        raise UsageError(
            f"{choice.options.model} cannot reuse a connection: each of its sessions takes one of its own",
            hint="choose a model of the run-task protocol (see `asrcli models`)",
        )
    plan = _plan(file, options)
    setup = Setup(file, choice.options.model, choice.region, choice.protocol, plan, request.speed, options.at_once)
    with service_of(choice, request.service) as service:
        endpoint = service.endpoint()
        network = network_of(request.service, endpoint.url, output)
        forecast(setup, endpoint.url, options, output, quiet=shown.quiet)
        choice, explain = with_hotwords(choice, request.service, endpoint, network, output, shown.quiet)
        found = measure(
            setup,
            functools.partial(_open_clip, file, options.clip_s),
            spec_of(request, choice, endpoint, network),
            Surroundings(endpoint=service.endpoint if service.moves else None),
            ProgressLine(shown=sys.stderr.isatty() and not shown.quiet and os.environ.get("TERM") != "dumb"),
        )
    for error in (found.failure, *found.errors):
        if error is not None:
            explain(error)
    if found.failure is not None and not found.is_something:
        raise found.failure
    return _show(setup, found, shown, output)


def _plan(file: str, options: BenchOptions) -> Plan:
    """What the options come down to. Raises UsageError, and DecodeError for a file that cannot be read."""
    at_once = options.at_once or 1
    tasks = default_tasks(at_once) if options.tasks is None else options.tasks
    pauses_s = () if options.idle is None else parse_pauses(options.idle)
    # The options are checked before the file is opened, which may take a while.
    plan = Plan(0, tasks, at_once, pauses_s, options.warm_up_s)
    return replace(plan, clip_ms=measured_ms(file, options.clip_s))


def _open_clip(file: str, clip_s: float | None, control: Control) -> DecodedSource:
    source = open_source(file, notice=control.notice)
    return source if clip_s is None else Clip(source, clip_s)


def _show(setup: Setup, found: Found, shown: ReportOptions, output: Output) -> int:
    """Print and draw what was found; the exit code of the run."""
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


def _json(found: dict[str, object]) -> str:
    return json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n"


def _text(report: Report, shown: ReportOptions) -> str:
    width = terminal.size(sys.stdout)[0] if sys.stdout.isatty() else 80
    return render(report, width=width, color=terminal.is_colored(sys.stdout, shown.color, os.environ))
