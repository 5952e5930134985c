"""What a request comes down to: the recognition, the service and the way there, and the spec of an engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from asrcli import __version__
from asrcli.output import masking
from asrcli.protocols import REGISTRY
from asrcli.runs.request import MOST_JOBS, Request, ServiceOptions
from asrcli.settings import catalogue, combinations, endpoints, hotword_rules, keys, recognition
from asrcli.settings.environment import variables
from asrcli.settings.phrases import Hotwords
from asrcli.settings.sending import AS_IS, AUTO, ONLY_AS_IS
from asrcli.values.addresses import is_loopback
from asrcli.values.errors import UsageError
from asrcli.values.hotwords import Hotword
from asrcli.values.recognition import Endpoint, RecognitionOptions

if TYPE_CHECKING:
    from asrcli.audio.opening import Input
    from asrcli.engine.allowance import Rate
    from asrcli.engine.spec import Spec
    from asrcli.wire.dial import Network

AGENT = f"asrcli/{__version__}"
_SECRET_CHARACTERS = 16


@dataclass(frozen=True)
class Choice:
    """How to recognise: what the options come down to before there is a service to ask."""

    options: RecognitionOptions
    protocol: str
    region: str
    hotwords: Hotwords | None = None
    listed: tuple[Hotword, ...] = ()
    """The hotwords for which the model wants a list at the service; until there is one they stand in the options."""

    @property
    def context_from(self) -> Path | None:
        """The file or named pipe that the context is to follow, where the protocol lets it."""
        name = self.options.parameters.get("context_from")
        return Path(str(name)) if name and REGISTRY[self.protocol].changes_context else None

    @property
    def keeps_link(self) -> bool:
        """Whether one session may follow another on the same connection."""
        return REGISTRY[self.protocol].keeps_link


class Teller(Protocol):
    """Tells what does not end the run; see Output."""

    def notice(self, message: str, hint: str = "") -> None: ...


class ServiceTarget(Protocol):
    """Where the sessions of a run go. `moves`: another session may find it at another address."""

    moves: bool

    def endpoint(self) -> Endpoint:
        """The address and the key. Raises AuthError without one, LinkError where a local service does not start."""
        ...


class VendorTarget:
    """The service that the options name. Its key is looked for when it is first asked for."""

    moves = False

    def __init__(self, options: ServiceOptions) -> None:
        self._options = options
        self._endpoint: Endpoint | None = None

    def endpoint(self) -> Endpoint:
        self._endpoint = self._endpoint or endpoint_of(self._options)
        return self._endpoint


class NoKeyTarget:
    """The service that the options name, for processes elsewhere, which have keys of their own."""

    moves = False

    def __init__(self, options: ServiceOptions) -> None:
        self._options = options

    def endpoint(self) -> Endpoint:
        options = self._options
        url = endpoints.endpoint_url(options.region, options.workspace, options.endpoint, os.environ)
        return Endpoint(url, "", options.workspace, AGENT)


def choose(request: Request, output: Teller) -> Choice:
    """Check the options against each other and the model, and warn of what may not work. Raises UsageError."""
    _check_split(request)
    if request.corpus.rate is not None and request.service.starts_per_minute is not None:
        raise UsageError(
            f"--rate {request.corpus.rate} and --starts-per-minute exclude each other", hint="leave one of them out"
        )
    service = request.service
    region = endpoints.region_label(service.region, service.endpoint, os.environ)
    models_region = endpoints.models_region(region)
    fields = dict(request.fields)
    hotwords = cast("Hotwords | None", fields.pop("hotwords", None))
    listed: tuple[Hotword, ...] = ()
    if hotwords is not None:
        said, listed = hotword_rules.placed(hotwords, request.model)
        fields |= said
        if "hotwords" in said and any(word.language for word in hotwords.phrases.words()):
            output.notice(f"{request.model} is not told the languages of hotwords", "a list made before has them")
    options, warnings = recognition.recognition_options(request.model, fields, models_region)
    if listed:
        options = replace(options, hotwords={word.text: word.weight for word in listed})
    protocol = recognition.protocol_name(options.model, service.protocol, REGISTRY)
    if protocol not in REGISTRY:
        raise UsageError(f"{options.model} speaks the {protocol} protocol, which this version does not speak")
    unlike = list(combinations.notices(options, protocol, models_region))
    if service.keepalive:
        options = recognition.with_parameter(options, "heartbeat", True)
    if request.output.partials is not False:
        options = recognition.with_parameter(options, "intermediate", True)
    elif options.parameters.get("intermediate"):
        output.notice("--intermediate asks for what --no-partials leaves out", "leave one of them out")
    mask_secrets(service, output)
    for message, hint in (*((warning, "") for warning in warnings), *unlike):
        output.notice(message, hint)
    if region == endpoints.LOCAL and catalogue.find(request.model) is None:
        output.notice("the local service hears the same whatever the model", "")
    return Choice(options, protocol, region, hotwords, listed)


def input_of(request: Request, choice: Choice, output: Teller) -> Input:
    """How the sources are opened: what can go as it is need not be decoded, where the user wants that.

    Raises UsageError where the user insists on it, and nothing of this run can go so.
    """
    from asrcli.audio.opening import Microphone

    way = request.sending.way
    if way not in (AS_IS, ONLY_AS_IS):
        return request.input
    if isinstance(request.input, Microphone):
        reason = "what a microphone hears has no encoding yet"
    elif request.cutting is not None:
        reason = "where utterances end shows only when it is decoded"
    else:
        from asrcli.audio.source import AsIs

        model = catalogue.find(choice.options.model)
        rates_hz = () if model is None else model.rates_hz
        if "wire_rate" in request.fields:
            rates_hz = (choice.options.audio_format.sample_rate_hz,)
        formats = REGISTRY[choice.protocol].encodings
        return replace(request.input, as_is=AsIs(formats, rates_hz, insists=way == ONLY_AS_IS))
    if way == ONLY_AS_IS:
        raise UsageError(f"the sound cannot go as it is: {reason}", hint="--send as-is sends it as PCM then")
    output.notice(f"the sound does not go as it is: {reason}", "it is sent as PCM; --send opus has fewer bytes")
    return request.input


def mask_secrets(options: ServiceOptions, output: Teller) -> None:
    """Keep the values of headers out of every output, and warn of a key that others can see."""
    if options.api_key:
        output.notice("a key on the command line can be seen in the process list", "use DASHSCOPE_API_KEY")
    for _, value in options.headers:
        # What is shorter is a word such as "realtime", which may stand anywhere.
        if len(value) >= _SECRET_CHARACTERS:
            masking.learn(value)


def _check_split(request: Request) -> None:
    from asrcli.engine.splitting import check_split

    many = request.many
    check_split(many.split, request.names)
    if many.split > 1 and (many.jobs or 1) > 1:
        raise UsageError(
            "--split and --jobs exclude each other", hint="--split takes one source after another, all parts at once"
        )
    if many.split > 1 and request.output.save_audio is not None:
        raise UsageError("--save-audio and --split exclude each other: the parts are sent at the same time")


@contextmanager
def service_of(choice: Choice, options: ServiceOptions, *, needs_key: bool = True) -> Iterator[ServiceTarget]:
    """The service that is asked, with a key unless not this process `needs_key`.

    One of our own is started at once: it loads while the sources are opened.
    """
    if choice.region != endpoints.LOCAL:
        yield VendorTarget(options) if needs_key else NoKeyTarget(options)
        return
    from asrcli.runs.local import LocalService

    with LocalService(AGENT, options.headers) as local:
        yield local


def endpoint_of(options: ServiceOptions) -> Endpoint:
    """Where to connect and how to be let in. Raises UsageError and AuthError."""
    url = endpoints.endpoint_url(options.region, options.workspace, options.endpoint, os.environ)
    return Endpoint(url, key_for(options, url), options.workspace, AGENT, options.headers)


def key_for(options: ServiceOptions, url: str, without: str = keys.LOCAL) -> str:
    """The key for the service at `url`, which no output shows from now on.

    Raises AuthError where there is none; `without` is what to try then.
    """
    key = keys.find_key(options.api_key, options.api_key_file, variables(), Path.home())
    if key is not None:
        masking.learn(key.value)
    if key is None and is_loopback(urlsplit(url).hostname or ""):
        key = keys.ApiKey(keys.LOOPBACK_KEY, "the local service")
    if key is None:
        raise keys.missing_key(without)
    return key.value


def network_of(options: ServiceOptions, url: str, output: Teller) -> Network:
    """The way to `url`: through which proxy, trusting whom. Raises UsageError."""
    from asrcli.wire.dial import Network, tls_context
    from asrcli.wire.proxies import find_proxy

    proxy, note = find_proxy(options.proxy, os.environ, url)
    if note:
        output.notice(note)
    if options.ca_bundle is not None:
        # Read now, so that a wrong file is found before anything is sent.
        tls_context(options.ca_bundle)
    return Network(proxy, options.ca_bundle)


def spec_of(request: Request, choice: Choice, endpoint: Endpoint, network: Network) -> Spec:
    """What the engine of this request is built from."""
    from asrcli.engine.sound.tape import IDLE_S
    from asrcli.engine.spec import Spec
    from asrcli.engine.stages import Timeouts
    from asrcli.wire.retry import Retry

    service = request.service
    rate, slots = _allowed(request)
    return Spec(
        protocol=choice.protocol,
        options=choice.options,
        endpoint=endpoint,
        network=network,
        speed=request.speed,
        cutting=request.cutting,
        opus_bitrate=request.sending.opus_bitrate,
        saves_bytes=request.sending.way == AUTO,
        idle_s=IDLE_S if service.keepalive else None,
        keep_s=service.max_outage,
        starts_per_minute=service.starts_per_minute,
        rate=rate,
        slots=slots,
        timeouts=Timeouts(finish_s=service.drain_timeout),
        retry=Retry(tries=service.retries),
    )


def _allowed(request: Request) -> tuple[Rate | None, int | None]:
    """What the engine of this process keeps to, where the user has said what the account allows.

    Of a cluster, all keep to that together, and none on its own.
    """
    corpus = request.corpus
    if corpus.cluster is not None or (corpus.rate is None and corpus.slots is None):
        return None, None
    from asrcli.engine.allowance import parse_rate

    here = request.many.split if request.many.split > 1 else request.at_once(MOST_JOBS)
    slots = here if corpus.slots is None else min(corpus.slots, here)
    return None if corpus.rate is None else parse_rate(corpus.rate), slots
