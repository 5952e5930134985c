"""Subtitles: others' parsers read back the same cues and the same text, whatever the text is."""

from __future__ import annotations

import html
import io
import re

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.base import Begin, Shape
from asrcli.output.formats import REGISTRY
from asrcli.output.formats.cues.cutter import Cue, Cutter
from asrcli.output.formats.cues.rules import Rules
from asrcli.output.formats.subtitles import Subtitles
from asrcli.values.events import AudioSent, FinalResult, PartialResult, Sentence, SpeechStarted, Word
from asrcli.values.summary import Summary

FORMATS = ("srt", "vtt", "ass")
BEGIN = Begin("talk --> wav\n", "fun-asr-realtime", "intl", "run-task", 16000)
SUMMARY = Summary(source="talk", complete=True, wall_s=1.0)
JOINER = "\u2060"
Read = list[tuple[int, int, list[str]]]
"""Begin, end and lines of each cue."""


def sentence(index: int, text: str, begin_ms: int, *, timed: bool = True) -> Sentence:
    """A third of a second for each word."""
    said = text.split()
    words = tuple(Word(word, begin_ms + 333 * n, begin_ms + 333 * (n + 1)) for n, word in enumerate(said))
    return Sentence(index, text, begin_ms, begin_ms + 333 * len(said), words if timed else ())


def written(form: str, *sentences: Sentence, begin: Begin = BEGIN, **shape: object) -> str:
    made = REGISTRY[form].of(Shape(**shape))  # type: ignore[arg-type]
    told = [made.begin(begin), *(made.event(FinalResult(one)) for one in sentences), made.end(SUMMARY)]
    return "".join(told)


def cues_of(*sentences: Sentence) -> list[Cue]:
    cutter = Cutter(Rules())
    return [cue for one in sentences for cue in cutter.sentence(one)] + cutter.end()


def read_by_pysubs2(form: str, text: str) -> Read:
    parsed = pysubs2.SSAFile.from_string(text, format_=form)
    return [(event.start, event.end, event.plaintext.split("\n")) for event in parsed if not event.is_comment]


def read_by_webvtt(text: str) -> Read:
    def ms(stamp: str) -> int:
        hours, minutes, seconds = stamp.split(":")
        return round((int(hours) * 3600 + int(minutes) * 60) * 1000 + float(seconds) * 1000)

    return [
        (ms(one.start), ms(one.end), html.unescape(one.text).split("\n"))
        for one in webvtt.from_buffer(io.StringIO(text)).captions
    ]


def readings(form: str, text: str) -> list[Read]:
    """What the judges of `form` read, with what keeps a text harmless put back."""
    if form == "vtt":
        return [read_by_webvtt(text)]
    return [
        [(begin, end, [_as_said(form, line) for line in lines]) for begin, end, lines in read_by_pysubs2(form, text)]
    ]


def _as_said(form: str, line: str) -> str:
    line = line.replace(JOINER, "")
    return line if form == "vtt" else line.replace("｛", "{").replace("｝", "}")


def expected(form: str, cues: list[Cue]) -> Read:
    def time(ms: int) -> int:
        return ms // 10 * 10 if form == "ass" else ms

    return [(time(cue.begin_ms), time(cue.end_ms), cue.texts()) for cue in cues]


PLAIN = (
    sentence(1, "Hello and welcome to our radio show, in which we talk about the weather and the river.", 400),
    sentence(2, "今天天气很好，我们去公园散步。", 9000, timed=False),
    sentence(3, "Good night.", 3_700_500),
)
HOSTILE = (
    "-->",
    "00:00:01,000 --> 00:00:02,000",
    "{\\b1}bold{\\b0} {fine} }{",
    "<b>bold</b> <i>x <3 a<b>c </script><c.x>",
    "&amp; &lt; &#x41; AT&T",
    "C:\\new\\Nothing\\h \\N \\n",
    "blank\n\nlines\r\n\r\nand a word\nwith a newline",
    "42",
    "NOTE this STYLE",
    "WEBVTT",
    "Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,no, no",
    "; [Events]",
    "bidi \u202eevil\u202c \u200fmark",
    "\x1b[31mred\x07 \x85 \u2028 \u2029",
    "lone \ud800 surrogate",
    "<00:00:01.000>stamp",
    "< b >loose< /b>",
)


@pytest.mark.parametrize("form", FORMATS)
def test_judges_read_the_same_cues_and_the_same_text(form):
    cues = cues_of(*PLAIN)
    assert len(cues) == 4
    for read in readings(form, written(form, *PLAIN)):
        assert read == expected(form, cues)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("karaoke", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_more_than_text(form, karaoke, text):
    sentences = sentence(1, text, 1000), sentence(2, "after it", 9000)
    text = written(form, *sentences, karaoke=karaoke)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u200e\u200f\ud800-\udfff]", text)
    for read in readings(form, text):
        assert read == expected(form, cues_of(*sentences))


SAID = st.text(st.characters(exclude_categories=()), min_size=1, max_size=40) | st.text(
    "<>&{}\\-Nbn/! ;#1", max_size=30
)


