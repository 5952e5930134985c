"""The reciting recogniser: sentences by the clock of the audio, and scripts that are broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.service.recognizers.base import Hypothesis, Opened, Pcm, RecognitionEnded, RecognitionSettings, Result
from asrcli.service.recognizers.script import ScriptRecognizer
from asrcli.service.recognizers.script_file import read_script
from asrcli.values.errors import UsageError
from tests.support.service import write_script

HELLO = {"begin_ms": 500, "end_ms": 1500, "text": "Hello there, my friend."}
BYE = {"begin_ms": 3000, "end_ms": 3400, "text": "Bye!"}


def recite(path: Path, *feeds_ms: int, rate_hz: int = 16000, **settings: int) -> list[Result]:
    """What is said when so much audio comes each time."""
    said: list[Result] = []
    recognition = ScriptRecognizer(read_script(path)[1]).open(RecognitionSettings(**settings), said.append)  # type: ignore[arg-type]
    for ms in feeds_ms:
        recognition.feed(Pcm(bytes(rate_hz * ms // 1000 * 2), rate_hz))
    recognition.finish()
    assert said[0] == Opened()
    assert said[-1] == RecognitionEnded(sum(feeds_ms))
    return said[1:-1]


def texts(results: list[Result]) -> list[tuple[str, bool]]:
    return [(result.text, result.final) for result in results if isinstance(result, Hypothesis)]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    write_script(tmp_path / "s.jsonl", HELLO, BYE)
    return tmp_path / "s.jsonl"


def test_words_appear_as_the_audio_passes_them(script: Path) -> None:
    assert texts(recite(script, *[250] * 16)) == [
        ("", False),
        ("Hello", False),
        ("Hello there,", False),
        ("Hello there, my", False),
        ("Hello there, my friend.", False),
        ("Hello there, my friend.", True),
        ("", False),
        ("Bye!", False),
        ("Bye!", True),
    ]


def test_a_final_waits_for_the_silence_of_the_settings(script: Path) -> None:
    def final_at(silence_ms: int) -> int:
        said = recite(script, *[100] * 60, max_sentence_silence_ms=silence_ms)
        return next(result.heard_ms for result in said if isinstance(result, Hypothesis) and result.final)

    assert final_at(300) == 1800
    assert final_at(1300) == 2800
    assert final_at(6000) == 3000  # The next sentence begins.


def test_a_final_has_the_times_and_words_of_the_script(script: Path) -> None:
    final = next(result for result in recite(script, 2900) if isinstance(result, Hypothesis) and result.final)
    assert (final.begin_ms, final.end_ms, final.heard_ms) == (500, 1500, 2900)
    assert [(word.text, word.begin_ms, word.end_ms, word.punctuation) for word in final.words] == [
        ("Hello", 500, 750, ""),
        ("there", 750, 1000, ","),
        ("my", 1000, 1250, ""),
        ("friend", 1250, 1500, "."),
    ]


def test_audio_that_breaks_off_ends_the_sentence_where_it_was(script: Path) -> None:
    *_, final = recite(script, 1100)
    assert isinstance(final, Hypothesis)
    assert (final.text, final.final, final.end_ms) == ("Hello there,", True, 1100)


def test_only_the_duration_of_the_audio_counts(script: Path) -> None:
    assert recite(script, *[250] * 16, rate_hz=8000) == recite(script, *[250] * 16)


def test_each_recital_begins_anew(script: Path) -> None:
    recognizer = ScriptRecognizer(read_script(script)[1])
    heard: list[list[Result]] = [[], []]
    for said in heard:
        recognition = recognizer.open(RecognitionSettings(), said.append)
        recognition.feed(Pcm(bytes(32 * 5000), 16000))
        recognition.finish()
    assert heard[0] == heard[1]


def test_chinese_and_japanese_grow_by_characters(tmp_path: Path) -> None:
    write_script(tmp_path / "s.jsonl", {"begin_ms": 0, "end_ms": 600, "text": "你好，asr 世界。"})
    assert texts(recite(tmp_path / "s.jsonl", *[120] * 5)) == [
        ("你", False),
        ("你好，", False),
        ("你好，asr", False),
        ("你好，asr 世", False),
        ("你好，asr 世界。", False),
        ("你好，asr 世界。", True),
    ]


def test_given_words_keep_their_times(tmp_path: Path) -> None:
    words = [
        {"text": "Hi", "begin_ms": 100, "end_ms": 200, "punctuation": ","},
        {"text": "you", "begin_ms": 800, "end_ms": 900},
    ]
    write_script(tmp_path / "s.jsonl", {"begin_ms": 100, "end_ms": 1000, "text": "Hi, you!", "words": words})
    said = recite(tmp_path / "s.jsonl", 500, 500)
    assert texts(said) == [("Hi,", False), ("Hi, you!", False), ("Hi, you!", True)]


def committed(path: Path, *utterances_ms: int) -> list[Result]:
    """What is said when the listener ends an utterance after each of these."""
    said: list[Result] = []
    recognition = ScriptRecognizer(read_script(path)[1]).open(
        RecognitionSettings(max_sentence_silence_ms=None), said.append
    )
    for ms in utterances_ms:
        recognition.feed(Pcm(bytes(32 * ms), 16000))
        recognition.end_utterance()
    recognition.finish()
    return said


def test_a_listener_who_ends_utterances_gets_what_lies_in_each(script: Path) -> None:
    """Both sentences in one, none in the next."""
    said = committed(script, 3_500, 500)
    finals = [result for result in said if isinstance(result, Hypothesis) and result.final]
    assert [(final.text, final.begin_ms, final.end_ms) for final in finals] == [
        ("Hello there, my friend. Bye!", 0, 3500),
        ("", 3500, 4000),
    ]
    assert said[-1] == RecognitionEnded(4000)


def test_a_sentence_that_an_end_parts_goes_to_both_sides(script: Path) -> None:
    assert texts([result for result in committed(script, 1_100, 2_000) if isinstance(result, Hypothesis)]) == [
        ("Hello there,", False),
        ("Hello there,", True),
        ("my friend.", False),
        ("my friend.", True),
    ]


def test_what_was_not_ended_is_dropped(script: Path) -> None:
    said: list[Result] = []
    recognition = ScriptRecognizer(read_script(script)[1]).open(
        RecognitionSettings(max_sentence_silence_ms=None), said.append
    )
    recognition.feed(Pcm(bytes(32 * 2_000), 16000))
    recognition.finish()
    assert texts(said) == [("Hello there, my friend.", False)]


@given(st.lists(st.integers(1, 700), min_size=1, max_size=30))
def test_finals_do_not_depend_on_the_pieces(feeds_ms: list[int]) -> None:
    """However the audio is cut, the same sentences become final."""
    sentences = read_script(Path(__file__).parents[2] / "data" / "talk.script.jsonl")[1]

    def finals(pieces: list[int]) -> list[tuple[str, int | None]]:
        said: list[Result] = []
        recognition = ScriptRecognizer(sentences).open(RecognitionSettings(), said.append)
        for ms in pieces:
            recognition.feed(Pcm(bytes(32 * ms), 16000))
        recognition.finish()
        return [(result.text, result.end_ms) for result in said if isinstance(result, Hypothesis) and result.final]

    assert finals(feeds_ms) == finals([sum(feeds_ms)])


LATER = '{"begin_ms": 2000, "end_ms": 2100, "text": "a", "words": '
BROKEN = {
    "{": "Expecting property name",
    "[1]": "not a JSON object",
    '{"begin_ms": 0, "end_ms": 5}': "text must be a string",
    '{"begin_ms": 0, "end_ms": 5, "text": " ,. "}': "at least one word",
    '{"begin_ms": "0", "end_ms": 5, "text": "a"}': "must be whole numbers",
    '{"begin_ms": 0, "end_ms": true, "text": "a"}': "must be whole numbers",
    '{"begin_ms": 5, "end_ms": 5, "text": "a"}': "must lie before end_ms",
    '{"begin_ms": -1, "end_ms": 5, "text": "a"}': "must not be negative",
    '{"begin_ms": 900, "end_ms": 1000, "text": "a"}': "before the end of the sentence above",
    LATER + "[]}": "at least one word",
    LATER + '[{"begin_ms": 2000, "end_ms": 2050}]}': "needs a text",
    LATER + '[{"text": "b", "begin_ms": 2000, "end_ms": 2050}]}': "not in",
    LATER + '[{"text": "a", "begin_ms": 2000, "end_ms": 2500}]}': "outside",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_script_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(json.dumps(HELLO) + "\n\n" + line + "\n")
    with pytest.raises(UsageError, match=BROKEN[line]) as caught:
        read_script(path)
    assert caught.value.message.startswith(f"{path}:3: ")


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the script .*nothing\.jsonl: No such file"):
        read_script(tmp_path / "nothing.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_script(tmp_path / "binary.jsonl")


def test_a_hotword_is_heard_only_where_it_is_in_force(tmp_path: Path) -> None:
    name = {"begin_ms": 0, "end_ms": 900, "text": "We met Ada Byron.", "hotword": "Ada Byron"}
    write_script(tmp_path / "s.jsonl", name, {**BYE, "hotword": "Bye", "misheard": "Buy"})
    (recognizer, said) = ScriptRecognizer(read_script(tmp_path / "s.jsonl")[1]), list[Result]()
    for hotwords in ((), ("Bye", "Ada"), ("Ada Byron",)):
        recognition = recognizer.open(RecognitionSettings(hotwords=hotwords), said.append)
        recognition.feed(Pcm(bytes(32 * 4000), 16000))
        recognition.feed(Pcm(bytes(32 * 2000), 16000))
        recognition.finish()
    assert [text for text, final in texts(said) if final] == [
        *("We met something.", "Buy!"),
        *("We met something.", "Bye!"),
        *("We met Ada Byron.", "Buy!"),
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"hotword": "you"}, "hotword must be a part of the text"),
        ({"context": "you"}, "context must be a part of the text"),
        ({"hotword": "Bye", "context": "Bye"}, "hotword and context exclude each other"),
        ({"hotword": ""}, "hotword must be a part of the text"),
        ({"hotword": "Bye", "misheard": "…"}, "misheard must be a string with at least one word"),
    ],
)
def test_a_hotword_that_cannot_be_misheard_is_refused(more: dict[str, str], said: str, tmp_path: Path) -> None:
    write_script(tmp_path / "s.jsonl", {**BYE, **more})
    with pytest.raises(UsageError, match=f"s.jsonl:1: {said}"):
        read_script(tmp_path / "s.jsonl")
