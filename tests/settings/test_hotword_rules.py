"""What a file of hotwords may hold, and what a list for a model may."""

from __future__ import annotations

import pytest

from asrcli.settings import hotword_rules as rules
from asrcli.settings import phrases
from asrcli.values.errors import UsageError
from asrcli.values.hotwords import Hotword

FUN, _ = rules.model_for_lists("fun-asr-realtime")
QWEN, _ = rules.model_for_lists("qwen-audio-3.1-asr-flash-streaming")


def problems(text: str, model=FUN) -> list[str]:
    return rules.all_problems(phrases.read_lines(text, "names"), model, "names")


def test_a_line_is_a_phrase_with_or_without_weight_and_language():
    read = phrases.read_lines("# names\nALSA\r\n\nPulse Audio : 5\nJACK\t3\ten\n杭州\t\tzh\t\nC3PO:R2:2\n", "names")
    assert read.problems == []
    assert read.words() == (
        Hotword("ALSA"),
        Hotword("Pulse Audio", 5),
        Hotword("JACK", 3, "en"),
        Hotword("杭州", 4, "zh"),
        Hotword("C3PO:R2", 2),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\nAda:9", "names:3: 'Ada:9' has the weight 9, and weights are 1 to 5, or 50"),
        ("Ada:0", "names:1: 'Ada:0' has the weight 0, and weights are 1 to 5, or 50"),
        (":4", "names:1: ':4' is not WORD:WEIGHT"),
        ("Ada\t4\ten\tx", "names:1: 'Ada\\t4\\ten\\tx' has more columns than phrase, weight, language"),
        ("Ada\tmuch", "names:1: 'Ada\\tmuch' has the weight much, and weights are 1 to 5, or 50"),
        ("Ada:3\n# x\nAda:5", "names:3: 'Ada' has weight 3 before and 5 here (names:1)"),
        ("Ada\nAda\t4\ten", "names:2: 'Ada' has language unsaid before and en here (names:1)"),
        ("", "names: there are no phrases in it"),
        ("# only\n \n", "names: there are no phrases in it"),
        (
            "one two three four five six seven eight",
            "names:1: 'one two three four five six seven eight' has 8 words; 7 may be",
        ),
        ("Ä" * 16, f"names:1: '{'Ä' * 16}' has 16 characters; 15 may be"),
        ("Ada:50", "names:1: 'Ada' has the weight 50; fun-asr-realtime takes 1 to 5"),
        ("Ada\t4\tde", "names:1: 'Ada': fun-asr-realtime knows no hotwords in 'de'"),
    ],
)
def test_what_cannot_be_is_named_with_file_and_line(text, said):
    assert problems(text) == [said]


def test_all_problems_are_told_and_the_first_is_raised():
    text = "Ada:9\n" + "Ä" * 16 + "\n" + "Ö" * 16
    assert len(problems(text)) == 3
    with pytest.raises(UsageError, match=r"names:1: .* has the weight .*, or 50, and 2 more") as raised:
        rules.checked(phrases.read_lines(text, "names"), FUN, "names")
    assert raised.value.hint == "`asrcli vocab check names` tells all"


def test_problems_of_all_kinds_are_told_in_the_order_of_the_lines():
    text = "\n".join(
        ["Ä" * 16, "Ada:9", "Bob:50", "Ada\t4\tde\tx", "Cid\t4\tde", "one two three four five six seven eight"]
    )
    assert [line.split(":")[1] for line in problems(text)] == ["1", "2", "3", "4", "5", "6"]


def test_the_longest_phrases_and_lists_that_may_be():
    assert problems("one two three four five six seven\n" + "Ä" * 15 + "\nthequickbrownfoxjumpsoverthelazydog") == []
    many = "\n".join(f"word{number}" for number in range(2000))
    assert problems(many) == []
    assert problems(f"{many}\none more") == [
        "names:2001: there are 2001 phrases; a list for fun-asr-realtime holds 2000"
    ]
    small, _ = rules.model_for_lists("paraformer-realtime-v2")
    assert problems(many, small) == ["names:501: there are 2000 phrases; a list for paraformer-realtime-v2 holds 500"]


