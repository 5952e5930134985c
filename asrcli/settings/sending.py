"""How the sound is sent, as the user says it. Nothing is sent here."""

from __future__ import annotations

import re

from asrcli.values.errors import UsageError
from asrcli.values.sound import OPUS, OPUS_BITRATE, PCM

# PCM, and Opus from where the network turns out to be too slow for that.
AUTO = "auto"
# What the source has, where the service takes that; else it is decoded, or with the mark of insistence refused.
AS_IS, ONLY_AS_IS = "as-is", "as-is!"
WAYS = (PCM, OPUS, AS_IS, ONLY_AS_IS, AUTO)
_LEAST_KBIT, _MOST_KBIT = 6, 128


def parse_way(text: str) -> str:
    """One of WAYS. Raises UsageError for anything else."""
    if text not in WAYS:
        raise UsageError(f"--send {text} is not known", hint=f"choose {', '.join(WAYS[:-1])} or {WAYS[-1]}")
    return text


def parse_bitrate(text: str) -> int:
    """Bit/s of "28000", or of "28" and "28k", which are kbit/s. Raises UsageError for what Opus does not do."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([kK]?)", text.strip(), re.ASCII)
    if found is not None:
        number = float(found[1])
        bitrate = round(number * 1000) if found[2] or number < 1000 else round(number)
        if _LEAST_KBIT * 1000 <= bitrate <= _MOST_KBIT * 1000:
            return bitrate
    raise UsageError(
        f"--opus-bitrate {text} is out of range",
        hint=f"{_LEAST_KBIT}k to {_MOST_KBIT}k, in kbit/s or bit/s; {OPUS_BITRATE // 1000}k is the default",
    )
