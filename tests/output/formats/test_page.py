"""The page as text: what is in it, what is let run, and how it grows."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.base import Begin, Shape
from asrcli.output.formats.cues.pieces import plain
from asrcli.output.formats.html import Page
from asrcli.values.errors import LinkError
from asrcli.values.events import FinalResult, Sentence, Word
from asrcli.values.summary import Summary
from tests.output.formats.test_markdown import MARKUP

BEGIN = Begin("talk.wav", "fun-asr-realtime", "intl", "run-task", 16000, duration_ms=31_240)
SUMMARY = Summary("talk.wav", complete=True, wall_s=1.0, sentences=2, audio_ms=31_240)
HOSTILE = (
    *MARKUP,
    "</script><img src=x onerror=alert(1)>",
    "<!-- comment --> <!--",
    "]]> <![CDATA[ x ]]>",
    "</span></p></main></body></html>",
    "\" onclick='alert(1)' id=\"end",
    "<plaintext> <textarea> <svg onload=alert(1)>",
    "&lt;script&gt; &#60;script&#62; &amp;amp;",
    "$title $$ ${script}",
    "`${alert(1)}`",
)


def page_of(*sentences: Sentence, begin: Begin = BEGIN, summary: Summary = SUMMARY, **shape: Any) -> str:
    form = Page.of(Shape(**shape))
    told = [form.begin(begin), *(form.event(FinalResult(one)) for one in sentences), form.end(summary)]
    assert all(text == "" or text.endswith("\n") for text in told)
    return "".join(told)


class Reader(HTMLParser):
    """What a parser sees below `main`: sentences with their attributes, and all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.spans: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._in_span = False
        self.feed(text[text.index("<main") :])
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self._in_span = tag == "span"
        if self._in_span:
            self.spans.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self._in_span = self._in_span and tag != "span"

    def handle_data(self, data):
        self.text += data
        if self._in_span:
            attributes, text = self.spans[-1]
            self.spans[-1] = attributes, text + data


def said(text: str) -> list[str]:
    return [text for _, text in Reader(text).spans]


def test_a_sentence_bears_its_times_and_where_its_words_are():
    words = Word("Good", 400, 600), Word("morning", 700, 1200, "."), Word("All", 1300, 1500, "!")
    [(attributes, text)] = Reader(page_of(Sentence(1, "Good morning. All!", 400, 1600, words))).spans
    assert text == "Good morning. All!"
    assert attributes == {"data-b": "400", "data-e": "1600", "data-w": "5 300 9 600"}


def test_places_are_in_the_units_of_scripts():
    words = Word("😀", 0, 100), Word("𠀀好", 200, 300), Word("ok", 400, 500)
    [(attributes, _)] = Reader(page_of(Sentence(1, "😀𠀀好ok", 0, 600, words))).spans
    assert attributes["data-w"] == "2 200 3 200"


def test_what_is_not_known_is_left_out():
    timed, untimed = Reader(page_of(Sentence(1, "One.", 1000, 2000), Sentence(2, "Two."))).spans
    assert timed == ({"data-b": "1000", "data-e": "2000"}, "One.")
    assert untimed == ({}, "Two.")


def test_languages_are_told_by_the_service_or_by_the_script():
    sentences = (
        Sentence(1, "Hello.", language="en"),
        Sentence(2, "今天天气很好。"),
        Sentence(3, "Bonjour.", language='fr" onclick="x'),
        Sentence(4, "Hello.", language="en"),
    )
    text = page_of(*sentences)
    assert '<p dir=auto lang="en"><span>Hello.</span>' in text
    assert [attributes.get("lang") for attributes, _ in Reader(text).spans] == [None, "zh", "", None]


def test_between_sentences_of_chinese_there_is_no_blank():
    text = page_of(Sentence(1, "今天天气很好。"), Sentence(2, "我们去公园。"), Sentence(3, "OK."), Sentence(4, "Yes."))
    assert "今天天气很好。我们去公园。OK. Yes." in " ".join(Reader(text).text.split())


