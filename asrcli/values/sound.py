"""Sound as it goes to the service, a chunk at a time, and what a service has to be told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# How much sound one message carries. What is being spoken must not wait for long until it is full; of what lies ready
# there is more in each, which halves the work for both sides, and results come no later: a chunk leaves when its first
# sample is due. The service takes from 1 to 16 KB.
LIVE_CHUNK_MS = 100
STORED_CHUNK_MS = 200

PCM = "pcm"
OPUS = "opus"
MP3 = "mp3"
# Bit/s for what is spoken; pauses take less, and the whole comes to a tenth of PCM.
OPUS_BITRATE = 28_000


class Chunk(NamedTuple):
    """Some of the sound of a source, in `encoding`: s16le samples of PCM, or whole frames or pages of another.

    `end_sample`: where it ends, counted from the first sample of the transcription. `samples`: how many it lasts; both
    at the rate at which the sound is sent. `ends_utterance`: what was said so far is complete, where we and not the
    service decide that. `is_filler`: silence of ours that keeps the service waiting while the source pauses; it takes
    no time of the source.
    """

    data: bytes
    end_sample: int
    samples: int
    encoding: str = PCM
    ends_utterance: bool = False
    is_filler: bool = False


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """What the sound of a source is that is sent as it is.

    `name` is the service's word for it: pcm, wav, mp3, opus, speex, aac, amr. `header` is sent ahead of the first chunk
    of every session: the head pages of Ogg, the magic of AMR, the header of RIFF. `preroll_samples`: what a decoder
    has to have read before it is right; a session that begins in the middle begins so much sooner. `lead_samples`: so
    much sooner than the sound begins what a decoder makes of the first chunk, by the delay of the encoder.
    """

    name: str
    sample_rate_hz: int
    header: bytes = b""
    preroll_samples: int = 0
    lead_samples: int = 0
