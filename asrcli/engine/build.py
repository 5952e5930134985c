"""From a spec to a running engine, in this process or any other."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from asrcli.engine.allowance import Allowance
from asrcli.engine.spec import Cutting, Spec
from asrcli.engine.starts import EvenStarts
from asrcli.engine.uplink import Economy
from asrcli.engine.wiring import Engine
from asrcli.protocols import REGISTRY
from asrcli.protocols.base import Ahead, NewEncoder, Protocol
from asrcli.system.clock import SystemClock
from asrcli.system.loop import Loop
from asrcli.values.context import Context
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import MP3, OPUS, PCM, Chunk, SoundFormat
from asrcli.wire.link import Link
from asrcli.wire.pool import Pool


@dataclass(frozen=True)
class Surroundings:
    """What this process adds to a spec; another one would have something else here, or nothing. See Engine.

    `endpoint` is asked for anew for each session, where the service may move. `asked` says whether the user wants the
    utterance to end here. `context` is in force where the one of the options is not: see Engine.
    """

    endpoint: Callable[[], Endpoint] | None = None
    asked: Callable[[], bool] | None = None
    context: Callable[[], Context] | None = None
    record: Callable[[Chunk], None] | None = None
    rescue: Callable[[Iterator[Chunk], SoundFormat | None], str | None] | None = None
    tick_s: float | None = None


def build(
    spec: Spec, pool: Pool | None = None, surroundings: Surroundings | None = None, beside: Engine | None = None
) -> Engine:
    """The engine that `spec` describes. Its links come from `pool`, which keeps them; without one each is new.

    `beside` is another engine of the same run: both have one loop and one allowance, start their sessions in turn, and
    save bytes where either has to.
    """
    around = surroundings or Surroundings()
    economy = None if not spec.saves_bytes else beside.economy if beside is not None else Economy(spec.speed or 1.0)
    loop = Loop() if beside is None else beside.loop
    allowance = _allowance(spec) if beside is None else beside.allowance
    return Engine(
        new_protocol=functools.partial(_new_protocol, spec, around, economy),
        economy=economy,
        speed=spec.speed,
        tick_s=around.tick_s,
        idle_s=spec.idle_s,
        keep_s=spec.keep_s,
        is_compressed=spec.options.encoding != PCM or spec.saves_bytes,
        cut=_cutter(spec.cutting, spec.options.audio_format, around.asked),
        context=around.context,
        record=around.record,
        rescue=around.rescue,
        starts=_starts(spec, loop) if beside is None else beside.starts,
        allowance=allowance,
        timeouts=spec.timeouts,
        retry=spec.retry,
        loop=loop,
        new_link=functools.partial(Link, network=spec.network) if pool is None else pool.new_link,
        # What is connected ahead would be a start too, and a session that nobody has a slot for.
        connect_ahead=None if pool is None or allowance is not None else pool.connect_ahead,
    )


@contextlib.contextmanager
def all_built(specs: Sequence[Spec], surroundings: Sequence[Surroundings]) -> Iterator[list[Engine]]:
    """An engine for each of `specs`, all of one run and one network; see `build`."""
    with contextlib.closing(Pool(specs[0].network)) as pool:
        engines: list[Engine] = []
        for spec, around in zip(specs, surroundings, strict=True):
            engines.append(build(spec, pool, around, engines[0] if engines else None))
        yield engines


def _starts(spec: Spec, loop: Loop) -> EvenStarts | None:
    return None if spec.starts_per_minute is None else EvenStarts(spec.starts_per_minute, loop)


def _allowance(spec: Spec) -> Allowance | None:
    return None if spec.slots is None else Allowance(SystemClock(), spec.slots, spec.rate)


def _new_protocol(spec: Spec, around: Surroundings, economy: Economy | None, sound: SoundFormat | None) -> Protocol:
    endpoint = spec.endpoint if around.endpoint is None else around.endpoint()
    options = spec.options if around.context is None else replace(spec.options, context=around.context())
    if sound is not None:
        options = replace(options, encoding=sound.name, audio_format=PcmFormat(sound.sample_rate_hz))
    elif economy is not None and economy.is_on:
        options = replace(options, encoding=OPUS)
    return REGISTRY[spec.protocol](options, endpoint, _encoder(options, spec.opus_bitrate, sound))


def _encoder(options: RecognitionOptions, opus_bitrate: int, sound: SoundFormat | None) -> NewEncoder | None:
    if sound is not None:
        return _continuing(sound)
    if options.encoding == PCM:
        return None
    from asrcli.audio.writing.libopus import LibOpusEncoder, library

    if library() is not None:
        return functools.partial(LibOpusEncoder, opus_bitrate)
    from asrcli.audio.writing.opus import OpusEncoder

    return functools.partial(OpusEncoder, opus_bitrate)


def _continuing(sound: SoundFormat) -> NewEncoder | None:
    """What each session puts ahead of sound that is encoded already, and makes of silence in it."""
    from asrcli.audio.encoded.continuing import Mp3Stream, OggStream

    if sound.name == MP3:
        return Mp3Stream
    if sound.header.startswith(b"OggS"):
        return functools.partial(OggStream, sound.header)
    return functools.partial(Ahead, sound.header) if sound.header else None


def _cutter(
    cutting: Cutting | None, pcm: PcmFormat, asked: Callable[[], bool] | None
) -> Callable[[Iterator[Chunk]], Iterator[Chunk]] | None:
    if cutting is None:
        return None
    from asrcli.audio.chunks.utterances import ONE_UTTERANCE, mark_utterances

    asked = asked or _nobody_asks
    mark = functools.partial(mark_utterances, pcm=pcm, silence_ms=cutting.silence_ms, asked=asked)
    return functools.partial(mark, patience=ONE_UTTERANCE) if cutting.one else mark


def _nobody_asks() -> bool:
    return False
