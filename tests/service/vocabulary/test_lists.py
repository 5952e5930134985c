"""The vendor's rules for hotword lists, as the service keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from asrcli.service.vocabulary.lists import Refused, WordLists

ALSA = [{"text": "ALSA", "weight": 4, "lang": "en"}]
FUN, QWEN = "fun-asr-realtime", "qwen-audio-3.1-asr-flash-streaming"


def refused(code: str, lists: WordLists, action: str, *arguments: object) -> str:
    with pytest.raises(Refused) as raised:
        getattr(lists, action)("me", *arguments)
    assert raised.value.code == code
    return str(raised.value)


def test_an_account_has_ten_lists_for_all_models_and_another_one_its_own():
    lists = WordLists()
    made = [lists.create("me", model, "demo", ALSA) for model in (FUN, QWEN) * 5]
    assert "Free allocated quota exceeded." in refused("Throttling.AllocationQuota", lists, "create", FUN, "demo", ALSA)
    assert lists.create("you", FUN, "demo", ALSA).id not in {each.id for each in made}
    lists.delete("me", made[0].id)
    lists.create("me", FUN, "demo", ALSA)


def test_lists_come_in_pages_and_by_their_prefix():
    lists = WordLists()
    made = [lists.create("me", FUN, "demo" if number % 2 else "other", ALSA).id for number in range(7)]
    assert [each.id for each in lists.page("me", None, 1, 3)] == made[3:6]
    assert [each.id for each in lists.page("me", "demo", 0, 10)] == made[1::2]
    assert lists.page("me", "dem", 0, 10) == []
    assert lists.page("you", None, 0, 10) == []
    for index, size in ((-1, 10), (0, 0), ("0", 10), (0, True)):
        refused("InvalidParameter", lists, "page", None, index, size)


@pytest.mark.parametrize("action", ["find", "delete"])
def test_what_is_not_there_or_is_another_accounts_does_not_exist(action):
    lists = WordLists()
    theirs = lists.create("you", FUN, "demo", ALSA).id
    for list_id in (theirs, "vocab-demo-1", None, 7, ["x"]):
        refused("BadRequest.ResourceNotExist", lists, action, list_id)


def test_an_update_replaces_all_words_and_the_next_one_waits_five_minutes():
    moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    lists = WordLists(now=lambda: moment)
    made = lists.create("me", FUN, "demo", ALSA)
    moment += timedelta(seconds=1)
    lists.update("me", made.id, [{"text": "JACK", "weight": 5}])
    assert lists.find("me", made.id).words == [{"text": "JACK", "weight": 5}]
    assert made.stamps() == {
        "gmt_create": "2026-11-21 10:00:00", "gmt_modified": "2026-11-21 10:00:01", "status": "OK",
    }  # fmt: skip
    moment += timedelta(minutes=4, seconds=59)
    assert "5 minutes" in refused("Throttling.RateQuota", lists, "update", made.id, ALSA)
    moment += timedelta(seconds=1)
    lists.update("me", made.id, ALSA)
    assert made.words == ALSA


@pytest.mark.parametrize(
    ("model", "words", "said"),
    [
        (FUN, [], "a list of words"),
        (FUN, {"ALSA": 4}, "a list of words"),
        (FUN, ["ALSA"], "not an object"),
        (FUN, [{"weight": 4}], "text is required"),
        (FUN, [{"text": "ALSA"}], "weight"),
        (FUN, [{"text": "ALSA", "weight": 6}], "weight"),
        (FUN, [{"text": "ALSA", "weight": 50}], "weight"),
        (FUN, [{"text": "ALSA", "weight": True}], "weight"),
        (FUN, [{"text": "杭" * 16, "weight": 4}], "15 characters"),
        (FUN, [{"text": "a b c d e f g h", "weight": 4}], "7 words"),
        (FUN, [{"text": "ALSA", "weight": 4, "lang": "de"}], "lang"),
        (FUN, [{"text": f"w{n}", "weight": 4} for n in range(2001)], "2000"),
        ("paraformer-realtime-v2", [{"text": f"w{n}", "weight": 4} for n in range(501)], "500"),
        (QWEN, [{"text": f"w{n}", "weight": 50} for n in range(51)], "at most 50"),
    ],
)
def test_words_that_no_list_holds_are_refused(model, words, said):
    assert said in refused("InvalidParameter", WordLists(), "create", model, "demo", words)


@pytest.mark.parametrize(("model", "prefix"), [("", "demo"), (None, "demo"), (FUN, "Demo"), (FUN, ""), (FUN, None)])
def test_a_list_needs_a_model_and_a_prefix(model, prefix):
    refused("InvalidParameter", WordLists(), "create", model, prefix, ALSA)


def test_what_may_be_is_kept():
    lists = WordLists()
    words = [{"text": "杭" * 15, "weight": 50}, {"text": "a b c d e f g", "weight": 1, "lang": "de"}]
    made = lists.create("me", QWEN, "demo123456", words)
    assert made.id.startswith("vocab-demo123456-")
    assert lists.words_for("me", made.id, QWEN) == words


def test_a_list_for_another_model_has_no_effect_and_one_that_is_not_there_is_none():
    lists = WordLists()
    made = lists.create("me", FUN, "demo", ALSA)
    assert lists.words_for("me", made.id, "fun-asr-realtime-2025-11-07") == ()
    assert lists.words_for("you", made.id, FUN) is None
