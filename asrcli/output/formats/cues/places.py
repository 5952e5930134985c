"""Where a text may be broken, and how much each place is liked.

Never inside a number or a Latin word, before closing or after opening punctuation. Chinese and Japanese may be broken
between any two characters, Korean between syllables only where there is no blank for long.
"""

from __future__ import annotations

import re

OPENING = "([{<«‘“‹〈《「『【〔〖〘〚（［｛｟＜¿¡"
_CLOSING = ")]}>»’”›、。〉》」』】〕〗〙〛）］｝｠＞，．！？；：,.!?;:…‥·・%‰％℃～〜"
# What the Japanese do not let a line begin with, and what belongs to the character before it.
_TRAILING = (
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶー々〻ゝゞヽヾ"
    "\u0300-\u036f\u200d\u20d0-\u20ff\ufe00-\ufe0f\u3099\u309a\U000e0100-\U000e01ef"
)
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_WIDE = f"\u2e80-\u312f\u3190-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U0003ffff{_HANGUL}"
# Typewriter quotes open and close.
_QUOTES = "\"'"
_OPENS, _CLOSES = re.escape(OPENING), re.escape(_CLOSING)
_WIDE_CHARACTER = re.compile(f"[{_WIDE}\u200b]")
# The three digits after a blank in 3 000 000 belong to what is before it.
# It begins with what is looked for, because only that is found fast.
_BLANK = re.compile(f" (?<![{_OPENS}] )(?![{_CLOSES}])(?!(?<=\\d )\\d{{3}}(?!\\d))")
# U+200B shows where words of Thai and Khmer end.
_BETWEEN = re.compile(
    f"(?<![ {_OPENS}{_QUOTES}\u200d])(?![ {_CLOSES}{_TRAILING}{_QUOTES}])(?:(?<=[{_WIDE}\u200b])|(?=[{_WIDE}]))"
)

ENDS_SENTENCE, ENDS_CLAUSE, COMMA, PAUSE, CONJUNCTION, PLAIN, IN_WORD, IN_SYLLABLES = 0, 10, 20, 30, 40, 60, 120, 150
"""What a break costs: least at the end of a sentence, most inside what the service calls a word."""

_LIKED = {
    **dict.fromkeys("。！？.!?．…", ENDS_SENTENCE),
    **dict.fromkeys("；;：:", ENDS_CLAUSE),
    **dict.fromkeys("，,、", COMMA),
}
_ENDINGS = frozenset(_CLOSING + _QUOTES)
_ABBREVIATION = re.compile(r"(?:^|[ (])(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|No|vs)\.$")
_WIDE_CONJUNCTIONS = (
    "但是|但|而且|所以|因为|如果|或者|不过|然后|虽然|而|그리고|하지만|그래서|그러나|しかし|そして|だから"
)
_CONJUNCTIONS = re.compile(
    "(?:and|but|or|so|nor|yet|because|that|which|who|when|where|while|if|as|than|though|although|since|until|unless"
    f"|after|before)\\b|{_WIDE_CONJUNCTIONS}",
    re.IGNORECASE,
)
_WIDE_STARTS = frozenset(word[0] for word in _WIDE_CONJUNCTIONS.split("|"))
_PAST_LATIN = "\u0250"
_IS_HANGUL = re.compile(f"[{_HANGUL}]")


def break_places(text: str) -> list[int]:
    """Where in `text` something may begin a line, in order; between words of `text` stands one blank."""
    places = [match.end() for match in _BLANK.finditer(text)]
    if text.isascii() or not _WIDE_CHARACTER.search(text):
        return places
    within = {match.start() for match in _BETWEEN.finditer(text)} - {0, len(text)}
    return sorted(within.union(places))


def dislikes(text: str, places: list[int]) -> list[int]:
    """What a break before each of `places` costs, by what is written there; they are those of `break_places`."""
    has_hangul = not text.isascii() and _IS_HANGUL.search(text) is not None
    return [_dislike(text, place, has_hangul=has_hangul) for place in places]


def _dislike(text: str, place: int, *, has_hangul: bool) -> int:
    before, after = text[place - 1], text[place]
    is_blank = before == " "
    if (text[place - 2] if is_blank else before) in _ENDINGS:
        head = text[max(0, place - 8) : place].rstrip(f" {_QUOTES})]}}»”’」』）")
        liked = _LIKED.get(head[-1:])
        if liked is not None and not (liked == ENDS_SENTENCE and _ABBREVIATION.search(head)):
            return liked
    # Few Chinese characters begin one.
    if (after < _PAST_LATIN or after in _WIDE_STARTS) and _CONJUNCTIONS.match(text, place):
        return CONJUNCTION
    if has_hangul and not is_blank and _IS_HANGUL.match(before) and _IS_HANGUL.match(after):
        return IN_SYLLABLES
    return PLAIN