def test_speakers_and_emotions_are_told_where_they_are_known():
    first = Sentence(1, "Hi.", 0, 900, speaker="1")
    text = page_of(first, Sentence(2, "Oh!", 900, 1800, speaker="<Ann>", emotion="sad"))
    assert '<p dir=auto><a href="#t=0">0:00</a> <b dir=auto>Speaker 1</b> <span' in text
    assert " <b dir=auto>&lt;Ann&gt;</b> <span data-b=900 data-e=1800>Oh!</span> <i>sad</i>\n" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_more_than_text(text):
    begin = Begin(text, text, "intl", "run-task", 16000, captured_at=text, audio=text)
    written = page_of(Sentence(1, text, 0, 900, language=text, speaker=text), begin=begin)
    read = Reader(written)
    assert [said for _, said in read.spans] == [plain(text)]
    assert read.elements == ["main", "p", "a", "b", "span", "footer", "p"]
    assert len(re.findall("<(?:script|style)", written)) == 2


@given(st.lists(st.text(st.characters(exclude_categories=()), min_size=1, max_size=40), max_size=3))
def test_any_text_comes_back(texts):
    sentences = [Sentence(1, text, 0, 900, (Word(text, 0, 900),)) for text in texts]
    assert said(page_of(*sentences)) == [plain(text) for text in texts if plain(text)]


def test_only_its_own_style_and_script_may_run():
    text = page_of()
    [policy] = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for kind in ("style", "script"):
        [own] = re.findall(f"<{kind}[^>]*>(.*?)</{kind}>", text, re.DOTALL)
        assert rules[f"{kind}-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()}'"
    assert not re.search(r"https?://|//\w|@import|url\(", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def brightness(color: str) -> float:
    """The relative luminance of #rrggbb, as WCAG has it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(scheme):
    light, dark = re.findall(":root {(.*?)}", page_of(), re.DOTALL)[:2]
    colors = dict(re.findall(r"--([\w-]+): (#\w{6});", light if scheme == "light" else light + dark))
    on_paper = [(ink, back) for ink in ("ink", "quiet", "accent", "wrong") for back in ("paper", "current")]
    marked = [("on-mark", "said"), ("on-mark", "chosen"), ("ink", "found"), ("quiet", "raised"), ("paper", "accent")]
    for ink, back in on_paper + marked:
        darker, lighter = sorted([brightness(colors[ink]), brightness(colors[back])])
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{ink} on {back}"


@pytest.mark.parametrize("name", ["my talk #1?.wav", "50%25.wav", "a:b.wav", "天气.wav", "\udcff.wav", 'q"<&.wav'])
def test_the_sound_is_found_whatever_it_is_called(name, tmp_path):
    text = page_of(begin=Begin("x", "m", "r", "p", 1, audio=str(tmp_path / "in" / name)), folder=tmp_path / "out")
    [link] = re.findall('<audio id="linked"[^>]* src="([^"]*)"', text)
    assert re.fullmatch(r"\.\./in/[\w.%~-]+", link, re.ASCII)
    assert unquote_to_bytes(link) == b"../in/" + name.encode("utf-8", "surrogateescape")


def test_a_page_whose_place_is_not_known_links_from_the_current_folder():
    assert ' src="in/talk.wav"' in page_of(begin=Begin("x", "m", "r", "p", 1, audio="in/talk.wav"))
    assert ' src="/in/talk.wav"' in page_of(begin=Begin("x", "m", "r", "p", 1, audio="//in/talk.wav"))


def test_the_sound_is_put_inside_at_the_end_where_that_is_asked_for():
    begin = Begin("x", "m", "r", "p", 1, audio="talk.wav")
    inside = page_of(begin=begin, sound_of={"talk.wav": "data:audio/wav;base64,AA=="}.get)
    assert '</main>\n<audio id="inside" controls src="data:audio/wav;base64,AA=="></audio>\n<footer' in inside
    assert 'preload="none" src="talk.wav"' in inside
    failed = page_of(begin=begin, sound_of=lambda path: None)
    assert "</main>\n<footer" in failed
    assert '<audio id="inside"' not in page_of(sound_of=lambda path: "data:,")


def test_the_end_says_whether_it_is_all_and_why_not():
    assert '<footer id="end">\n<p>End: 2 sentences, 0:31 of sound.</p>\n</footer>\n' in page_of()
    form = Page.of(Shape())
    assert form.error(LinkError("no network"), None) == ""
    form.begin(BEGIN)
    told = form.end(Summary("talk.wav", complete=False, wall_s=1.0)) + form.error(LinkError("no <b> network"), "x")
    assert told.endswith(
        '<footer id="end" class="broken">\n<p>This transcript is not complete: 0 sentences.</p>\n</footer>\n'
        '<p class="broken">no &lt;b&gt; network</p>\n'
    )
