"""Files that several tests read; none of them writes to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.sounds import convert, tone, write


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a tone, 44.1 kHz stereo, 16-bit WAV."""
    return write(tmp_path_factory.mktemp("talk") / "talk.wav", tone(2.0, 44100, 2), 44100)


@pytest.fixture(scope="session")
def encoded(talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives `talk` in the format of a file name, with ffmpeg's options if need be; encoded once."""
    folder = tmp_path_factory.mktemp("encoded")

    def get(name: str, *options: str) -> Path:
        path = folder / name
        return path if path.exists() else convert(talk, path, *options)

    return get
