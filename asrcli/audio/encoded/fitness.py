"""Whether sound can go to the service as it is, and what that is told of it; a reason in words where it cannot."""

from __future__ import annotations

from asrcli.audio.encoded.ogg_codecs import OPUS_HZ
from asrcli.audio.encoded.parser import Traits, Unfit
from asrcli.audio.source import AsIs

# What an Opus decoder gives; the rate of the original is none of its business.
_OPUS_RATES_HZ = (16000, 8000, 12000, 24000, OPUS_HZ)


def wire_rate_hz(traits: Traits, as_is: AsIs) -> int:
    """What to tell the service that the rate of such sound is. Raises Unfit where it will not take it."""
    if traits.name not in as_is.formats:
        raise Unfit(f"is {traits.name}, and the model takes {_listed(as_is.formats)} only")
    if traits.channels != 1:
        count = f"{traits.channels} channels" if traits.channels else "channels that only a decoder can count"
        raise Unfit(f"has {count}, and the service takes one")
    if traits.name == "opus":
        return _opus_rate_hz(traits.original_hz, as_is.rates_hz)
    if as_is.rates_hz and traits.original_hz not in as_is.rates_hz:
        raise Unfit(f"has {traits.original_hz} Hz, and the model takes {_listed(as_is.rates_hz)} Hz only")
    return traits.original_hz


def _opus_rate_hz(original_hz: int, rates_hz: tuple[int, ...]) -> int:
    """The original's, if a decoder gives it and the model takes it."""
    possible = [rate_hz for rate_hz in _OPUS_RATES_HZ if not rates_hz or rate_hz in rates_hz]
    if not possible:
        raise Unfit(f"is Opus, which has no {_listed(rates_hz)} Hz")
    if original_hz in possible:
        return original_hz
    return possible[0] if rates_hz else OPUS_HZ


def _listed(values: tuple[object, ...]) -> str:
    return " and ".join(part for part in (", ".join(map(str, values[:-1])), str(values[-1])) if part)
