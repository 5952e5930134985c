"""The judge of the benchmarks of a fleet: it counts what the service saw, and finds what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tests.benchmarks.fleet_corpus import differences, read_results, text_of, write_corpus, wrong_results
from tests.benchmarks.fleet_judge import in_flight_ms, most_at_once, most_starts, resent_ms, share_used
from tests.benchmarks.fleet_service import Task


def _whole(source: int, began_at: float, ended_at: float) -> Task:
    return Task(began_at, ended_at, source, 0, 10_000, is_finished=True)


def test_starts_are_counted_in_any_second_not_in_those_of_a_clock() -> None:
    tasks = [_whole(0, 0.8, 2.0), _whole(1, 1.0, 2.0), _whole(2, 1.5, 2.0), _whole(3, 1.9, 2.0), _whole(4, 2.6, 3.0)]
    assert most_starts(tasks) == 3
    assert most_starts([*tasks[:3], _whole(3, 1.7, 2.0)]) == 4


def test_who_begins_when_another_ends_is_not_beside_it() -> None:
    tasks = [_whole(0, 0.0, 1.0), _whole(1, 0.5, 3.0), _whole(2, 1.0, 2.0), Task(2.5)]
    assert most_at_once(tasks) == 2
    assert most_at_once([*tasks, Task(2.6)]) == 3


def test_slots_are_used_by_who_runs_while_others_wait() -> None:
    tasks = [_whole(0, 0.0, 4.0), _whole(1, 0.0, 2.0), _whole(2, 4.0, 9.0)]
    assert share_used(tasks, 2, 0.0) == 0.75
    assert share_used(tasks, 2, 2.0) == 0.5


def test_sound_that_came_twice_is_held_against_what_was_in_flight() -> None:
    """A worker dies at 5, with a task cut off and one of which the result was not known; at 9 the head does."""
    tasks = [
        _whole(0, 0.0, 3.0),
        Task(3.5, 5.2, 1, 0, 6_000),
        _whole(2, 3.0, 4.5),
        _whole(1, 6.0, 7.0),
        _whole(2, 6.0, 7.0),
        _whole(3, 6.5, 9.5),
    ]
    assert resent_ms(tasks) == 16_000
    assert in_flight_ms(tasks, [5.0], []) == 16_000
    assert in_flight_ms(tasks, [5.0], [9.0]) == 26_000
    assert in_flight_ms(tasks, [], []) == 0
    assert resent_ms([*tasks, _whole(0, 8.0, 9.0)]) == 26_000


def test_a_result_counts_that_is_complete_and_says_what_its_source_says(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    lines = [
        f'{{"id": "0", "complete": true, "text": "{text_of(0)}"}}',
        '{"id": "1", "complete": true, "text": "Source 7 says sentence 1."}',
        f'{{"id": "2", "complete": true, "text": "{text_of(2)}"}}',
        '{"id": "2", "complete": false, "text": ""}',
        '{"id": "3", "comp',
    ]
    results.write_text("\n".join(lines))
    assert wrong_results(read_results(results), 4) == [1, 3]
    assert wrong_results(read_results(tmp_path / "none"), 1) == [0]


def test_results_of_two_runs_differ_in_nothing_but_how_they_came_about() -> None:
    def lines(**said: object) -> dict[str, dict[str, object]]:
        line = {"complete": True, "text": "One.", "seconds": 10.0, "billed_s": 10, "options": "x", "at": "now"}
        return {"0": line | said, "1": line}

    here = {"bytes": 3, "modified_ns": 1, "sha256": "a"}
    one = lines(sound=here)
    assert differences(one, lines(sound={"bytes": 3, "modified_ns": 1}, at="later", resent_s=2.0, reconnects=1)) == {}
    assert differences(one, lines(sound={"bytes": 4, "modified_ns": 1})) == {"0": ["sound"]}
    assert differences(one, lines(text="", billed_s=20, sound=here)) == {"0": ["billed_s", "text"]}
    assert differences(one, {"0": one["0"]}).keys() == differences({"0": one["0"]}, one).keys() == {"1"}


def test_the_sound_of_a_corpus_says_which_source_it_is_from(tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path, 2)
    assert len(manifest.read_text().splitlines()) == 2
    first, second = (soundfile.read(tmp_path / f"0000{number}.flac", dtype="int16")[0] for number in (0, 1))
    assert len(first) == 160_000
    assert not np.array_equal(first, second)
