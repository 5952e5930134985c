"""Markdown: a CommonMark parser reads back the text, and finds no markup but ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from asrcli.output.base import Begin, Shape
from asrcli.output.formats.cues.pieces import plain
from asrcli.output.formats.markdown import Markdown
from asrcli.output.formats.subtitles import JOINER
from asrcli.values.errors import LinkError
from asrcli.values.events import FinalResult, Sentence
from asrcli.values.summary import Summary
from tests.output.formats.test_subtitles import HOSTILE

BEGIN = Begin("talk.wav", "fun-asr-realtime", "intl", "run-task", 16000, duration_ms=31_240, stem="talk")
SUMMARY = Summary("talk.wav", complete=True, wall_s=1.0, sentences=2, audio_ms=31_240)
COMMON_MARK = MarkdownIt("commonmark")
GITHUB = MarkdownIt("gfm-like", {"linkify": False})
MARKUP = (
    *HOSTILE,
    "# heading",
    "- list",
    "* list",
    "+ list",
    "1. list",
    "(2) list",
    "> quote",
    "===",
    "---",
    "```",
    "~~~ python",
    "    code",
    "`code`",
    "*a* _b_ **c** __d__ ~~e~~",
    "[a](b) ![a](b) [a]: b [^1] [[a]]",
    "<http://a.b> <a@b.c>",
    "| a | b |",
    "|---|---|",
    ":--",
    "ends in a backslash\\",
    "&copy; &#35; \\&",
    "[x](javascript:alert(1))",
)


def written(*sentences: Sentence, begin: Begin = BEGIN, summary: Summary = SUMMARY, page: str | None = None) -> str:
    form = Markdown.of(Shape(page=None if page is None else {"talk": page}.get))
    told = [form.begin(begin), *(form.event(FinalResult(one)) for one in sentences), form.end(summary)]
    assert all(text == "" or text.endswith("\n") for text in told)
    return "".join(told)


def paragraphs(text: str, parser: MarkdownIt = COMMON_MARK) -> list[list[Token]]:
    """The inline tokens of each block, which are a heading and paragraphs and nothing else."""
    blocks = parser.parse(text)
    kinds = [block.type for block in blocks]
    shapes = ["heading_open", "inline", "heading_close"], ["paragraph_open", "inline", "paragraph_close"]
    assert kinds == [*shapes[0], *shapes[1] * (len(kinds) // 3 - 1)]
    return [block.children or [] for block in blocks if block.type == "inline"]


def plain_text(tokens: list[Token]) -> str:
    text = "".join("\n" if token.type == "softbreak" else token.content for token in tokens)
    # What keeps a mail address from being one shows as nothing.
    return text.replace(f"@{JOINER}", "@")


def kinds(tokens: list[Token]) -> set[str]:
    return {token.type for token in tokens} - {"text", "softbreak"}


def test_a_head_then_paragraphs_with_their_times():
    said = (
        Sentence(1, "Good morning.", 400, 1500),
        Sentence(2, "It rains.", 1600, 2500),
        Sentence(3, "Bye.", 9000, 9500),
    )
    assert written(*said) == (
        "# talk.wav\n\nfun-asr-realtime · 0:31\n\n**0:00** Good morning.\nIt rains.\n\n**0:09** Bye.\n"
        "\n*End: 2 sentences, 0:31 of sound.*\n"
    )


def test_times_are_links_where_there_is_a_page():
    text = written(Sentence(1, "Good morning.", 400, 1500), page="my%20talk.html")
    assert "\n**[0:00](my%20talk.html#t=0.4)** Good morning.\n" in text
    [_, _, said, _] = paragraphs(text)
    assert [token.attrs["href"] for token in said if token.type == "link_open"] == ["my%20talk.html#t=0.4"]


def test_speakers_and_emotions_are_told_where_they_are_known():
    said = Sentence(1, "Hi.", 0, 900, speaker="1"), Sentence(2, "Oh!", 900, 1800, speaker="Ann", emotion="surprised")
    assert "\n**0:00** **Speaker 1:** Hi.\n\n**0:00** **Ann:** Oh! *(surprised)*\n" in written(*said)


def test_no_address_begins_in_the_middle_of_a_word():
    assert "\n**0:00** a\\_www\\.b.c\n" in written(Sentence(1, "a_www.b.c", 0, 900))


def test_a_mail_address_is_none():
    """Some readers join the text of escapes first, and look for addresses then."""
    assert f"\n**0:00** mail foo\\@{JOINER}bar.com\n" in written(Sentence(1, "mail foo@bar.com", 0, 900))


def test_when_it_was_said_is_told_where_it_is_known():
    begin = Begin("mic", "m", "intl", "run-task", 16000, captured_at="2026-11-26T04:15:02.120+08:00", live=True)
    assert "\nm · 26 November 2026, 04:15\n" in written(begin=begin)
    begin = Begin("talk.wav", "m", "intl", "run-task", 16000, begun_at="2026-11-26T04:15:02.120+08:00")
    assert "\nm · transcribed 26 November 2026, 04:15\n" in written(begin=begin)
    assert "\nm\n" in written(begin=Begin("mic", "m", "intl", "run-task", 16000, captured_at="yesterday"))


def test_what_is_not_complete_says_so_and_why():
    form = Markdown.of(Shape())
    form.begin(BEGIN)
    told = form.end(Summary("talk.wav", complete=False, wall_s=1.0, truncated=True))
    told += form.error(LinkError("the # network", hint="try again"), "talk.wav")
    assert told == (
        "\n**This transcript is not complete: 0 sentences.**\nThe source held less sound than its header says.\n"
        "\nthe \\# network (try again)\n"
    )
    assert Markdown.of(Shape()).error(LinkError("no network"), None) == ""


@pytest.mark.parametrize("parser", [COMMON_MARK, GITHUB], ids=["commonmark", "gfm"])
@pytest.mark.parametrize("timed", [False, True], ids=["untimed", "timed"])
@pytest.mark.parametrize("text", MARKUP)
def test_no_text_is_more_than_text(text, timed, parser):
    times = (1000, 2000) if timed else (None, None)
    said = Sentence(1, "before it", *times), Sentence(2, text, *times), Sentence(3, text, *times)
    [_, _, found, _] = paragraphs(written(*said), parser)
    assert kinds(found) == ({"strong_open", "strong_close"} if timed else set())
    assert plain_text(found) == ("0:01 " if timed else "") + f"before it\n{plain(text)}\n{plain(text)}"


SAID = st.text(st.characters(exclude_categories=()), min_size=1, max_size=40) | st.text(
    "#*_`<>[]()!&\\|~=+-:.1a \n{}^$@w/", max_size=30
)


@given(st.lists(SAID, min_size=1, max_size=3), SAID, SAID)
def test_any_text_comes_back(said, speaker, source):
    sentences = [Sentence(1, text, 0, 100, speaker=speaker) for text in said]
    begin = Begin(source, "m", "intl", "run-task", 16000)
    [title, _, *found, _] = paragraphs(written(*sentences, begin=begin), GITHUB)
    assert not kinds(title)
    texts = [plain(text) for text in said if plain(text)]
    if not texts:
        assert found == []
        return
    [only] = found
    assert kinds(only) == {"strong_open", "strong_close"}
    first, *rest = plain_text(only).split("\n")
    assert first.endswith(texts[0])
    assert rest == texts[1:]
