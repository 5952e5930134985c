"""How loud sound is, and what that says about a microphone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.level import Level, Meter, Trouble, Watch, advice, dbfs, verdict

QUIET = Level(-55.0, -62.0)
SPEECH = Level(-12.0, -25.0)
SILENCE = Level(None, None)
CLIPPED = Level(0.0, -3.0, clipped=True)


def _tone(amplitude: float, frames: int = 1600, channels: int = 1) -> np.ndarray:
    tone = amplitude * np.sin(2 * np.pi * 100 * np.arange(frames) / 16000)
    return np.repeat(tone.astype(np.float32)[:, None], channels, axis=1)


def _told(levels: list[Level]) -> list[Trouble]:
    watch = Watch()
    return [trouble for level in levels if (trouble := watch.observe(level)) is not None]


def test_full_scale_is_zero_and_silence_is_unknown() -> None:
    assert dbfs(1.0) == 0.0
    assert dbfs(0.5) == pytest.approx(-6.02, abs=0.01)
    assert dbfs(0.0) is None


@pytest.mark.parametrize("channels", [1, 2])
def test_a_sine_is_three_decibels_above_its_mean_power(channels: int) -> None:
    (level,) = Meter(16000).feed(_tone(0.5, channels=channels))
    assert level.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert level.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert not level.clipped


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=20))
def test_levels_do_not_depend_on_how_the_sound_is_split(sizes: list[int]) -> None:
    """There is one window for each whole tenth of a second, whatever the blocks."""
    sound = np.random.default_rng(1).uniform(-1, 1, (sum(sizes), 2)).astype(np.float32)
    whole = list(Meter(16000).feed(sound))
    meter = Meter(16000)
    starts = np.cumsum([0, *sizes])
    split = [level for start, size in zip(starts, sizes, strict=False) for level in meter.feed(sound[start:][:size])]
    assert [level.peak_dbfs for level in split] == [level.peak_dbfs for level in whole]
    assert [level.rms_dbfs for level in split] == pytest.approx([level.rms_dbfs for level in whole])
    assert len(whole) == sum(sizes) // 1600


def test_one_sample_at_full_scale_is_no_clipping() -> None:
    """Several are."""
    sound = _tone(0.5)
    sound[10] = 1.0
    assert not next(Meter(16000).feed(sound)).clipped
    sound[20:23] = -1.0
    assert next(Meter(16000).feed(sound)).clipped


def test_five_seconds_of_digital_silence_are_told_once() -> None:
    assert _told([SILENCE] * 49) == []
    assert _told([SILENCE] * 200) == [Trouble.SILENT]
    assert _told([*[SILENCE] * 49, QUIET] * 5) == []


def test_steady_clipping_is_told_once_in_spite_of_pauses() -> None:
    assert _told([CLIPPED, CLIPPED, QUIET] * 60) == [Trouble.CLIPPING]
    assert _told([CLIPPED, *[SPEECH] * 9] * 30) == []


def test_time_without_speech_counts_from_the_last_word_whatever_the_rooms_noise() -> None:
    """Noise that stays as it is counts as silence; what stands out from it does not."""
    for room in (QUIET, SILENCE, Level(-28.0, -38.0)):
        watch = Watch()
        for level in [room] * 10 + [SPEECH] * 30:
            watch.observe(level)
        assert watch.without_speech_s == 0
        for _ in range(40):
            watch.observe(room)
        assert watch.without_speech_s == 4.0


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([SPEECH, QUIET], None),
        ([SILENCE, SILENCE], Trouble.SILENT),
        ([CLIPPED, SPEECH], Trouble.CLIPPING),
        ([QUIET, SILENCE], Trouble.TOO_QUIET),
        ([], Trouble.SILENT),
    ],
)
def test_verdict_names_what_is_wrong(levels: list[Level], expected: Trouble | None) -> None:
    assert verdict(levels) == expected


@pytest.mark.parametrize("trouble", Trouble)
def test_advice_names_the_device_and_what_to_do(trouble: Trouble) -> None:
    message, hint = advice(trouble, "Desk")
    assert "Desk" in message
    assert "--device" in hint


def test_a_silent_monitor_is_no_muted_microphone() -> None:
    assert advice(Trouble.SILENT, "monitor", is_monitor=True) == (
        "monitor is silent",
        "nothing is being played on this system",
    )
