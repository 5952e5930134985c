"""The composition root: puts source, engine, protocol and output together, and turns outcomes into exit codes."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli import __version__
from asrcli.cli.inputs import STANDARD_INPUT
from asrcli.cli.options import OutputFlags, ServiceFlags
from asrcli.errors import (
    AsrcliError,
    AudioError,
    AuthError,
    DeviceError,
    Interrupted,
    LinkError,
    OutputError,
    ProtocolViolation,
    ServiceError,
    ServiceTimeout,
    UsageError,
)

if TYPE_CHECKING:
    from asrcli.audio.source import Source
    from asrcli.audio.wav_writer import WavWriter
    from asrcli.cli.local import LocalService
    from asrcli.cli.signals import Signals
    from asrcli.control import Control
    from asrcli.dial import Network
    from asrcli.engine import Engine
    from asrcli.output.base import Output
    from asrcli.pcm import Chunk, PcmFormat
    from asrcli.protocols.base import Endpoint, RecognitionOptions

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
    DeviceError: 7,
}


def exit_code(error: AsrcliError) -> int:
    """The code that a run ends with because of `error`; 128 + signal for an interruption."""
    if isinstance(error, Interrupted):
        return 128 + error.signal_number
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


@dataclass(frozen=True)
class Request:
    """What one command asks for: its sources, how to open one, and the options. See Batch and Engine for the rest.

    `fields` are those of RecognitionOptions that the user set.
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


def run(flags: OutputFlags, prepare: Callable[[], Request], opening: str) -> int:
    """Carry out what `prepare` makes of the command line, and return the exit code.

    Every foreseen error is shown, as JSON too where JSON was asked for; so `prepare` may raise AsrcliError. `opening`
    is what to show as being opened meanwhile.
    """
    with _shown_at_once(opening, quiet=flags.quiet):
        from asrcli.cli.present import open_output
        from asrcli.cli.signals import Signals
        from asrcli.output.base import ClosedPipe

        output = open_output(flags)
    try:
        with Signals() as signals:
            output.opening(opening)
            return _run(prepare(), output, signals)
    except ClosedPipe:
        return 0
    except AsrcliError as error:
        output.error(error, None)
        return exit_code(error)
    finally:
        output.close()


@contextlib.contextmanager
def _shown_at_once(opening: str, *, quiet: bool) -> Iterator[None]:
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
class _Choice:
    """What the options come down to."""

    options: RecognitionOptions
    protocol: str
    region: str


def _run(request: Request, output: Output, signals: Signals) -> int:
    """Checks in this order: options, files, key; only then the network."""
    from asrcli import settings
    from asrcli.cli.batch import Batch

    choice = _choose(request, output)
    with contextlib.ExitStack() as stack:
        local = None
        if choice.region == settings.LOCAL:
            from asrcli.cli.local import LocalService

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
        )
        recording = _recording(request, choice.options.audio_format)
        # A microphone is not opened in vain where there is no key; the local service takes a while, and it hears then.
        endpoint = _endpoint(request.service, None) if request.open_ended and local is None else None
        _spare_the_sources(request)
        sources = batch.check(request.names)
        for item in sources:
            if item.source is not None:
                stack.callback(item.source.close)
        if recording is not None:
            recording.notice = sources[0].control.notice
        endpoint = endpoint or _endpoint(request.service, local)
        # Asked for anew for each session: a local service that died is started again, elsewhere.
        endpoint_now = functools.partial(_endpoint, request.service, local) if local is not None else lambda: endpoint
        code = batch.run(sources, _engine(request, choice, endpoint_now, recording, output))
    return _kept(recording, code, output) if recording is not None else code


def _spare_the_sources(request: Request) -> None:
    """Raise UsageError where a result would be written over what it is made from."""
    for option, path in (("--output", request.output.output), ("--save-audio", request.output.save_audio)):
        for name in request.names:
            with contextlib.suppress(OSError):
                if path is not None and Path(name).samefile(path):
                    raise UsageError(f"{option} {path} is the source itself", hint="choose another file")


