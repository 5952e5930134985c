"""What a task's vocabulary_id brings: the words in force, nothing, or an error."""

from __future__ import annotations

import pytest

from asrcli.service.protocols.base import Handshake, Limits, OpenRecognition
from asrcli.service.protocols.run_task import RunTask
from asrcli.system.clock import SystemClock
from tests.service.client import run_task
from tests.service.protocols.half import failure, tell

LISTED = [{"text": "ALSA", "weight": 4}, {"text": "Kraków", "weight": 4, "lang": "pl"}]


def half() -> RunTask:
    def words_for(list_id, model):
        lists = {"vocab-x-1": LISTED if model == "fun-asr-realtime" else ()}
        return lists.get(list_id)

    return RunTask(Handshake("/", {}, words_for), Limits(), SystemClock())


@pytest.mark.parametrize(
    ("parameters", "hotwords"),
    [
        ({"vocabulary_id": "vocab-x-1"}, ("ALSA", "Kraków")),
        ({"vocabulary_id": "vocab-x-1", "language_hints": ["en"]}, ("ALSA",)),
        ({"vocabulary_id": "vocab-x-1", "model": "fun-asr-realtime-2025-11-07"}, ()),
        ({"vocabulary_id": ""}, ()),
        ({"vocabulary_id": None}, ()),
        ({"model": "qwen-audio-3.0-asr-flash-streaming", "vocabulary": {"Ada": 5}}, ("Ada",)),
    ],
)
def test_the_words_in_force_are_those_of_the_list_and_of_the_task(parameters, hotwords):
    (opening,) = tell(half(), run_task(**{"model": "fun-asr-realtime", **parameters}))
    assert isinstance(opening, OpenRecognition)
    assert opening.settings.hotwords == hotwords


def test_a_list_that_is_not_there_fails_the_task():
    code, message = failure(tell(half(), run_task(vocabulary_id="vocab-x-2")))
    assert code == "BadRequest.ResourceNotExist"
    assert "vocab-x-2" in message
