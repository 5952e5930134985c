"""Cues: nothing lost, nothing doubled, nothing out of order, and each rule kept unless the words force it."""

from __future__ import annotations

import itertools
import random
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from asrcli.output.formats.cues.cells import cells
from asrcli.output.formats.cues.cutter import Cue, Cutter
from asrcli.output.formats.cues.rules import (
    CLOSED_GAP_MS,
    FORCED_MS,
    GAP_MS,
    LEAST_MS,
    LINGER_MS,
    LONG_PAUSE_MS,
    PAUSE_MS,
    Rules,
    script_of,
)
from asrcli.values.events import Sentence, Word

TOKEN = re.compile(r"[\u4e00-\u9fff\u3041-\u30ff]|[^\s\u4e00-\u9fff\u3041-\u30ff，。、？,.;:!?]+")


def spoken(text: str, begin_ms: int = 0, word_ms: int = 300, index: int = 1, speaker: str | None = None) -> Sentence:
    """`text` with words of `word_ms` each; a `|` is a pause of 600 ms, a `#` one of 3500 ms."""
    words, now = [], begin_ms
    for part in re.split(r"([|#])", text):
        now += {"|": 600, "#": 3500}.get(part, 0)
        for found in TOKEN.finditer("" if part in "|#" else part):
            words.append(Word(found[0], now, now + word_ms))
            now += word_ms
    plain = text.replace("|", "").replace("#", "")
    return Sentence(index, plain, begin_ms, now, tuple(words), speaker=speaker)


def cut(*sentences: Sentence, rules: Rules | None = None) -> list[Cue]:
    cutter = Cutter(rules or Rules())
    return [cue for sentence in sentences for cue in cutter.sentence(sentence)] + cutter.end()


def texts(cues: list[Cue]) -> list[list[str]]:
    return [cue.texts() for cue in cues]


def test_what_fits_on_a_line_is_one_line():
    assert texts(cut(spoken("Good morning to all of you."))) == [["Good morning to all of you."]]


def test_two_lines_are_even_and_break_where_the_sentence_breathes():
    assert texts(cut(spoken("We walked along the river, because the sun was shining.", word_ms=250))) == [
        ["We walked along the river,", "because the sun was shining."]
    ]


def test_a_cue_likes_to_end_with_a_sentence_and_then_with_a_clause():
    long = "The weather was fine today, so we went out into the park. Then, after lunch, everybody slept in the shade."
    assert texts(cut(spoken(long))) == [
        ["The weather was fine today,", "so we went out into the park."],
        ["Then, after lunch,", "everybody slept in the shade."],
    ]


def test_a_title_ends_no_sentence():
    long = "We have seen it all with our own eyes, said old Mr. Smith who lives in the house beside the river bank."
    ends = [lines[-1] for lines in texts(cut(spoken(long, word_ms=250)))]
    assert not any(end.endswith("Mr.") for end in ends)


def test_chinese_has_no_blanks_and_no_line_begins_with_its_punctuation():
    cues = cut(spoken("今天天气很好，我们去公园散步，然后一起吃饭喝茶聊天。", word_ms=200))
    assert texts(cues) == [["今天天气很好，我们去公园散步，", "然后一起吃饭喝茶聊天。"]]
    assert all(cells(line) <= 32 for cue in cues for line in cue.texts())


@pytest.mark.parametrize(
    ("text", "language", "line"),
    [
        ("hello there", None, 42),
        ("hello 你好 to all who are there", None, 42),
        ("你好吗 OK", None, 32),
        ("東京都", "ja", 26),
        ("東京です", None, 26),
        ("안녕하세요 여러분", None, 32),
    ],
)
def test_the_width_of_a_line_is_that_of_the_script(text, language, line):
    assert Rules().line_cells(script_of(text, language)) == line
    assert Rules(max_line=20).line_cells(script_of(text, language)) == 20


@pytest.mark.parametrize("text", ["hello", "你好，world", "ｶﾅ カナ", "e\u0301a", "안녕 하세요"])
def test_widths_are_those_of_the_terminal(text):
    assert cells(text) == cell_len(text)


