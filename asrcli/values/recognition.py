"""What is to be recognised and how, and where: the values that every protocol is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from asrcli.values.context import Context
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import PCM

ONE_UTTERANCE_MS = 53_000
"""As much as one utterance may hold before the next pause ends it, where the user wants no other end."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service's address and how to be let in. `url` may end at the host; the protocol knows its own path.

    `headers` are further ones of the handshake; they may hold secrets.
    """

    url: str
    api_key: str = field(repr=False)
    workspace: str | None = None
    user_agent: str = "asrcli"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RecognitionOptions:
    """How to recognise, in neutral words; each protocol maps them to its own fields.

    None and empty mean that the user did not say: such a field is never sent, because a foreign or unknown one can fail
    the task. `parameters` are by the names of `values.parameters`, those that have a field of their own here left out;
    `extra` is what the user wrote for the service. `manual`: we say where utterances end, not the service. `encoding`
    is what the sound is sent as, where the protocol takes anything but PCM.
    """

    model: str
    audio_format: PcmFormat = field(default_factory=PcmFormat)
    languages: tuple[str, ...] = ()
    hotwords_id: str | None = None
    hotwords: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    context: Context = ()
    manual: bool = False
    encoding: str = PCM
    extra: Mapping[str, object] = field(default_factory=dict)
