"""One command carried out: its request becomes a spec, the spec an engine, and what that tells becomes an exit code."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from asrcli.runs.exits import exit_code
from asrcli.runs.request import OutputOptions, Request, ServiceOptions
from asrcli.values.errors import AsrcliError, Bug, Interrupted

if TYPE_CHECKING:
    from asrcli.engine.build import Surroundings
    from asrcli.output.output import Output
    from asrcli.runs.batch import Batch
    from asrcli.runs.choose_spec import Choice, ServiceTarget
    from asrcli.runs.embedding import Embedding
    from asrcli.runs.recording import Recording
    from asrcli.runs.results import Results
    from asrcli.runs.sources import Opener, Prepared
    from asrcli.system.signals import Signals
    from asrcli.values.context import Context
    from asrcli.values.events import Notice
    from asrcli.values.recognition import Endpoint
    from asrcli.wire.dial import Network


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
        output.opening(opening)
        try:
            try:
                request = prepare()
            except AsrcliError as error:
                spare_what_is_there(output, options, error)
                raise
            return _carry_out(request, output, signals, asked, embedding)
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


def _carry_out(
    request: Request,
    output: Output,
    signals: Signals,
    asked: Callable[[], bool] | None,
    embedding: Embedding | None,
) -> int:
    """Checks in this order: options, files, key; only then the network."""
    from asrcli.runs.choose_output import check_format
    from asrcli.runs.choose_spec import choose
    from asrcli.runs.recording import recording_of, spare_the_sources
    from asrcli.runs.results import Results

    # Before anything can be told there.
    spare_the_sources(output, request.output, request.names)
    choice = choose(request, output)
    check_format(output, request, choice.protocol)
    results = Results(request, choice, output)
    if request.output.log is not None:
        from asrcli.runs.message_log import check_log

        check_log(request.output)
    recording = recording_of(request.output, request.names, choice.options.audio_format)
    check = None
    if embedding is not None:
        embedding.begin(request.input, recording)
        check = embedding.check_sources
    work = functools.partial(_transcribe, request, choice, results, output, signals, recording, check, asked)
    code = work() if recording is None else recording.kept(work, output, signals)
    return code if embedding is None else embedding.told(code, output)


def _transcribe(
    request: Request,
    choice: Choice,
    results: Results,
    output: Output,
    signals: Signals,
    recording: Recording | None,
    check: Callable[[Sequence[Prepared]], None] | None,
    asked: Callable[[], bool] | None,
) -> int:
    """`check` is called with the sources once they are open, and may raise UsageError."""
    from asrcli.engine.build import built
    from asrcli.runs.batch import tell_asides
    from asrcli.runs.choose_output import arrange
    from asrcli.runs.choose_spec import network_of, service_of, spec_of
    from asrcli.runs.sources import Opener
    from asrcli.system.crowd import make_room

    most_open = make_room(min(request.many.jobs, len(request.names)))
    asides: SimpleQueue[Notice] = SimpleQueue()
    with contextlib.ExitStack() as stack:
        stack.callback(tell_asides, asides, output)
        _logged(request.output, asides, stack)
        context = _followed(choice, asides, stack)
        service = stack.enter_context(service_of(choice, request.service))
        if request.open_ended and not service.moves:
            # A microphone is not opened in vain where there is no key.
            service.endpoint()
        opener = Opener(request.input, most_open)
        sources = opener.check(request.names, output)
        for item in sources:
            stack.callback(item.close)
        sources = results.to_do(sources, stack)
        if not sources:
            return 0
        if check is not None:
            check(sources)
        if recording is not None:
            recording.wav.notice = sources[0].control.notice
        endpoint = service.endpoint()
        network = network_of(request.service, endpoint.url, output)
        choice, explain = with_hotwords(choice, request.service, endpoint, network, output, request.output.quiet)
        results.begin(stack)
        arrange(output, request.output, request.many, sources, results.files)
        spec = spec_of(request, choice, endpoint, network)
        around = _surroundings(choice, service, recording, output, asked, context)
        engine = stack.enter_context(built(spec, around))
        batch = _batch(request, choice, output, signals, opener, asides, explain)
        return batch.run(sources, engine, min(request.many.jobs, len(sources)))


def _batch(
    request: Request,
    choice: Choice,
    output: Output,
    signals: Signals,
    opener: Opener,
    asides: SimpleQueue[Notice],
    explain: Callable[[AsrcliError], None],
) -> Batch:
    from asrcli.runs.batch import Batch

    return Batch(
        output,
        signals,
        opener,
        choice,
        request.output.stats,
        request.open_ended,
        parts=request.many.split,
        fail_empty=request.output.fail_empty,
        save_audio=request.output.save_audio,
        one_utterance=request.cutting is not None and request.cutting.one,
        asides=asides,
        explain=explain,
    )


def _logged(options: OutputOptions, asides: SimpleQueue[Notice], stack: contextlib.ExitStack) -> None:
    """Have all messages written where --log asks for that. Raises UsageError."""
    if options.log is not None:
        from asrcli.runs.message_log import MessageLog

        stack.enter_context(MessageLog(options.log, asides.put))


def with_hotwords(
    choice: Choice, options: ServiceOptions, endpoint: Endpoint, network: Network, output: Output, quiet: bool
) -> tuple[Choice, Callable[[AsrcliError], None]]:
    """As `runs.hotwords.settled`; where there are none, at no cost."""
    if choice.hotwords is None:
        return choice, lambda error: None
    from asrcli.runs.hotwords import settled

    return settled(choice, options, endpoint, network, output, quiet=quiet)


def _followed(choice: Choice, asides: SimpleQueue[Notice], stack: contextlib.ExitStack) -> Callable[[], Context] | None:
    """The context in force where it is to change while the run lasts. Raises UsageError."""
    if choice.context_from is None:
        return None
    from asrcli.runs.live_context import LiveContext

    return stack.enter_context(LiveContext(choice.context_from, choice.options.context, asides.put)).current


def _surroundings(
    choice: Choice,
    service: ServiceTarget,
    recording: Recording | None,
    output: Output,
    asked: Callable[[], bool] | None,
    context: Callable[[], Context] | None,
) -> Surroundings:
    from asrcli.engine.build import Surroundings
    from asrcli.runs.rescue import rescue

    return Surroundings(
        endpoint=service.endpoint if service.moves else None,
        asked=asked,
        context=context,
        record=recording.wav.write if recording is not None else None,
        rescue=functools.partial(rescue, model=choice.options.model, pcm=choice.options.audio_format),
        tick_s=output.tick_s,
    )
