"""The first seconds of the talk in every format that can be sent as it is; none of the tests writes to the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.support.sounds import convert

DATA = Path(__file__).parents[2] / "data"
SECONDS = 4


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of speech, 16 kHz mono, 16-bit WAV."""
    samples, rate_hz = soundfile.read(DATA / "talk.wav", dtype="int16")
    path = tmp_path_factory.mktemp("start") / "start.wav"
    soundfile.write(path, samples[: SECONDS * rate_hz], rate_hz)
    return path


@pytest.fixture(scope="session")
def speech(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives `start` in the format of a file name, with ffmpeg's options if need be; encoded once."""
    folder = tmp_path_factory.mktemp("speech")

    def get(name: str, *options: str) -> Path:
        if name in ("talk.amr", "talk.spx"):
            return DATA / name
        if name == "start.wav":
            return start
        path = folder / name
        return path if path.exists() else convert(start, path, *options)

    return get
