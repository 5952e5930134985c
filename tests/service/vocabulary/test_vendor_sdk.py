"""The vendor's own client of the API of hotword lists, which we did not write, against ours."""

from __future__ import annotations

import os
from typing import Any

import pytest

from asrcli.service.vocabulary.api import PATH
from tests.support.service import running_service

# The SDK's warnings are its own: unclosed sockets, deprecated calls.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    import dashscope
    from dashscope.audio.asr import VocabularyService

    with running_service() as service:
        root = PATH.removesuffix("/services/audio/asr/customization")
        monkeypatch.setattr(dashscope, "base_http_api_url", service.url.replace("ws:", "http:") + root)
        yield lambda key: VocabularyService(api_key=key)


def test_lists_are_made_listed_shown_changed_and_deleted(vocabulary: Any) -> None:
    mine = vocabulary("my-key")
    alsa = [{"text": "ALSA", "weight": 4, "lang": "en"}]
    made = mine.create_vocabulary(target_model="fun-asr-realtime", prefix="demo", vocabulary=alsa)
    assert made.startswith("vocab-demo-")
    assert mine.get_last_request_id()
    (listed,) = mine.list_vocabularies(prefix="demo")
    assert (listed["vocabulary_id"], listed["status"]) == (made, "OK")
    assert mine.list_vocabularies(prefix="other") == []
    shown = mine.query_vocabulary(made)
    assert (shown["target_model"], shown["vocabulary"], shown["gmt_create"]) == (
        "fun-asr-realtime", alsa, listed["gmt_create"],
    )  # fmt: skip
    mine.update_vocabulary(made, [{"text": "JACK", "weight": 5}])
    assert mine.query_vocabulary(made)["vocabulary"] == [{"text": "JACK", "weight": 5}]
    mine.delete_vocabulary(made)
    assert mine.list_vocabularies() == []


def test_what_is_refused_is_an_exception_of_the_sdk(vocabulary: Any) -> None:
    from dashscope.audio.asr.vocabulary import VocabularyServiceException

    mine, yours = vocabulary("my-key"), vocabulary("your-key")
    theirs = yours.create_vocabulary("fun-asr-realtime", "demo", [{"text": "ALSA", "weight": 4}])
    with pytest.raises(VocabularyServiceException, match=r"400, Code: BadRequest\.ResourceNotExist"):
        mine.query_vocabulary(theirs)
    with pytest.raises(VocabularyServiceException, match="400, Code: InvalidParameter"):
        mine.create_vocabulary("fun-asr-realtime", "Demo", [{"text": "ALSA", "weight": 4}])
    for _ in range(10):
        mine.create_vocabulary("fun-asr-realtime", "demo", [{"text": "ALSA", "weight": 4}])
    with pytest.raises(VocabularyServiceException, match=r"429, Code: Throttling\.AllocationQuota"):
        mine.create_vocabulary("fun-asr-realtime", "demo", [{"text": "ALSA", "weight": 4}])
    assert len(mine.list_vocabularies(page_size=4)) == 4
    assert len(mine.list_vocabularies(page_index=2, page_size=4)) == 2
