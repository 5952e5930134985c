"""What --cluster may name, and how a slip in it is answered."""

from __future__ import annotations

import json

import pytest

from asrcli.output.wording import words
from asrcli.runs.cluster import processes_of, scheduler_at
from asrcli.values.errors import UsageError


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tls://head.example:8786", "tls://[fd00::1]:8786"])
def test_an_address_is_taken_as_it_is_and_found_in_the_file_of_a_scheduler(tmp_path, address):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"type": "Scheduler", "address": address}))
    assert scheduler_at(address) == scheduler_at(str(file)) == address
    assert processes_of(address) is None
    assert processes_of("local:4") == 4


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://head:8786", "--cluster http://head:8786 is no address of a scheduler (tcp://HOST:8786"),
        ("tcp://head", "--cluster tcp://head is no address of a scheduler"),
        ("tcp://", "is no address of a scheduler"),
        ("head:8786", "--cluster head:8786: there is no such file (an address is tcp://head:8786)"),
        ("nope.json", "--cluster nope.json: there is no such file (dask scheduler --scheduler-file FILE writes one)"),
        ("", "--cluster '' is no file of a scheduler"),
        ("text.json", "--cluster text.json is no file of a scheduler"),
        ("other.json", "--cluster other.json is no file of a scheduler"),
        ("evil.json", "--cluster evil.json is no address of a scheduler"),
        ("a\x1b[31m", r"--cluster a\x1b[31m: there is no such file"),
    ],
)
def test_a_slip_is_answered_with_what_may_be(tmp_path, monkeypatch, where, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.json").write_text("words")
    (tmp_path / "other.json").write_text('{"addres": 1}')
    (tmp_path / "evil.json").write_text('{"address": "http://head:1"}')
    with pytest.raises(UsageError) as caught:
        scheduler_at(where)
    assert said in words(caught.value)


@pytest.mark.parametrize("where", ["local", "local:", "local:0", "local:257", "local:-1", "local:x", "localhost:8786"])
def test_so_many_processes_there_cannot_be(where):
    with pytest.raises(UsageError, match="is none"):
        processes_of(where)
