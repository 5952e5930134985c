"""What a protocol is to the engine, and the options every protocol is made from."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from asrcli.values.context import Context
from asrcli.values.events import Event
from asrcli.values.messages import ConnectRequest, Message
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk


@dataclass(frozen=True, slots=True)
class Send:
    """A step that asks the engine to send this message."""

    message: Message
    has_sound: bool = False


Step = Send | Event


class Encoder(typing.Protocol):
    """Makes one stream of the audio of a session, or of a part of it, such as a decoder can begin with."""

    def encode(self, data: bytes) -> bytes:
        """What the `data` of a chunk completes of the stream; may be empty."""
        ...

    def finish(self) -> bytes:
        """The end of the stream."""
        ...


class Ahead:
    """An Encoder of what is encoded already: puts `header` ahead of it."""

    def __init__(self, header: bytes, pcm: PcmFormat) -> None:
        self._header = header

    def encode(self, data: bytes) -> bytes:
        """As it is, the first with the header."""
        header, self._header = self._header, b""
        return header + data

    def finish(self) -> bytes:
        """Nothing: it has no end of its own."""
        return b""


NewEncoder = Callable[[PcmFormat], Encoder]
"""Begins a stream of audio in the encoding that the options name."""


class Timeline:
    """From the service's time to the source's: they differ by the filler that we sent.

    `sent` is called before each chunk leaves, so that it is known before any result can speak of it.
    """

    def __init__(self, pcm: PcmFormat) -> None:
        self._pcm = pcm
        self._sent_samples = 0
        # For each filler: where it begins and how long it is, in milliseconds of the service's time.
        self._fillers: list[tuple[int, int]] = []

    def sent(self, chunk: Chunk) -> None:
        if chunk.is_filler:
            self._fillers.append((self._pcm.ms(self._sent_samples), self._pcm.ms(chunk.samples)))
        self._sent_samples += chunk.samples

    def source_ms(self, service_ms: int | None) -> int | None:
        """The moment of the source that the service calls `service_ms`; within filler, the moment of the pause."""
        if service_ms is None or not self._fillers:
            return service_ms
        return service_ms - sum(min(length, max(0, service_ms - begin)) for begin, length in self._fillers)


class Protocol(typing.Protocol):
    """One recognition, from the first message to the last. Made anew for each session, owned by one thread.

    `receive` raises ServiceError when the service gives up and ProtocolViolation when it breaks the rules; unknown
    event types and unknown fields are skipped, because services grow.
    """

    name: typing.ClassVar[str]
    path: typing.ClassVar[str]
    keeps_link: typing.ClassVar[bool]
    """Whether a further session may follow on the same connection."""
    times_words: typing.ClassVar[bool]
    """Whether finals say when each word was said."""
    changes_context: typing.ClassVar[bool]
    """Whether the context can be another one in the middle of a session."""
    encodings: typing.ClassVar[tuple[str, ...]]
    """What the sound may be sent as, by the service's names."""
    session_id: str
    audio_format: PcmFormat
    context: Context
    """What the service was told is spoken of, or will be at the start."""
    max_session_ms: int | None
    """How much audio one session may carry; more goes over several, cut at the ends of utterances. None: any."""

    def __init__(
        self, options: RecognitionOptions, endpoint: Endpoint, new_encoder: NewEncoder | None = None
    ) -> None: ...

    def connect_request(self) -> ConnectRequest:
        """The address and the handshake headers."""
        ...

    def start(self) -> Iterable[Step]:
        """Called once, when the connection stands."""
        ...

    def audio(self, chunk: Chunk) -> Iterable[Message]:
        """The messages that carry `chunk`."""
        ...

    def update_context(self, context: Context) -> Iterable[Step]:
        """Put `context` in the place of the one in force; for after the start and before `finish`."""
        ...

    def receive(self, message: Message) -> Iterable[Step]:
        """What `message` from the service means."""
        ...

    def finish(self) -> Iterable[Step]:
        """Called once, when all audio has been sent."""
        ...

    def closed(self, code: int | None, reason: str) -> Iterable[Step]:
        """Called when the service closed the connection; raises where that is not the regular end."""
        ...


_ROOT = "/api-ws/v1/"


def address(url: str, path: str) -> str:
    """The full URL for a protocol's `path` at the endpoint `url`.

    A bare host gets the path; one of the service's own paths is replaced (people set the SDK's variable, which ends
    in the path of the other protocol); any other path is kept, for gateways.
    """
    base, query, parameters = url.partition("?")
    scheme, _, rest = base.partition("://")
    host, _, given = rest.partition("/")
    kept = "/" + given if given.strip("/") and not ("/" + given).startswith(_ROOT) else path
    return f"{scheme}://{host}{kept}{query}{parameters}"


def handshake_headers(endpoint: Endpoint) -> dict[str, str]:
    """What lets us in, and what the user adds: a header of the same name takes the place of ours."""
    headers = {"Authorization": f"Bearer {endpoint.api_key}", "User-Agent": endpoint.user_agent}
    if endpoint.workspace:
        headers["X-DashScope-WorkSpace"] = endpoint.workspace
    given = {name.lower() for name, _ in endpoint.headers}
    return {name: value for name, value in headers.items() if name.lower() not in given} | dict(endpoint.headers)
