"""How a time is written: cut, never rounded up to what has not passed yet."""

from __future__ import annotations

import pytest

from asrcli.values.clock_time import clock_time, exact_time, in_minutes, in_words


@pytest.mark.parametrize(
    ("seconds", "minutes", "clock"),
    [
        (0, "0:00", "0:00"),
        (9.999, "0:09", "0:09"),
        (60, "1:00", "1:00"),
        (3599.9, "59:59", "59:59"),
        (3600, "60:00", "1:00:00"),
        (4503.2, "75:03", "1:15:03"),
        (360_000, "6000:00", "100:00:00"),
    ],
)
def test_seconds(seconds, minutes, clock):
    assert (in_minutes(seconds), clock_time(seconds)) == (minutes, clock)


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0:00:00.000"), (61_001, "0:01:01.001"), (3_599_999, "0:59:59.999"), (4_503_250, "1:15:03.250")],
)
def test_milliseconds(ms, text):
    assert exact_time(ms) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "less than a second"),
        (119.4, "119 s"),
        (119.5, "2 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (7265, "2 h 1 min"),
        (86_400, "1 d"),
        (100_000_000, "1,157 d 9 h"),
    ],
)
def test_amounts(seconds, words):
    assert in_words(seconds) == words