def test_a_pause_ends_a_cue_that_was_there_long_enough():
    assert texts(cut(spoken("one two three| four five six"))) == [["one two three"], ["four five six"]]


def test_a_pause_ends_no_cue_that_would_flash_by_but_a_long_one_does():
    assert texts(cut(spoken("Well,| I do not think so"))) == [["Well, I do not think so"]]
    [first, second] = cut(spoken("Well,# I do not think so"))
    assert first.texts() == ["Well,"]
    # Lengthened into the gap.
    assert first.end_ms - first.begin_ms == LEAST_MS
    assert second.begin_ms == 300 + 3500


def test_another_speaker_ends_a_cue():
    words = tuple(
        Word(text, 400 * n, 400 * n + 400, speaker="12"[n > 2]) for n, text in enumerate(["a", "b", "c", "d", "e", "f"])
    )
    assert texts(cut(Sentence(1, "a b c d e f", 0, 2400, words))) == [["a b c"], ["d e f"]]


def test_a_small_gap_is_closed_and_a_large_one_is_left():
    first, second, third = cut(spoken("one two three", 0), spoken("four five six", 1300), spoken("seven eight", 5000))
    assert (first.begin_ms, first.end_ms, second.begin_ms) == (0, 1300 - GAP_MS, 1300)
    assert (second.end_ms, third.begin_ms) == (2200, 5000)


def test_a_cue_stays_for_reading_but_not_for_ever():
    [cue] = cut(spoken("extraordinarily incomprehensible internationalisation", word_ms=500))
    assert cue.end_ms == 1500 + LINGER_MS
    cutter = Cutter(Rules())
    cutter.sentence(spoken("extraordinarily incomprehensible internationalisation", word_ms=300))
    cutter.end()
    assert cutter.too_fast == 1


def test_without_times_of_words_the_sentences_time_is_shared_out_by_width():
    text = "没有词时间的句子，也要分成几段，每一段都按照宽度分享时间，这样才好看。"
    cues = cut(Sentence(1, text, 1000, 9000))
    assert len(cues) == 2
    assert all(cue.estimated for cue in cues)
    assert not any(piece.begins_word for cue in cues for line in cue.lines for piece in line.pieces)
    assert cues[1].begin_ms == 1000 + 8000 * cells("".join(cues[0].texts())) // cells(text)
    # Nothing is shared where one cue holds it all.
    assert [cue.estimated for cue in cut(Sentence(1, "没有词时间。", 1000, 3000))] == [False]


@pytest.mark.parametrize(
    "words",
    [
        (Word("one", 0, 400), Word("three", 400, 900)),
        (Word("one", 0, 400), Word("two", None, None)),
        (Word("wo", 0, 900),),
    ],
)
def test_words_that_do_not_fit_the_text_are_left_aside(words):
    [cue] = cut(Sentence(1, "one two", 0, 1000, words))
    assert cue.texts() == ["one two"]
    assert not any(piece.begins_word for piece in cue.lines[0].pieces)


def test_quotes_and_brackets_stay_with_their_words():
    text = '他说“你好”，she (of all people) said "no way" to 3 000 000 «fans» !'
    for cue in cut(spoken(text), rules=Rules(max_line=8, max_lines=1)):
        for line in cue.texts():
            assert not re.match(r"[”，)»!]", line), line
            assert not re.search(r"[“(«]$", line), line
    assert "3 000 000" in "|".join(line for cue in cut(spoken(text), rules=Rules(max_line=8)) for line in cue.texts())


def test_half_an_hour_without_a_pause_and_a_word_of_two_hundred_letters():
    cues = cut(spoken("word " * 6000))
    assert sum(len(" ".join(cue.texts()).split()) for cue in cues) == 6000
    assert max(cue.end_ms - cue.begin_ms for cue in cues) <= 7000
    assert texts(cut(spoken("a " + "x" * 200 + " b")))[0] != []
    assert "x" * 200 in [line for cue in cut(spoken("so " + "x" * 200 + " it")) for line in cue.texts()]
    one_word = Sentence(1, "好" * 200, 0, 40000, (Word("好" * 200, 0, 40000),))
    assert all(cells(line) <= 32 for cue in cut(one_word) for line in cue.texts())


