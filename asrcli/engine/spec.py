"""What makes an engine, in plain values: it can be written down, and sent to another process or machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from asrcli.engine.allowance import Rate
from asrcli.engine.sound.tape import IDLE_S, KEEP_S
from asrcli.engine.stages import Timeouts
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import OPUS_BITRATE
from asrcli.wire.dial import Network
from asrcli.wire.retry import Retry


@dataclass(frozen=True, slots=True)
class Cutting:
    """Where utterances end, where we and not the service decide that.

    After `silence_ms` of silence; None: at no pause, only where somebody asks for it. `one`: as much as there may be is
    one utterance.
    """

    silence_ms: int | None
    one: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """All that the transcriptions of one run have in common. Holds the key: `repr` leaves it out."""

    protocol: str
    options: RecognitionOptions
    endpoint: Endpoint
    network: Network = field(default_factory=Network)
    speed: float | None = 1.0
    """The pace of the audio: 1.0 is real time, None as fast as it goes."""
    saves_bytes: bool = False
    """Whether PCM becomes Opus, for good, once the network carries too little of it; that is not measured of what can
    wait and comes as fast as it goes."""
    cutting: Cutting | None = None
    opus_bitrate: int = OPUS_BITRATE
    """Bit/s of what is sent as Opus, while somebody speaks."""
    idle_s: float | None = IDLE_S
    """How long the source may pause before it is bridged with silence; None for ever."""
    keep_s: float = KEEP_S
    """How much sound without a final result is kept to be sent again."""
    starts_per_minute: int | None = None
    """How many sessions may begin in a minute, evenly, further tries among them; None for any number."""
    rate: Rate | None = None
    """How many may begin in any second or minute, further tries among them, where there are `slots`; None for any
    number."""
    slots: int | None = None
    """How many the account allows at once; None: as many as the service bears."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: Retry = field(default_factory=Retry)
