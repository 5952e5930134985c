"""`asrcli models`."""

from __future__ import annotations

import json

from asrcli.settings.catalogue import CATALOGUE


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


def test_the_table_is_as_wide_as_the_terminal_at_most_and_breaks_no_word(asrcli, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns in (40, 50, 80, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = asrcli("models").out.splitlines()
        table = lines[: len(CATALOGUE) + 1]
        assert max(map(len, table)) <= columns
        assert [line.split()[0] for line in table[1:]] == [model.name for model in CATALOGUE]
        assert ("protocol" in table[0]) == (columns >= 80)


def test_a_pipe_gets_every_column(asrcli):
    heading = asrcli("models").out.splitlines()[0]
    assert " ".join(heading.split()) == "model regions rate languages protocol hotwords word times note"


def test_one_model_is_told_in_full(asrcli):
    page = asrcli("models", "qwen3-asr-flash-realtime").out
    assert "takes 8 kHz, 16 kHz" in page
    assert "--corpus, --language, --manual, --silence-ms, --threshold" in page
    assert "vi cs da fil" in page.replace("\n" + " " * 15, " ")
    assert max(map(len, page.splitlines())) <= 80
    [document] = json.loads(asrcli("models", "--json", "fun-asr-realtime").out)
    assert document["name"] == "fun-asr-realtime"


def test_options_on_a_models_page_are_those_of_the_commands(asrcli):
    for command, model in (("file", "qwen-audio-3.1-asr-flash-message"), ("qwen", "qwen3-asr-flash-realtime")):
        page = " ".join(asrcli("models", model).out.split())
        flags = [word.strip(",") for word in page.split() if word.startswith("--")]
        known = asrcli(command, "--help").out
        assert flags
        assert [flag for flag in flags if flag not in known] == []


def test_a_name_that_is_not_known_gets_the_nearest(asrcli):
    done = asrcli("models", "fun-asr-realtme")
    assert done.code == 2
    assert "did you mean fun-asr-realtime?" in done.err
    assert asrcli("models", "fun-asr-realtime", "--region", "cn").code == 2