@pytest.mark.parametrize("form", FORMATS)
@given(st.lists(SAID, min_size=1, max_size=3), st.booleans())
def test_any_text_comes_back(form, said, karaoke):
    sentences = [sentence(number + 1, text, 10_000 * number) for number, text in enumerate(said)]
    cues = expected(form, cues_of(*sentences))
    for read in readings(form, written(form, *sentences, karaoke=karaoke)):
        assert [(begin, end) for begin, end, _ in read] == [(begin, end) for begin, end, _ in cues]
        for (_, _, got), (_, _, wanted) in zip(read, cues, strict=True):
            assert _letters(form, got) == _letters(form, wanted)


def _letters(form: str, lines: list[str]) -> str:
    """Without what the judges strip at the edges of lines, and what the format had to write in another way."""
    return "".join(_as_said(form, "".join(lines)).split())


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_whole_after_every_sentence(form):
    made = REGISTRY[form].of(Shape())
    text = made.begin(BEGIN)
    counts = []
    for one in PLAIN:
        text += made.event(FinalResult(one))
        counts += [len(read) for read in readings(form, text)] if text else [0]
    # The last cue of each sentence waits for the next sentence.
    assert counts == [1, 2, 3]


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_was_said(form):
    text = written(form)
    assert text == "" if form == "srt" else readings(form, text) == [[]]


def test_vtt_says_what_it_is_made_from():
    text = written("vtt", *PLAIN)
    assert text.startswith("WEBVTT\n\nNOTE\nsource: talk --&gt; wav\\n\nmodel: fun-asr-realtime\n\n00:00:00.400 --> ")


LONG = "没有词时间的句子，也要分成几段，每一段都按照宽度分享时间，这样才好看，不会太长。"


@pytest.mark.parametrize(("form", "note"), [("vtt", "NOTE estimated: "), ("ass", "Comment: 0,0:00:00.00,")])
def test_shared_times_are_marked_once_before_the_first_of_them(form, note):
    untimed = sentence(1, LONG, 0, timed=False), Sentence(2, LONG, 20_000, 30_000)
    untimed = (Sentence(1, LONG, 0, 9000), untimed[1])
    text = written(form, *untimed)
    assert text.count("estimated") == 1
    assert text.index(note) < text.index("没有")
    assert "estimated" not in written(form, PLAIN[0])


def test_what_is_too_fast_is_counted():
    fast = Sentence(1, "extraordinarily incomprehensible internationalisation", 0, 900)
    assert "NOTE too fast to read: 1 cue\n" in written("vtt", fast)
    assert "too fast to read: 1 cue\n" in written("ass", fast)


# --- karaoke ----------------------------------------------------------------------------------------------------------


def test_vtt_stamps_each_word_but_the_first():
    text = written("vtt", sentence(1, "one two three", 1000), karaoke=True)
    assert "one <00:00:01.333>two <00:00:01.666>three\n" in text
    assert "one two" in written("vtt", Sentence(1, "one two three", 1000, 2000), karaoke=True)


def test_ass_lights_each_word_for_its_time_and_what_follows_it():
    words = Word("one", 1000, 1300), Word("two", 1500, 1805)
    text = written("ass", Sentence(1, "one two", 1000, 1805, words), karaoke=True)
    assert "{\\k50}one {\\k30}two\n" in text
    assert "{" not in written("ass", Sentence(1, "one two", 1000, 1805), karaoke=True)
    assert "{" not in written("ass", Sentence(1, "one two", 1000, 1805, words))


@given(st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_the_lit_times_of_a_cue_add_up_to_its_words(lengths):
    now, words = 0, []
    for length in lengths:
        words.append(Word("word", now, now + length))
        now += length
    text = written("ass", Sentence(1, " ".join(["word"] * len(words)), 0, now, tuple(words)), karaoke=True)
    lit = [int(found) for found in re.findall(r"\\k(\d+)", text)]
    assert len(lit) == len(words)
    assert sum(lit) == now // 10


# --- while somebody speaks --------------------------------------------------------------------------------------------

LIVE = Begin("mic", "fun-asr-realtime", "intl", "run-task", 16000, live=True)


def _after_a_sentence(begin: Begin) -> Subtitles:
    made = REGISTRY["srt"].of(Shape())
    made.begin(begin)
    assert made.event(FinalResult(sentence(1, "one two three", 0))) == ""
    assert isinstance(made, Subtitles)
    return made


@pytest.mark.parametrize(
    "event",
    [PartialResult(Sentence(2, "four", 1400)), SpeechStarted(1400), AudioSent(10_000)],
    ids=lambda e: type(e).__name__,
)
def test_a_live_cue_is_written_when_the_next_speech_or_long_silence_is_known(event):
    assert "one two three" in _after_a_sentence(LIVE).event(event)
    # The cues of a file are made of its finals alone.
    assert _after_a_sentence(BEGIN).event(event) == ""


@pytest.mark.parametrize("event", [PartialResult(Sentence(2, "", None)), SpeechStarted(None), AudioSent(3000)])
def test_a_live_cue_waits_where_nothing_is_known(event):
    assert _after_a_sentence(LIVE).event(event) == ""
