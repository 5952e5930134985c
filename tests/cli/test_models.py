"""`asrcli models`."""

from __future__ import annotations

import json

from asrcli.models import CATALOGUE


def test_the_table_names_every_model_and_marks_the_default(asrcli):
    done = asrcli("models")
    assert done.code == 0
    for model in CATALOGUE:
        assert f"{model.name} " in done.out
    assert "fun-asr-realtime *" in done.out
    assert "\x1b" not in done.out


def test_json_is_one_array_with_what_each_can_do(asrcli):
    documents = json.loads(asrcli("models", "--json").out)
    by_name = {document["name"]: document for document in documents}
    assert len(documents) == len(CATALOGUE)
    assert by_name["fun-asr-flash-8k-realtime"]["sample_rate_hz"] == 8000
    assert by_name["qwen3-asr-flash-realtime"]["word_times"] is False
    assert [document["name"] for document in documents if document["default"]] == ["fun-asr-realtime"]


def test_a_region_narrows_the_list(asrcli):
    documents = json.loads(asrcli("models", "--json", "--region", "intl").out)
    assert documents
    assert all("intl" in document["regions"] for document in documents)
    assert asrcli("models", "--region", "mars").code == 2
