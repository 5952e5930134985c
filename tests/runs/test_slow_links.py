"""A network that was too slow for PCM is known for half a day, whatever else is in the file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asrcli.runs.slow_links import remember, was_slow

URL = "wss://user:secret@far.example/api-ws/v1/inference?model=m"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "asrcli" / "slow-links.json"


def aged(file: Path, by: timedelta) -> None:
    document = json.loads(file.read_text())
    document["seen"] = dict.fromkeys(document["seen"], (datetime.now(UTC) - by).isoformat())
    file.write_text(json.dumps(document))


def test_what_was_slow_is_known_by_its_host_in_other_runs(file):
    assert not was_slow(URL)
    remember(URL)
    assert was_slow(URL)
    assert was_slow("wss://far.example/api-ws/v1/realtime")
    assert not was_slow("wss://near.example/api-ws/v1/inference")
    assert not was_slow("wss://far.example:8443/api-ws/v1/inference")
    assert "secret" not in file.read_text()
    remember("wss://near.example")
    assert was_slow(URL)


def test_it_is_forgotten_after_half_a_day(file):
    remember(URL)
    aged(file, timedelta(hours=11, minutes=59))
    assert was_slow(URL)
    aged(file, timedelta(hours=12, seconds=1))
    assert not was_slow(URL)
    aged(file, timedelta(hours=-1))
    assert not was_slow(URL)
    remember("wss://near.example")
    assert "far.example" not in file.read_text()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 2, "seen": {}}', '{"version": 1, "seen": {"wss://far.example": "2026"}}', "\xff"],
)
def test_a_file_that_is_something_else_is_no_memory_and_is_replaced(file, text):
    file.parent.mkdir()
    file.write_bytes(text.encode("latin-1"))
    assert not was_slow(URL)
    remember(URL)
    assert was_slow(URL)


def test_a_folder_that_cannot_be_written_is_no_memory(file):
    file.parent.write_text("a file is in its place")
    remember(URL)
    assert not was_slow(URL)
