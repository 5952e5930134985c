"""How the sources are opened where the sound is to go as it is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from asrcli.audio.opening import Files, Microphone
from asrcli.audio.source import AsIs
from asrcli.engine.spec import Cutting
from asrcli.runs.choose_spec import Choice, input_of
from asrcli.runs.request import Request, Sending
from asrcli.values.errors import UsageError
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import RecognitionOptions

OPTIONS = RecognitionOptions("fun-asr-realtime")
ALL = ("pcm", "wav", "mp3", "opus", "speex", "aac", "amr")


def request(way: str, **fields: Any) -> Request:
    return replace(Request(("a",), Files(), "m", {}, sending=Sending(way)), **fields)


def opened(asked: Request, protocol: str = "run-task", options: RecognitionOptions = OPTIONS) -> tuple[Any, str]:
    """How, and what is told."""
    told: list[str] = []
    output: Any = SimpleNamespace(notice=lambda message, hint: told.append(message))
    return input_of(asked, Choice(options, protocol, "intl"), output), "".join(told)


@pytest.mark.parametrize("way", ["pcm", "opus", "auto"])
def test_what_need_not_go_as_it_is_is_decoded(way):
    assert opened(request(way)) == (Files(), "")


def test_what_the_service_takes_goes_as_it_is():
    assert opened(request("as-is")) == (Files(as_is=AsIs(ALL)), "")
    assert opened(request("as-is!")) == (Files(as_is=AsIs(ALL, insists=True)), "")
    assert opened(request("as-is"), "realtime") == (Files(as_is=AsIs(("pcm", "opus"))), "")


def test_at_the_rates_of_the_model_or_the_one_that_the_user_wants():
    telephone = replace(OPTIONS, model="paraformer-realtime-8k-v2", audio_format=PcmFormat(8000))
    assert opened(request("as-is"), options=telephone)[0].as_is.rates_hz == (8000,)
    wanted = request("as-is", fields={"wire_rate": 8000})
    assert opened(wanted, options=replace(OPTIONS, audio_format=PcmFormat(8000)))[0].as_is.rates_hz == (8000,)


MICROPHONE: Any = Microphone(None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request("as-is", input=MICROPHONE), "what a microphone hears has no encoding yet"),
        (request("as-is", cutting=Cutting(500)), "where utterances end shows only when it is decoded"),
    ],
)
def test_where_nothing_can_it_is_told_or_refused(asked, reason):
    how, said = opened(asked)
    assert how == asked.input
    assert said == f"the sound does not go as it is: {reason}"
    with pytest.raises(UsageError, match=reason):
        opened(replace(asked, sending=Sending("as-is!")))
