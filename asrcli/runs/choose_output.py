"""Chooses what results look like, where they go and what a person sees meanwhile."""

from __future__ import annotations

import functools
import logging
import os
import stat
import sys
import typing
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from asrcli.output.base import Format, Many, Shape, View
from asrcli.output.destination import Destination
from asrcli.output.formats import REGISTRY
from asrcli.output.formats.text import PlainText, title
from asrcli.output.output import Output
from asrcli.output.places.lanes import AsTheyCome, FilesByNumber, InFiles, InOrder, Lanes, WhenOver
from asrcli.output.places.sinks import FileSink, Sink
from asrcli.output.places.streams import ClosedOutput, StreamSink
from asrcli.output.sanitize import sentence_text
from asrcli.output.views.plain import PastView, QuietView, StatusView
from asrcli.protocols import REGISTRY as PROTOCOLS
from asrcli.runs.choose_forms import STANDARD_OUTPUT, Form, embeds, forms_of, page_for
from asrcli.runs.request import OutputOptions, Request
from asrcli.system.clock import SystemClock
from asrcli.values.choices import choose_one
from asrcli.values.errors import UsageError

if typing.TYPE_CHECKING:
    from asrcli.runs.sources import Prepared

_COLORS = ("auto", "always", "never")


def open_output(
    options: OutputOptions,
    folder: Path | None = None,
    *,
    notices: bool = True,
    past: bool = False,
    sound_of: Callable[[str], str | None] | None = None,
) -> Output:
    """The output that `options` ask for; the results go to files in `folder` if there is one.

    Without `notices` they are for the person alone, as where the JSON is one document. `past`: what is told of has
    happened before, and nobody has to be shown it. `sound_of`: see Shape. Raises UsageError for a clash, an unknown
    format and an unusable file.
    """
    if options.color not in _COLORS:
        raise UsageError(f"--color {options.color!r} is not known", hint=choose_one(options.color, _COLORS))
    if options.quiet and options.verbose:
        raise UsageError("--quiet and --verbose exclude each other")
    forms = forms_of(options, folder)
    here = next((form for form in forms if form.place == STANDARD_OUTPUT), None)
    is_closed = isinstance(sys.stdout, ClosedOutput)
    if is_closed and here is not None:
        # Raises that.
        sys.stdout.write("")
    # Of what is in files its errors come here.
    standard_output = StreamSink(_nowhere() if is_closed else sys.stdout)
    shape = replace(shape_of(options), notices=notices, sound_of=sound_of)
    destinations = []
    for form in forms:
        sink: Sink = FileSink(form.file, options.force) if form.file else standard_output
        sink.check()
        seen = form is here and sys.stdout.isatty()
        place = form.file.parent if form.file else folder
        shaped = replace(shape, seen=seen, folder=place, page=_page_of(form, forms, place))
        destinations.append(Destination(functools.partial(form.format.of, shaped), sink))
    view = PastView(sys.stderr, quiet=options.quiet) if past else _view(options, here.format if here else None)
    output = Output(destinations, view, keeps_partials=shape.partials)
    _log_to(output, options.verbose)
    return output


def arrange(
    output: Output,
    request: Request,
    sources: Sequence[Prepared],
    files: Callable[[int], FilesByNumber],
) -> None:
    """Prepare `output` for `sources`: for --output-dir each into its own of `files`, by the place of the form.

    Without that, all together.
    """
    names = tuple(item.row.id for item in sources)
    many = request.many
    for at, form in enumerate(forms_of(request.output, many.output_dir)):
        destination = output.destinations[at]
        if many.output_dir is not None:
            destination.through(InFiles(destination.deliver, files(at)))
        elif len(names) > 1:
            destination.through(_lanes(destination, names, mixes=form.format.names_source, unordered=many.unordered))
    if len(names) > 1:
        output.for_many(Many(names, tuple(item.duration_ms for item in sources), request.at_once(len(names))))


def _lanes(destination: Destination, names: Sequence[str], *, mixes: bool, unordered: bool) -> Lanes:
    """Lines that do not say which source they are from come in one piece each, with a title."""
    if not mixes:
        return (WhenOver if unordered else InOrder)(destination.deliver, lambda number: title(names[number]))
    return AsTheyCome(destination.deliver) if unordered else InOrder(destination.deliver)