def test_fifty_words_may_weigh_fifty_where_the_model_knows_that():
    assert problems("\n".join(f"word{number}:50" for number in range(50)), QWEN) == []
    assert problems("\n".join(f"word{number}:50" for number in range(51)), QWEN) == [
        "names:51: 'word50' is number 51 of weight 50; 50 may be"
    ]


def test_a_mark_of_the_encoding_and_what_is_said_twice_alike_do_no_harm():
    read = phrases.read_lines("Ada:4\nAda\n", "names")
    assert (read.words(), read.problems, read.repeated) == ((Hotword("Ada"),), [], 1)


def test_a_model_that_is_not_known_may_take_what_any_takes():
    model, warnings = rules.model_for_lists("fun-asr-realtime-2031-01-01")
    assert (model.list_words, model.super_words, model.word_languages) == (2000, 50, ())
    assert "is not in the catalogue" in warnings[0]


@pytest.mark.parametrize("name", ["qwen3-asr-flash-realtime", "paraformer-realtime-v1"])
def test_a_model_without_lists_is_refused_with_those_that_have_them(name):
    with pytest.raises(UsageError, match=f"{name} takes no hotword lists") as raised:
        rules.model_for_lists(name)
    assert "fun-asr-realtime, " in raised.value.hint
    assert "2025-11-07" not in raised.value.hint


@pytest.mark.parametrize("prefix", ["", "Demo", "de mo", "demo-1", "elevenchars", "démo"])
def test_a_prefix_is_ten_letters_and_digits_at_most(prefix):
    with pytest.raises(UsageError, match="is no prefix"):
        rules.check_prefix(prefix)
    rules.check_prefix("demo123456")


def test_the_words_of_a_session_are_not_said_twice_with_different_weights():
    with pytest.raises(UsageError, match="--hotwords 'a' has weight 3 before and 5 here"):
        rules.placed(phrases.parse_hotwords("a:3,b,a:5"), "no-such-model")


def test_words_go_where_the_model_takes_them():
    given = phrases.parse_hotwords("ALSA:5,Pulse Audio")
    weights = {"ALSA": 5, "Pulse Audio": 4}
    assert rules.placed(given, "qwen-audio-3.1-asr-flash-streaming") == ({"hotwords": weights}, ())
    assert rules.placed(given, "fun-asr-realtime") == ({}, (Hotword("ALSA", 5), Hotword("Pulse Audio")))
    for takes_none_or_unknown in ("paraformer-realtime-v1", "qwen3-asr-flash-realtime", "no-such-model"):
        assert rules.placed(given, takes_none_or_unknown) == ({"hotwords": weights}, ())
    for model in ("fun-asr-realtime", "paraformer-realtime-v1"):
        assert rules.placed(phrases.parse_hotwords("vocab-x-1"), model) == ({"hotwords_id": "vocab-x-1"}, ())


@pytest.mark.parametrize("model", ["fun-asr-realtime", "qwen-audio-3.0-asr-flash-streaming", "no-such-model"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (",", "no phrases"),
        ("a:6,b", "weights are 1 to 5"),
        ("a:0", "weights are 1 to 5"),
        ("a:3,a:4", "weight 3 before and 4 here"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_whatever_the_model(model, given, reason):
    with pytest.raises(UsageError, match=reason):
        rules.placed(phrases.parse_hotwords(given), model)


@pytest.mark.parametrize("model", ["fun-asr-realtime", "qwen-audio-3.0-asr-flash-streaming"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (",".join(f"w{number}" for number in range(2001)), "there are 2001 phrases"),
        ("ok:3,a b c d e f g h", "--hotwords 'a b c d e f g h' has 8 words"),
        ("杭" * 16 + ":3", "has 16 characters"),
    ],
)
def test_the_limits_of_lists_hold_for_words_of_a_session_too(model, given, reason):
    with pytest.raises(UsageError, match=reason):
        rules.placed(phrases.parse_hotwords(given), model)