@pytest.mark.parametrize("has_words", [True, False])
@pytest.mark.parametrize("text", ["word ", "今天"])
def test_four_times_as_much_without_a_pause_takes_four_times_as_long(text, has_words):
    def taken_s(count: int) -> float:
        said = spoken(text * count)
        sentence = said if has_words else replace(said, words=())
        began = time.process_time()
        cues = cut(sentence)
        took_s = time.process_time() - began
        assert squeezed("".join(line for cue in cues for line in cue.texts())) == squeezed(text * count)
        assert_in_order(cues)
        return took_s

    # A square would make it sixteen.
    assert min(taken_s(3000) for _ in range(2)) < 10 * min(taken_s(750) for _ in range(3))


@pytest.mark.parametrize("has_words", [True, False])
def test_a_thousand_sentences_at_any_time_lose_nothing_and_stay_in_order(has_words):
    chance = random.Random(1)
    sentences = [
        replace(said, words=said.words if has_words else ())
        for said in (spoken(f"number {at} comes when it likes to.", chance.randrange(600_000)) for at in range(1000))
    ]
    cues = cut(*sentences)
    assert squeezed("".join(line for cue in cues for line in cue.texts())) == squeezed(
        "".join(sentence.text for sentence in sentences)
    )
    assert_in_order(cues)


def test_times_that_go_backwards_or_are_missing_never_turn_cues_round():
    cues = cut(
        spoken("first one here", 5000),
        spoken("second one goes back", 1000),
        Sentence(3, "third has no times", None, None),
        spoken("fourth overlaps", 5500),
    )
    assert [" ".join(cue.texts()) for cue in cues] == [
        "first one here",
        "second one goes back",
        "third has no times",
        "fourth overlaps",
    ]
    assert [cue.estimated for cue in cues] == [False, True, True, True]
    assert_in_order(cues)


# --- while somebody speaks --------------------------------------------------------------------------------------------


def test_a_cue_is_told_as_soon_as_the_next_begin_is_known():
    cutter = Cutter(Rules())
    assert cutter.sentence(spoken("one two three", 0)) == []
    assert cutter.silent_until(1000) == []
    [cue] = cutter.coming(1300)
    assert cue.end_ms == 1300 - GAP_MS
    assert cutter.coming(1500) == []
    assert cutter.sentence(spoken("four five six", 1400)) == []
    [cue] = cutter.silent_until(2300 + CLOSED_GAP_MS)
    assert cue.end_ms == 2300
    assert cutter.end() == []


def test_inside_a_long_sentence_all_but_the_last_are_told_at_once():
    cutter = Cutter(Rules())
    told = cutter.sentence(spoken("we talk and talk and talk and never come to an end of what we say " * 6))
    assert len(told) > 3
    assert len(cutter.end()) == 1


def test_what_begins_earlier_than_was_thought_waits_for_the_end_of_the_last():
    cutter = Cutter(Rules())
    cutter.sentence(spoken("one two three", 0))
    [first] = cutter.coming(1300)
    cutter.sentence(spoken("four five six", 1000))
    [second] = cutter.end()
    assert second.begin_ms == first.end_ms


# --- whatever is said -------------------------------------------------------------------------------------------------

LATIN = st.text("abcdeé'", min_size=1, max_size=12)
HAN = st.text("今天气很好我们去公园", min_size=1, max_size=4)
NUMBER = st.sampled_from(["7", "1,000.50", "3.14", "50%"])
BY_CHANCE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=5)
MARK = st.sampled_from(["", "", "", "", ",", ".", "?", "，", "。", "...", "!”"])


@st.composite
def sentence_lists(draw: st.DrawFn, token: st.SearchStrategy[str] | None = None) -> list[Sentence]:
    token = st.one_of(LATIN, LATIN, HAN, NUMBER, BY_CHANCE) if token is None else token
    now = 0
    sentences = []
    for index in range(1, draw(st.integers(1, 4)) + 1):
        begin = now = now + draw(st.integers(0, 2000))
        words, text = [], ""
        for _ in range(draw(st.integers(1, 30))):
            word, mark = draw(token), draw(MARK)
            length = draw(st.integers(1, 1200))
            words.append(Word(word, now, now + length, mark))
            now += length + draw(st.sampled_from([0, 0, 0, 0, 50, 550, 900, 3500]))
            text += (" " if text and draw(st.booleans()) else "") + word + mark
        sentences.append(Sentence(index, text, begin, words[-1].end_ms, tuple(words) if draw(st.booleans()) else ()))
    return sentences


