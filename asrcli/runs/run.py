"""The composition root: puts source, engine, protocol and output together, and turns outcomes into exit codes."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli import __version__
from asrcli.cli.flags.many import ManyFlags
from asrcli.cli.flags.options import OutputFlags, ServiceFlags
from asrcli.values.errors import (
    AsrcliError,
    AudioError,
    AuthError,
    Bug,
    DeviceError,
    Interrupted,
    LinkError,
    OutputError,
    ProtocolViolation,
    ServiceError,
    ServiceTimeout,
    SoundLost,
    UsageError,
)

if TYPE_CHECKING:
    from asrcli.audio.source import Source
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.engine.control import Control
    from asrcli.engine.wiring import Engine
    from asrcli.output.base import Output
    from asrcli.protocols.base import Endpoint, RecognitionOptions
    from asrcli.runs.local import LocalService
    from asrcli.system.signals import Signals
    from asrcli.values.pcm import Chunk
    from asrcli.wire.dial import Network
    from asrcli.wire.pool import Pool

# The most specific class that fits counts.
EXIT_CODES: dict[type[AsrcliError], int] = {
    AsrcliError: 1,
    AudioError: 1,
    OutputError: 1,
    UsageError: 2,
    AuthError: 4,
    ServiceError: 5,
    ProtocolViolation: 5,
    LinkError: 6,
    ServiceTimeout: 6,
    SoundLost: 6,
    DeviceError: 7,
    Bug: 70,  # EX_SOFTWARE of sysexits.h
}


def exit_code(error: AsrcliError) -> int:
    """The code that a run ends with because of `error`; 128 + signal for an interruption."""
    if isinstance(error, Interrupted):
        return 128 + error.signal_number
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


@dataclass(frozen=True)
class Request:
    """What one command asks for: its sources, how to open one, and the options. See Batch and Engine for the rest.

    `fields` are those of RecognitionOptions that the user set; `shaping` is what else makes a result what it is.
    """

    names: list[str]
    open_source: Callable[[str, Control], Source]
    model: str
    fields: Mapping[str, object]
    service: ServiceFlags
    output: OutputFlags
    speed: float | None = 1.0
    open_ended: bool = False
    cut: Callable[[Iterator[Chunk]], Iterator[Chunk]] | None = None
    many: ManyFlags = field(default_factory=ManyFlags)
    shaping: Mapping[str, object] = field(default_factory=dict)


def run(flags: OutputFlags, prepare: Callable[[], Request], opening: str, folder: Path | None = None) -> int:
    """Carry out what `prepare` makes of the command line, and return the exit code.

    Every foreseen error is shown, as JSON too where JSON was asked for; so `prepare` may raise AsrcliError. `opening`
    is what to show as being opened meanwhile. `folder` is the one of --output-dir.
    """
    with shown_at_once(opening, quiet=flags.quiet):
        from asrcli.runs.batch import Refused
        from asrcli.runs.choose_output import open_output

        output = open_output(flags, folder)

    def work(signals: Signals) -> int:
        output.opening(opening)
        try:
            return _run(prepare(), output, signals)
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


@dataclass(frozen=True)
class Choice:
    """What the options come down to."""

    options: RecognitionOptions
    protocol: str
    region: str


def _run(request: Request, output: Output, signals: Signals) -> int:
    """Checks in this order: options, files, key; only then the network."""
    from asrcli.cli.flags.many import allow
    from asrcli.output.places.folder import folder_of, to_do
    from asrcli.runs.batch import Batch
    from asrcli.runs.choose_output import arrange
    from asrcli.runs.recording import kept, recording_of, spare_the_sources
    from asrcli.settings import recognition as settings
    from asrcli.wire.pool import Pool

    choice = choose(request, output)
    folder = folder_of(request, choice, output)
    with contextlib.ExitStack() as stack:
        local = None
        if choice.region == settings.LOCAL:
            from asrcli.runs.local import LocalService

            # Started first: it loads while the sources are opened.
            local = stack.enter_context(LocalService())
        batch = Batch(
            output,
            signals,
            request.open_source,
            choice.options,
            choice.region,
            choice.protocol,
            stats=request.output.stats,
            open_ended=request.open_ended,
            parts=request.many.split,
        )
        recording = recording_of(request.output, request.names, choice.options.audio_format)
        # A microphone is not opened in vain where there is no key; the local service takes a while, and it hears then.
        endpoint = endpoint_of(request.service, None) if request.open_ended and local is None else None
        spare_the_sources(request.output, request.names)
        sources = batch.check(request.names)
        for item in sources:
            if item.source is not None:
                stack.callback(item.source.close)
        files = folder.results(request.names, output.notice) if folder is not None else []
        if recording is not None:
            recording.notice = sources[0].control.notice
        if folder is not None:
            sources = to_do(sources, files, stack)
        if not sources:
            return 0
        endpoint = endpoint or endpoint_of(request.service, local)
        if folder is not None:
            folder.make()
            stack.callback(folder.tell_written, files)
        # Asked for anew for each session: a local service that died is started again, elsewhere.
        endpoint_now = functools.partial(endpoint_of, request.service, local) if local is not None else lambda: endpoint
        at_once = min(request.many.jobs, len(sources))
        allow(at_once)
        arrange(output, request.output, request.many, sources, [file for file in files if file is not None])
        pool = stack.enter_context(contextlib.closing(Pool(network_of(request.service, endpoint.url, output))))
        code = batch.run(sources, _engine(request, choice, endpoint_now, recording, output, pool), at_once)
    return kept(recording, code, output) if recording is not None else code


def choose(request: Request, output: Output) -> Choice:
    """Check the options against the model, and warn of what may not work. Raises UsageError."""
    from asrcli.protocols import REGISTRY
    from asrcli.settings import recognition as settings

    service = request.service
    options, warnings = settings.recognition_options(request.model, request.fields)
    protocol = settings.protocol_name(options.model, service.protocol, REGISTRY)
    if protocol not in REGISTRY:
        raise UsageError(f"{options.model} speaks the {protocol} protocol, which this version does not speak")
    if service.keepalive:
        options = settings.with_heartbeat(options)
    region = settings.region_label(service.region, service.endpoint, os.environ)
    if service.api_key:
        output.notice("a key on the command line can be seen in the process list", "use DASHSCOPE_API_KEY")
    for warning in warnings:
        output.notice(warning, "")
    return Choice(options, protocol, region)


def _engine(
    request: Request,
    choice: Choice,
    endpoint: Callable[[], Endpoint],
    recording: WavWriter | None,
    output: Output,
    pool: Pool,
) -> Engine:
    from asrcli.engine.retry import Retry
    from asrcli.engine.sound.tape import IDLE_S
    from asrcli.engine.stages import Limits
    from asrcli.engine.wiring import Engine
    from asrcli.protocols import REGISTRY
    from asrcli.runs.rescue import rescue

    return Engine(
        new_protocol=lambda: REGISTRY[choice.protocol](choice.options, endpoint()),
        speed=request.speed,
        record=recording.write if recording is not None else None,
        rescue=functools.partial(rescue, model=choice.options.model, pcm=choice.options.audio_format),
        keep_s=request.service.max_outage,
        cut=request.cut,
        tick_s=output.tick_s,
        idle_s=IDLE_S if request.service.keepalive else None,
        limits=Limits(finish_s=request.service.drain_timeout),
        retry=Retry(tries=request.service.retries),
        new_link=pool.new_link,
        connect_ahead=pool.connect_ahead,
    )


def endpoint_of(flags: ServiceFlags, local: LocalService | None) -> Endpoint:
    """Where to connect and how to be let in."""
    from urllib.parse import urlsplit

    from asrcli.output import masking
    from asrcli.protocols.base import Endpoint
    from asrcli.settings import recognition as settings
    from asrcli.settings.environment import variables

    agent = f"asrcli/{__version__}"
    if local is not None:
        return Endpoint(local.url(), local.key, user_agent=agent)
    url = settings.endpoint_url(flags.region, flags.workspace, flags.endpoint, os.environ)
    key = settings.find_key(flags.api_key, flags.api_key_file, variables(), Path.home())
    if key is not None:
        masking.learn(key.value)
    if key is None and settings.is_loopback(urlsplit(url).hostname or ""):
        key = settings.ApiKey(settings.LOOPBACK_KEY, "the local service")
    if key is None:
        raise settings.missing_key()
    return Endpoint(url, key.value, flags.workspace, agent)


def network_of(flags: ServiceFlags, url: str, output: Output) -> Network:
    """The way to `url`: through which proxy, trusting whom. Raises UsageError."""
    from asrcli.wire.dial import Network, find_proxy, tls_context

    proxy, note = find_proxy(flags.proxy, os.environ, url)
    if note:
        output.notice(note)
    if flags.ca_bundle is not None:
        # Read now, so that a wrong file is found before anything is sent.
        tls_context(flags.ca_bundle)
    return Network(proxy, flags.ca_bundle)
