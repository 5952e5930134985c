"""`asrcli models`."""

from __future__ import annotations

import json

import pytest

from asrcli.settings.catalogue import CATALOGUE
from asrcli.settings.purposes import PURPOSES


def test_the_table_names_every_model_and_marks_the_default(asrcli, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = asrcli("models")
    assert done.code == 0
    for model in CATALOGUE:
        assert f"\n{model.name} " in done.out
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
        end = next(number for number, line in enumerate(lines) if line.startswith("*"))
        below = [line for line in lines[:end] if line.startswith(" ")]
        table = [line for line in lines[:end] if not line.startswith(" ")]
        assert max(map(len, table + below)) <= columns
        assert len(table) == len(CATALOGUE) + 1
        # What has no room beside it stands below it.
        told = " ".join(" ".join(below).split())
        assert all(model.note in told for model in CATALOGUE)
        assert told.count("intl 0.324 an hour (USD)") == 2
        notes = lines[end:]
        assert max(map(len, notes)) <= columns
        assert "List prices of November 2026, before any discount" in " ".join(notes)
        assert "hints: how many of them -l may name" in " ".join(notes)
        assert [line.split()[0] for line in table[1:]] == [model.name for model in CATALOGUE]
        # What decides a choice is there in a terminal of 80 columns.
        shown = {40: 1, 50: 2, 80: 5, 100: 7}[columns]
        assert table[0].split() == ["model", "regions", "kHz", "lang", "takes", "hints", "emotions"][:shown]


def test_a_pipe_gets_every_column(asrcli):
    done = asrcli("models")
    heading, *rows = done.out.splitlines()
    columns = "model regions kHz lang takes hints emotions word times protocol list price note"
    assert heading.replace("\t", " ") == columns
    assert [row.split("\t")[0] for row in rows] == [model.name for model in CATALOGUE]
    assert {row.count("\t") for row in rows} == {heading.count("\t")}
    row = next(row for row in rows if row.startswith("qwen-audio-3.0"))
    assert "any\t30\twords lists context\t4\t-\tyes\trun-task\tintl 2.376 an hour (CNY)\t" in row
    assert done.err == ""


def test_prices_are_those_of_the_region(asrcli):
    assert "6 in, 4.5 out a million tokens (CNY)" in asrcli("models", "--region", "cn").out
    assert "6.781 in, 5.104 out a million tokens (CNY)" in asrcli("models", "--region", "intl").out
    page = " ".join(asrcli("models", "fun-asr-realtime").out.split())
    assert "cn 0.00033 a second, 1.188 an hour (CNY); intl 0.00009 a second, 0.324 an hour (USD)" in page
    assert "(USD) of November 2026, before any discount;" in page
    assert "36,000 s are free for a new account" in page
    [document] = json.loads(asrcli("models", "--json", "fun-asr-realtime").out)
    assert document["prices"]["cn"] == {"currency": "CNY", "per_s": "0.00033"}
    assert document["prices_of"] == "November 2026"


def test_dialects_have_names(asrcli):
    assert "Cantonese, Wu, Minnan, Hakka, Gan, Xiang, Jin" in asrcli("models", "fun-asr-realtime").out
    [document] = json.loads(asrcli("models", "--json", "qwen-audio-3.1-asr-flash-streaming").out)
    assert len(document["dialects"]) == 10


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_purpose_narrows_the_list_to_what_serves_it_and_says_how(asrcli, monkeypatch, purpose):
    with monkeypatch.context() as terminal:
        terminal.setattr("sys.stdout.isatty", lambda: True)
        done = asrcli("models", "--for", purpose)
    named = {line.split()[0] for line in done.out.splitlines()} & {model.name for model in CATALOGUE}
    assert 0 < len(named) < len(CATALOGUE)
    assert " ".join(done.out.split()).endswith(f". {PURPOSES[purpose][1]}")
    assert {each["name"] for each in json.loads(asrcli("models", "--for", purpose, "--json").out)} == named
    assert purpose in " ".join(asrcli("models", "--help").out.split())


def test_purposes_are_told_apart(asrcli):
    def names(*words: str) -> set[str]:
        return {each["name"] for each in json.loads(asrcli("models", "--json", "--for", *words).out)}

    assert "paraformer-realtime-8k-v2" in names("emotion")
    assert "fun-asr-realtime" not in names("emotion")
    assert names("dialects", "--region", "intl") < names("dialects")
    assert names("8k") > {"fun-asr-flash-8k-realtime", "qwen3-asr-flash-realtime", "fun-asr-realtime"}
    assert "qwen-audio-3.1-asr-flash-message" not in names("8k")
    assert names("filter").isdisjoint({"qwen-audio-3.1-asr-flash-message", "paraformer-realtime-v2"})
    unknown = asrcli("models", "--for", "cheese")
    assert unknown.code == 2
    assert "choose one of hotwords, context" in unknown.err
    assert asrcli("models", "fun-asr-realtime", "--for", "8k").code == 2


def test_one_model_is_told_in_full(asrcli):
    page = asrcli("models", "qwen3-asr-flash-realtime").out
    assert "takes 8 kHz, 16 kHz" in page
    assert "--corpus, --language, --manual, --silence-ms, --threshold" in page
    assert "--wire-rate" in page
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
