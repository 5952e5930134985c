"""Lists that outlive the service."""

from __future__ import annotations

import pytest

from asrcli.service.vocabulary.file import kept_in
from asrcli.values.errors import UsageError

WORDS = [{"text": "杭州", "weight": 5, "lang": "zh"}]


def test_lists_are_there_again(tmp_path):
    path = tmp_path / "lists.json"
    lists = kept_in(path)
    made, gone = (lists.create("me", "fun-asr-realtime", prefix, WORDS) for prefix in ("a", "b"))
    lists.update("me", made.id, [{"text": "ALSA", "weight": 4}])
    lists.delete("me", gone.id)
    assert kept_in(path).accounts == lists.accounts
    assert [each.name for each in tmp_path.iterdir()] == ["lists.json"]


def test_half_a_character_is_kept_too(tmp_path):
    path = tmp_path / "lists.json"
    lists = kept_in(path)
    lists.create("me", "fun-asr-realtime", "a", [{"text": "\ud800", "weight": 4}])
    assert kept_in(path).accounts == lists.accounts


@pytest.mark.parametrize("text", ["", "[]", '{"accounts": {"me": [{"id": 1}]}}', '{"accounts": 3}', "\x00", '{"a": 1}'])
def test_a_file_of_another_kind_is_not_overwritten(text, tmp_path):
    path = tmp_path / "lists.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="holds no hotword lists"):
        kept_in(path)
    assert path.read_text() == text


def test_a_file_that_cannot_be_is_told_at_once(tmp_path):
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        kept_in(tmp_path / "nowhere" / "lists.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        kept_in(tmp_path)


def test_a_change_that_cannot_be_kept_is_told_and_holds(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    lists = kept_in(folder / "lists.json")
    folder.rename(tmp_path / "away")
    made = lists.create("me", "fun-asr-realtime", "a", WORDS)
    assert lists.find("me", made.id) is made
    assert "could not be kept" in caplog.text