def _choose(request: Request, output: Output) -> _Choice:
    """Check the options against the model, and warn of what may not work. Raises UsageError."""
    from asrcli import settings
    from asrcli.protocols import REGISTRY

    service = request.service
    options, warnings = settings.recognition_options(request.model, request.fields)
    protocol = settings.protocol_name(options.model, service.protocol, REGISTRY)
    if protocol not in REGISTRY:
        raise UsageError(f"{options.model} speaks the {protocol} protocol, which this version does not speak")
    if service.keepalive and (request.open_ended or STANDARD_INPUT in request.names):
        options = settings.with_heartbeat(options)
    region = settings.region_label(service.region, service.endpoint, os.environ)
    if service.api_key:
        output.notice("a key on the command line can be seen in the process list", "use DASHSCOPE_API_KEY")
    for warning in warnings:
        output.notice(warning, "")
    return _Choice(options, protocol, region)


def _engine(
    request: Request,
    choice: _Choice,
    endpoint: Callable[[], Endpoint],
    recording: WavWriter | None,
    output: Output,
) -> Engine:
    from asrcli.cli.rescue import rescue
    from asrcli.engine import Engine
    from asrcli.link import Link
    from asrcli.protocols import REGISTRY
    from asrcli.retry import Retry
    from asrcli.session import Limits
    from asrcli.tape import IDLE_S

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
        new_link=functools.partial(Link, network=_network(request.service, endpoint().url, output)),
    )


def _recording(request: Request, pcm: PcmFormat) -> WavWriter | None:
    """The file of --save-audio, checked and not yet made. Raises UsageError."""
    from asrcli.audio.wav_writer import WavWriter
    from asrcli.output.sinks import FileSink

    path, force = request.output.save_audio, request.output.force
    if path is None:
        return None
    if len(request.names) > 1:
        raise UsageError("--save-audio keeps the sound of one source only", hint="name one file")
    if request.output.output is not None and path.resolve() == request.output.output.resolve():
        raise UsageError(f"--save-audio and --output both name {path}", hint="give them different names")
    FileSink(path, force).check()
    return WavWriter(path, pcm, force=force)


def _kept(recording: WavWriter, code: int, output: Output) -> int:
    """Close `recording`; the exit code of a run that would end with `code`."""
    recording.close()
    if recording.error is None:
        return code
    output.error(recording.error)
    return code or exit_code(recording.error)


def _endpoint(flags: ServiceFlags, local: LocalService | None) -> Endpoint:
    """Where to connect and how to be let in."""
    from urllib.parse import urlsplit

    from asrcli import settings
    from asrcli.protocols.base import Endpoint

    agent = f"asrcli/{__version__}"
    if local is not None:
        return Endpoint(local.url(), local.key, user_agent=agent)
    url = settings.endpoint_url(flags.region, flags.workspace, flags.endpoint, os.environ)
    key = settings.find_key(flags.api_key, flags.api_key_file, os.environ, Path.home())
    if key is None and settings.is_loopback(urlsplit(url).hostname or ""):
        key = settings.ApiKey(settings.LOOPBACK_KEY, "the local service")
    if key is None:
        raise settings.missing_key()
    return Endpoint(url, key.value, flags.workspace, agent)


def _network(flags: ServiceFlags, url: str, output: Output) -> Network:
    """The way to `url`: through which proxy, trusting whom. Raises UsageError."""
    from asrcli.dial import Network, find_proxy, tls_context

    proxy, note = find_proxy(flags.proxy, os.environ, url)
    if note:
        output.notice(note)
    if flags.ca_bundle is not None:
        # Read now, so that a wrong file is found before anything is sent.
        tls_context(flags.ca_bundle)
    return Network(proxy, flags.ca_bundle)
