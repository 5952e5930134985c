"""What --send and --opus-bitrate may say."""

from __future__ import annotations

import pytest

from asrcli.settings.sending import parse_bitrate, parse_way
from asrcli.values.errors import UsageError


@pytest.mark.parametrize(
    ("said", "bitrate"),
    [
        ("28", 28_000),
        ("28k", 28_000),
        ("28K", 28_000),
        ("28000", 28_000),
        ("13.5", 13_500),
        ("128k", 128_000),
    ],
)
def test_a_bit_rate_is_in_kbit_or_in_bit(said, bitrate):
    assert parse_bitrate(said) == bitrate


@pytest.mark.parametrize("said", ["", "k", "-28", "5", "5999", "129", "128001", "28kbit", "nan", "1e3", "٢٨"])
def test_what_opus_does_not_do_is_refused_with_what_it_does(said):
    with pytest.raises(UsageError) as caught:
        parse_bitrate(said)
    assert caught.value.hint == "6k to 128k, in kbit/s or bit/s; 28k is the default"


def test_a_way_that_is_not_known_is_refused_with_those_that_are():
    assert parse_way("opus") == "opus"
    with pytest.raises(UsageError, match="--send flac is not known") as caught:
        parse_way("flac")
    assert caught.value.hint == "choose pcm, opus, as-is, as-is! or auto"