RULES = st.builds(Rules, st.sampled_from([None, 10, 20]), st.integers(1, 3), st.sampled_from([2000, 7000]))


def squeezed(text: str) -> str:
    return "".join(text.split())


def assert_in_order(cues: list[Cue]) -> None:
    for cue in cues:
        assert cue.end_ms - cue.begin_ms >= FORCED_MS
    for one, two in itertools.pairwise(cues):
        assert two.begin_ms >= one.end_ms


@given(sentence_lists(), RULES)
def test_no_character_is_lost_doubled_or_out_of_order_and_no_cue_overlaps(sentences, rules):
    cues = cut(*sentences, rules=rules)
    said = "".join(squeezed(sentence.text) for sentence in sentences)
    assert "".join(squeezed(line) for cue in cues for line in cue.texts()) == said
    assert all(line.strip() for cue in cues for line in cue.texts())
    assert_in_order(cues)
    for cue in cues:
        assert len(cue.lines) <= rules.max_lines


@given(sentence_lists(), RULES)
def test_what_is_told_live_is_what_is_told_of_the_whole(sentences, rules):
    """The cues of each sentence come with it or with the next one."""
    cutter = Cutter(rules)
    told: list[Cue] = []
    for sentence in sentences:
        told += cutter.coming(sentence.begin_ms)
        told += cutter.sentence(sentence)
    assert told + cutter.end() == cut(*sentences, rules=rules)


@given(sentence_lists(), RULES)
def test_a_line_is_too_wide_only_where_it_may_not_be_broken(sentences, rules):
    for sentence in sentences:
        most = rules.line_cells(script_of(sentence.text))
        for cue in cut(sentence, rules=rules):
            for line in cue.lines:
                first, *others = line.pieces
                if first.cells + sum(piece.cells + piece.blank for piece in others) > most:
                    assert all(piece.dislike is None for piece in others)


@given(sentence_lists(st.one_of(LATIN, NUMBER)))
def test_no_latin_word_and_no_number_is_broken(sentences):
    for sentence in sentences:
        lines = [line for cue in cut(sentence, rules=Rules(max_line=8)) for line in cue.texts()]
        # No line ends but at a blank or beside full-width punctuation.
        assert [word for line in lines for word in re.split("[ ，。]", line) if word] == [
            word for word in re.split("[ ，。]", sentence.text) if word
        ]


@given(sentence_lists(), RULES)
def test_a_cue_is_too_short_or_too_long_only_where_its_words_force_it(sentences, rules):
    for sentence in sentences:
        cues = cut(sentence, rules=rules)
        for number, cue in enumerate(cues):
            pieces = [piece for line in cue.lines for piece in line.pieces]
            if cue.end_ms - cue.begin_ms > rules.max_ms:
                assert all(piece.dislike is None for piece in pieces[1:])
            if cue.end_ms - cue.begin_ms < LEAST_MS:
                assert not any(
                    _could_be_one(pair, rules, sentence.text)
                    for pair in ([*cues[max(0, number - 1) : number + 1]], [*cues[number : number + 2]])
                    if len(pair) == 2
                )


def _could_be_one(pair: list[Cue], rules: Rules, text: str) -> bool:
    """Whether two cues, joined, break no rule: one line is enough to be sure that they fit."""
    one, two = ([piece for line in cue.lines for piece in line.pieces] for cue in pair)
    width = sum(piece.cells + piece.blank for piece in (*one, *two)) - one[0].blank
    pauses = [after.begin_ms - before.end_ms for before, after in itertools.pairwise([*one, *two])]
    return (
        width <= rules.line_cells(script_of(text))
        and two[-1].end_ms - one[0].begin_ms <= rules.max_ms
        and max(pauses) < PAUSE_MS < LONG_PAUSE_MS
    )
