"""How a hypothesis is parted into what is settled and what may change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asrcli.service.protocols.session_events import parted
from asrcli.service.recognizers.base import HeardWord, Hypothesis


def test_a_hypothesis_is_parted_before_its_last_words() -> None:
    def parts(text: str, *words: str) -> tuple[str, str]:
        return parted(Hypothesis(text, 0, words=tuple(HeardWord(word, 0, 0) for word in words)))

    assert parts("So it is so, I say", "So", "it", "is", "so", "I", "say") == ("So it is so,", " I say")
    assert parts("so so so", "so", "so", "so") == ("so", " so so")
    assert parts("你好世界", "你", "好", "世", "界") == ("你好", "世界")
    assert parts("Hello", "Hello") == ("", "Hello")
    assert parts("no words given") == ("no words given", "")


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=4), max_size=6))
def test_both_parts_are_the_whole_text(words: list[str]) -> None:
    text = " ".join(words)
    assert "".join(parted(Hypothesis(text, 0, words=tuple(HeardWord(word, 0, 0) for word in words)))) == text
