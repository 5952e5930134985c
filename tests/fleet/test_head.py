"""A head and its crews, in one process, with the local service."""

from __future__ import annotations

from pathlib import Path

from asrcli.fleet.manifest import Row
from asrcli.values.events import Ended
from tests.support.fleet import Threads, head_of, place, run, spec_of, texts_of
from tests.support.service import running_service, write_script
from tests.support.sounds import tone, write


def files(folder: Path, count: int, seconds: float = 1.0) -> list[Row]:
    return [Row.named(str(write(folder / f"{number}.wav", tone(seconds)))) for number in range(count)]


def test_all_workers_take_part_and_each_source_ends_once(tmp_path: Path):
    rows = files(tmp_path, 8)
    script = write_script(tmp_path / "s.jsonl", {"text": "one", "begin_ms": 0, "end_ms": 900})
    line = Threads(place(tmp_path), place(tmp_path, "there"))
    with running_service(script) as service:
        found = run(head_of(line, spec_of(service.url), rows), 8)
    assert texts_of(found) == dict.fromkeys(range(8), "one")
    assert [what for _, what in found if isinstance(what, Ended)] == [Ended()] * 8
