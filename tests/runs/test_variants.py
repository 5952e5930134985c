"""Which sources of a run are recognised alike, and what is told of those that are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from asrcli.audio.opening import Files
from asrcli.fleet.manifest import manifest_of
from asrcli.runs.request import Request, ServiceOptions
from asrcli.runs.rows import Rows
from asrcli.runs.variants import AllChosen, choose_all
from asrcli.values.errors import UsageError

REQUEST = Request((), Files(), "fun-asr-realtime", {}, service=ServiceOptions(endpoint="ws://127.0.0.1:1"))
VOICE: Mapping[str, object] = {"audio": "x", "model": "fun-asr-flash-8k-realtime"}


class Told:
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, message: str, hint: str = "") -> None:
        self.notices.append(message)


def chosen(*lines: Mapping[str, object], request: Request = REQUEST, told: Told | None = None) -> AllChosen:
    found = manifest_of([json.dumps({"id": str(n), **line}) for n, line in enumerate(lines)], "in.jsonl")
    return choose_all(request, Rows(found.rows, found.total, found.where), told or Told())


def test_those_that_say_the_same_are_chosen_once_in_their_order() -> None:
    plain: dict[str, object] = {"audio": "x"}
    english = {**plain, "language": "en"}
    found = chosen(english, plain, VOICE, english, plain)
    assert list(found.of_source) == [0, 1, 2, 0, 1]
    options = [each.choice.options for each in found.variants]
    assert [(each.model, each.languages) for each in options] == [
        ("fun-asr-realtime", ("en",)), ("fun-asr-realtime", ()), ("fun-asr-flash-8k-realtime", ()),
    ]  # fmt: skip
    assert [each.audio_format.sample_rate_hz for each in options] == [16000, 16000, 8000]


def test_what_a_row_says_goes_before_what_the_command_says_and_the_rest_stays() -> None:
    asked = replace(REQUEST, fields={"languages": ("zh",), "mask_words": ("x",)})
    [found] = chosen({"audio": "x", "language": "en"}, request=asked).variants
    assert found.choice.options.languages == ("en",)
    assert found.choice.options.parameters["mask_words"] == ("x",)


def test_where_no_row_says_anything_or_there_is_none_the_command_counts() -> None:
    [found] = chosen({"audio": "x"}).variants
    none = choose_all(REQUEST, Rows([], 0, str), Told())
    assert none.variants == [found]
    assert list(none.of_source) == []
    assert found.choice.options.model == "fun-asr-realtime"


def test_a_notice_of_several_comes_once() -> None:
    told = Told()
    asked = replace(REQUEST, service=replace(REQUEST.service, api_key="k"))
    chosen({"audio": "x"}, VOICE, {"audio": "x", "language": "en"}, request=asked, told=told)
    assert told.notices.count("a key on the command line can be seen in the process list") == 1


def test_what_a_model_lacks_is_refused_with_the_place_of_the_first_that_asks_for_it() -> None:
    line = {"audio": "x", "model": "qwen3-asr-flash-realtime", "hotwords": ["Ada"]}
    with pytest.raises(UsageError, match=r"in\.jsonl:2: qwen3-asr-flash-realtime has no --hotwords") as caught:
        chosen({"audio": "x"}, line, line)
    assert "leave it out" in caught.value.hint


def test_what_the_command_itself_says_wrong_has_no_place() -> None:
    with pytest.raises(UsageError) as caught:
        chosen({"audio": "x"}, request=replace(REQUEST, fields={"languages": ("English",)}))
    assert not caught.value.message.startswith("in.jsonl")


def test_a_list_for_the_hotwords_of_a_row_is_made_where_the_command_says_so() -> None:
    line = {"audio": "x", "hotwords": ["Ada"]}
    for make_list in (False, True):
        [found] = chosen(line, request=replace(REQUEST, make_list=make_list)).variants
        assert found.choice.hotwords is not None
        assert found.choice.hotwords.make_list is make_list
        assert [word.text for word in found.choice.listed] == ["Ada"]
