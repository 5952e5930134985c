"""Beginnings of the sample talk, where a whole one would take too long."""

from __future__ import annotations

import wave
from pathlib import Path

from tests.support.service import TALK_WAV


def beginning(path: Path, seconds: float) -> Path:
    with wave.open(str(TALK_WAV)) as talk, wave.open(str(path), "wb") as file:
        file.setparams(talk.getparams())
        file.writeframes(talk.readframes(round(seconds * talk.getframerate())))
    return path
