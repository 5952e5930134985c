"""What is known of hotword lists from one run to another, and what becomes of a file that tells nothing."""

from __future__ import annotations

import stat
import threading

import pytest

from asrcli.runs.known_lists import KnownList, KnownLists, account, hash_of
from asrcli.values.hotwords import Hotword

KEY = "sk-0123456789abcdef0123456789abcdef"
WHOSE = account("https://here/api/v1", KEY, None)


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "asrcli"


@pytest.fixture
def told():
    return []


def lists(told, whose=WHOSE):
    return KnownLists(whose, lambda message, hint: told.append(f"{message} ({hint})"))


def entry(list_id, whose=WHOSE, **more):
    words = [Hotword("Ada")]
    return KnownList(list_id, whose.place, whose.owner, "fun-asr-realtime", hash_of(words), len(words), **more)


def test_a_list_is_known_from_one_process_to_another_until_it_is_forgotten(state, told):
    lists(told).put(entry("vocab-a-1"))
    lists(told).put(entry("vocab-b-1", file="/names.txt"))
    lists(told).put(entry("vocab-a-1", updated="2026-11-26T05:00:00+00:00"))
    assert [(each.id, each.updated is None) for each in lists(told).all()] == [
        ("vocab-a-1", False),
        ("vocab-b-1", True),
    ]
    lists(told).forget("vocab-a-1")
    lists(told).forget("vocab-gone-1")
    assert lists(told).find("vocab-a-1") is None
    assert lists(told).find("vocab-b-1") == entry("vocab-b-1", file="/names.txt")
    assert told == []


def test_another_account_knows_nothing_of_it_and_no_key_and_no_word_is_kept(state, told):
    lists(told).put(entry("vocab-a-1"))
    others = [
        account("https://there/api/v1", KEY, None),
        account(WHOSE.place, KEY, "ws-1"),
        account(WHOSE.place, "k", None),
    ]
    assert [lists(told, other).all() for other in others] == [[], [], []]
    text = (state / "hotword-lists.json").read_text(encoding="utf-8")
    assert KEY not in text
    assert "Ada" not in text
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_the_order_of_the_words_is_no_matter_and_all_else_is():
    words = [Hotword("Ada"), Hotword("Grace", 5)]
    assert hash_of(words) == hash_of(reversed(words))
    others = [[Hotword("Ada")], [Hotword("Ada"), Hotword("Grace")], [Hotword("Ada"), Hotword("Grace", 5, "en")]]
    assert len({hash_of(other) for other in [words, *others]}) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"version": 2, "lists": []}',
        b'{"version": 1, "lists": [{"id": "vocab-a-1"}]}',
        b'{"version": 1, "lists": [{"id": "v", "place": "p", "owner": "o", "model": "m", "words": 1, "count": 1}]}',
    ],
    ids=range(9),
)
def test_a_broken_file_is_told_once_kept_and_begun_anew(state, told, content):
    state.mkdir()
    path = state / "hotword-lists.json"
    path.write_bytes(content)
    assert lists(told).all() == []
    assert len(told) == 1
    assert "is broken" in told[0]
    assert (state / "hotword-lists.json~").read_bytes() == content
    lists(told).put(entry("vocab-a-1"))
    assert [each.id for each in lists(told).all()] == ["vocab-a-1"]
    assert len(told) == 1


def test_a_folder_that_cannot_be_made_is_told_once_and_fails_nothing(state, told):
    state.write_text("a file stands in the way", encoding="utf-8")
    known = lists(told)
    known.put(entry("vocab-a-1"))
    known.forget("vocab-a-1")
    assert known.all() == []
    assert len(told) == 1
    assert "cannot be used" in told[0]


def test_several_at_once_lose_nothing(state, told):
    begun = threading.Barrier(8)

    def put(number):
        begun.wait()
        lists(told).put(entry(f"vocab-a-{number}"))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.id for each in lists(told).all()) == [f"vocab-a-{number}" for number in range(8)]
    assert [path.name for path in state.iterdir()] == ["hotword-lists.json"]
