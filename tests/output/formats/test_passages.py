"""Paragraphs, speakers, and where words stand in the text."""

from __future__ import annotations

from asrcli.output.formats.passages import Passages, called, feeling, fragment
from asrcli.values.events import Sentence, Word


def opening(*sentences: Sentence) -> list[bool]:
    passages = Passages()
    return [passage.opens for one in sentences for passage in passages.of(one)]


def test_a_paragraph_ends_at_a_pause_of_two_seconds():
    sentences = Sentence(1, "One.", 0, 1000), Sentence(2, "Two.", 2999, 4000), Sentence(3, "Three.", 6000, 7000)
    assert opening(*sentences) == [True, False, True]


def test_a_paragraph_that_is_long_ends_with_its_sentence_in_any_script():
    english = [Sentence(n, "a word and more of it. " * 10, n, n) for n in range(1, 6)]
    chinese = [Sentence(n, "今天天气很好。" * 16, n, n) for n in range(1, 6)]
    assert opening(*english) == opening(*chinese) == [True, False, False, True, False]


def test_a_paragraph_ends_where_another_speaks_in_the_middle_of_a_sentence_too():
    words = Word("Yes", 0, 300, speaker="0"), Word("No", 400, 600, speaker="1"), Word("way", 700, 900, speaker="1")
    found = Passages().of(Sentence(1, "Yes. “No way!”", 0, 1000, words))
    assert [(one.text, one.speaker, one.opens) for one in found] == [("Yes.", "0", True), ("“No way!”", "1", True)]
    assert [(one.begin_ms, one.end_ms) for one in found] == [(0, 300), (400, 1000)]
    assert [[(word.place, word.begin_ms) for word in one.words] for one in found] == [[(0, 0)], [(0, 400), (4, 700)]]


def test_sentences_without_times_are_one_paragraph_and_those_without_text_are_none():
    assert opening(Sentence(1, "One."), Sentence(2, " \n"), Sentence(3, "Two.")) == [True, False]


def test_words_that_do_not_fit_the_text_have_no_places():
    [found] = Passages().of(Sentence(1, "Hello there", 0, 900, (Word("good", 0, 300), Word("bye", 300, 900))))
    assert (found.words, found.begin_ms, found.end_ms) == ((), 0, 900)


def test_words_of_chinese_stand_where_they_are_with_their_punctuation():
    words = Word("今天", 0, 300, "，"), Word("天气", 300, 600), Word("好", 600, 900, "。")
    [found] = Passages().of(Sentence(1, "今天，天气好。", 0, 1000, words))
    assert [word.place for word in found.words] == [0, 3, 5]


def test_what_the_service_numbers_is_called_so():
    [numbered] = Passages().of(Sentence(1, "a", speaker="1", emotion="neutral"))
    [named] = Passages().of(Sentence(1, "a", speaker=" Ann\n", emotion="happy"))
    assert (called(numbered), feeling(numbered)) == ("Speaker 1", "")
    assert (called(named), feeling(named)) == ("Ann", "happy")


def test_a_link_tells_the_time_in_seconds_and_not_more_than_is_known():
    assert [fragment(ms) for ms in (0, 12_300, 36_000_004)] == ["#t=0", "#t=12.3", "#t=36000.004"]
