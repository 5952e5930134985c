"""A microphone without hardware for tests: virtual_mic.sh, and what is needed to play into it and to find it again."""

from __future__ import annotations

import os
import shutil
import subprocess
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("virtual_mic.sh")
SAY_RATE_HZ = 48000


def missing() -> str | None:
    """What of the system keeps the virtual microphone from running here; None if it can run."""
    lacking = [program for program in ("pulseaudio", "pactl", "paplay") if shutil.which(program) is None]
    if find_library("portaudio") is None:
        lacking.append("libportaudio2")
    # The plugin's folder is named after the machine.
    if not any(Path("/usr/lib").glob("**/alsa-lib/libasound_module_pcm_pulse.so")):
        lacking.append("libasound2-plugins")
    if lacking:
        return f"the virtual microphone needs {', '.join(lacking)}: see tests/support/install_test_packages.sh"
    return None


class VirtualMic:
    """One private sound server in `folder`. `environ` leads a program to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._script("start")
        lines = subprocess.run(["sh", str(SCRIPT), "env", str(folder)], capture_output=True, text=True, check=True)
        exports = (line.removeprefix("export ").partition("=") for line in lines.stdout.splitlines())
        self.variables: Mapping[str, str] = {name: value for name, _, value in exports}

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def say(self, path: Path) -> subprocess.Popen[bytes]:
        """Start to play `path`; the process ends when all of it was played."""
        return subprocess.Popen(["sh", str(SCRIPT), "say", str(self.folder), str(path)])

    def mute(self) -> None:
        self._script("mute")

    def unmute(self) -> None:
        self._script("unmute")

    def unplug(self) -> None:
        self._script("unplug")

    def plug(self) -> None:
        self._script("plug")

    def kill(self) -> None:
        """The sound server dies."""
        self._script("kill")

    def restart(self) -> None:
        self._script("start")

    def stop(self) -> None:
        self._script("stop")

    def _script(self, command: str) -> None:
        subprocess.run(["sh", str(SCRIPT), command, str(self.folder)], check=True)


@contextmanager
def virtual_mic(folder: Path) -> Iterator[VirtualMic]:
    """A running one, for as long as the context lasts. Skips the test where it cannot run."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    mic = VirtualMic(folder)
    try:
        yield mic
    finally:
        mic.stop()


def noise(seconds: float, rate_hz: int = SAY_RATE_HZ, seed: int = 1) -> np.ndarray:
    """Noise as int16: every stretch of it is found again in a recording at one place only.

    It ends at 2 kHz, so that a resampler's shift by a part of a sample leaves it what it was.
    """
    samples = round(seconds * rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    spectrum[round(2000 * seconds) :] = 0
    band = np.fft.irfft(spectrum, samples)
    return np.rint(band * (2000 / band.std())).astype(np.int16)


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = SAY_RATE_HZ, silence_s: float = 0.0) -> Path:
    """`samples` as a wav, with `silence_s` after them: what is on its way when a microphone ends is nothing, then."""
    samples = np.concatenate([samples, np.zeros(round(silence_s * rate_hz), np.int16)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """The samples and the rate of a 16-bit mono wav; Python's own module refuses one with a bad header."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


def offset_of(part: np.ndarray, whole: np.ndarray) -> tuple[int, float]:
    """Where `part` is found in `whole`, by correlation, and how alike the two are there: 1.0 is the same."""
    size = 1 << (len(whole) + len(part)).bit_length()
    spectrum = np.fft.rfft(whole.astype(float), size) * np.conj(np.fft.rfft(part.astype(float), size))
    correlation = np.fft.irfft(spectrum, size)[: max(1, len(whole) - len(part) + 1)]
    offset = int(correlation.argmax())
    there = whole[offset : offset + len(part)].astype(float)
    scale = float(np.linalg.norm(there) * np.linalg.norm(part.astype(float)))
    return offset, float(correlation[offset]) / scale if scale else 0.0
