"""special_word_filter: what becomes of a sentence and of its words."""

from __future__ import annotations

import json

import pytest

from asrcli.service.protocols.task_events import TaskEvents
from asrcli.service.protocols.word_filter import filter_of
from asrcli.service.recognizers.base import HeardWord, Hypothesis


def heard(text: str) -> Hypothesis:
    words = tuple(HeardWord(word, 100 * at, 100 * at + 90) for at, word in enumerate(text.split()))
    return Hypothesis(text, 0, 900, words, final=True)


@pytest.mark.parametrize("spelt", ["object", "string"])
def test_words_are_masked_and_dropped_in_the_text_and_in_the_words(spelt):
    given = '{"filter_with_signed": {"word_list": ["Damn", "cat"]}, "filter_with_empty": {"word_list": ["um"]}}'
    chosen = filter_of({"special_word_filter": given if spelt == "string" else json.loads(given)})
    assert chosen is not None
    found = chosen(heard("um the damn cattle um umbrella"))
    assert found.text == "the **** cattle umbrella"
    assert [word.text for word in found.words] == ["the", "****", "cattle", "umbrella"]
    assert found.words[1].begin_ms == 200


def test_chinese_words_are_found_within_a_sentence():
    chosen = filter_of({"special_word_filter": {"filter_with_signed": {"word_list": ["测试"]}}})
    assert chosen is not None
    assert chosen(heard("帮我测试一下")).text == "帮我**一下"


@pytest.mark.parametrize("value", [None, "", "{}", {"system_reserved_filter": True}, {"filter_with_empty": {}}])
def test_without_words_nothing_is_looked_at(value):
    assert filter_of({} if value is None else {"special_word_filter": value}) is None


def test_a_sentence_of_dropped_words_alone_is_none():
    events = TaskEvents("t", "m", {"special_word_filter": {"filter_with_empty": {"word_list": ["um"]}}})
    assert list(events.sentence(heard("um um"))) == []
    [reply] = events.sentence(heard("um yes"))
    assert '"text": "yes"' in reply.text