def shape_of(options: OutputOptions) -> Shape:
    """What `options` want of a format, wherever it goes."""
    return Shape(
        options.partials is not False,
        timestamps=options.timestamps,
        labels=options.labels,
        max_line=options.max_line,
        max_lines=options.max_lines,
        max_cue_ms=round(options.max_cue * 1000),
        karaoke=options.karaoke,
    )


def _page_of(form: Form, forms: Sequence[Form], folder: Path | None) -> Callable[[str], str | None] | None:
    """What gives the link from `form`, which is in `folder`, to the page of a source, by its stem."""
    page = page_for(form, forms)
    if page is None:
        return None
    from asrcli.output.formats.links import link_to

    if page.file is not None:
        link = link_to(page.file, folder)
        return lambda stem: link
    suffix = page.format.suffixes[0]
    return lambda stem: link_to(stem + suffix, None)


def check_format(output: Output, request: Request, protocol: str) -> None:
    """Raise UsageError where several sources would be in one file that holds one; tell of karaoke that there is not."""
    forms = forms_of(request.output, request.many.output_dir)
    alone = next((form.name for form in forms if form.format.stands_alone), None)
    if alone is not None and len(request.names) > 1 and request.many.output_dir is None:
        what = f"{alone} is for one source, not for {len(request.names)}"
        raise UsageError(what, hint="a file for each: --output-dir DIR")
    if request.output.karaoke and not any("karaoke" in form.format.shaped_by for form in forms):
        able = " and ".join(name for name, form in REGISTRY.items() if "karaoke" in form.shaped_by)
        output.notice(f"--karaoke is for {able}, and is left out")
    elif request.output.karaoke and not PROTOCOLS[protocol].times_words:
        output.notice("there are no times of words with this model", "--karaoke is left out")
    if request.output.embed and not embeds(request.output, request.many.output_dir):
        output.notice("--embed is for html, and is left out")


def _nowhere() -> typing.TextIO:
    return Path(os.devnull).open("w")  # as long as the program


def _view(options: OutputOptions, here: type[Format] | None) -> View:
    """`here` is the format of what goes to standard output, if something does.

    A live view only where nothing else writes to the same terminal.

    Results in a pipe may come back to this terminal by way of another program, which would tear a live region; so
    there one line says what runs. A regular file, -o and --output-dir keep them away, and the finals are shown as well.
    """
    if options.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return QuietView(sys.stderr, quiet=options.quiet)
    results_are_here = here is not None and sys.stdout.isatty()
    if results_are_here and here is not PlainText:
        return QuietView(sys.stderr)
    if here is not None and not results_are_here and not _is_regular_file(sys.stdout.fileno()):
        return StatusView(sys.stderr)
    from asrcli.output.views.live import LiveView
    from asrcli.output.wording import sentence_line

    line_of = functools.partial(sentence_line, timestamps=options.timestamps, labels=options.labels)
    return LiveView(
        sys.stderr, shows_finals=not results_are_here, clock=SystemClock(), line_of=line_of, color=options.color
    )


def _is_regular_file(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    # /dev/null shows nothing either.
    return stat.S_ISREG(mode) or (
        stat.S_ISCHR(mode) and os.path.samestat(os.fstat(descriptor), Path(os.devnull).stat())
    )


# Of a log line that is shown: a service may send megabytes.
_LONGEST = 2000


class _Handler(logging.Handler):
    """Shows log lines above the live region."""

    def __init__(self, output: Output, level: int) -> None:
        super().__init__(level)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        from asrcli.runs.message_log import without_sound

        text = sentence_text(without_sound(record.getMessage()))
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}… ({len(text)} characters; --log FILE has them all)"
        self._output.say(f"asrcli: {text}")


def _log_to(output: Output, verbosity: int) -> None:
    logger = logging.getLogger("asrcli")
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    logger.handlers = [_Handler(output, level)] if verbosity else [logging.NullHandler()]
    logger.setLevel(level)
    logger.propagate = False
