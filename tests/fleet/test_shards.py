"""Which shard a source is in."""

from __future__ import annotations

import pytest

from asrcli.fleet.shards import Shard, digest_of
from asrcli.values.errors import UsageError

IDS = [f"talks/{number}.wav" for number in range(1000)]


def test_each_source_is_in_one_shard_and_the_shards_are_about_as_large() -> None:
    shards = [Shard.parse(f"{number}/4") for number in range(1, 5)]
    found = [[shard.has(digest_of(each)) for shard in shards] for each in IDS]
    assert all(sum(each) == 1 for each in found)
    assert all(200 < sum(column) < 300 for column in zip(*found, strict=True))


def test_the_digest_is_the_same_everywhere() -> None:
    assert digest_of("talk.wav") == 0xF04E5B2D5D7CCA86
    assert digest_of("\udcff") != digest_of("\udcfe")


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "-1/4", "a/b", "1/4/2", "", "1.0/2", "٢/٤"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--shard") as caught:
        Shard.parse(text)
    assert caught.value.hint == "--shard 2/8 is the second of eight"
