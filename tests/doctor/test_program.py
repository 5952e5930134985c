"""Python, extras, configuration, the state folder and the terminal, each as it is here and as it may be elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from asrcli.doctor import program
from asrcli.doctor.program import Configured, Terminal


def test_python_is_told_with_what_runs_on_it():
    [finding] = program.python("9.9.9")
    assert "asrcli 9.9.9" in finding.detail
    assert "3.1" in finding.detail


def test_each_extra_of_the_package_is_known_with_its_purpose():
    told = {each.name: each for each in program.extras()}
    extras = metadata.metadata("asrcli").get_all("Provides-Extra") or []
    assert set(told) == {f"extra {extra}" for extra in extras}
    assert set(program.PURPOSES) == set(extras)
    assert all(each.status == "ok" for each in told.values())


def test_an_extra_that_is_missing_names_the_line_that_adds_it(monkeypatch):
    monkeypatch.setattr(program, "_version_of", lambda name: None if name in ("matplotlib", "cryptography") else "1.2")
    told = {each.id: each for each in program.extras()}
    assert told["extra-plot"].detail.startswith("not installed")
    assert told["extra-serve"].detail.startswith("lacks cryptography")
    assert "asrcli[serve]" in (told["extra-serve"].fix or "")
    assert told["extra-socks"].fix is None
    assert told["extra-remote"].detail.startswith("installed (fsspec 1.2, s3fs 1.2), for addresses of object stores")


def test_which_version_of_what_a_cluster_takes_is_there_is_told_without_loading_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = {each.id: each for each in program.extras()}
    assert told["extra-cluster"].detail.startswith(f"installed (distributed {metadata.version('distributed')}), for")


def test_without_an_installation_the_extras_are_not_known(monkeypatch):
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    [finding] = program.extras()
    assert finding.status == "warn"


def test_configuration_is_told_with_what_it_sets_and_without_secrets():
    values = {
        "model": "m",
        "header": ["X-T=secret"],
        "proxy": "http://me:p@ss/w@p:1",
        "mic": {"endpoint": "wss://me:secret@host/path?token=secret"},
    }
    [finding] = program.configuration([Configured(Path("asrcli.toml"), True, values)])
    assert finding.detail == (
        'asrcli.toml sets model = "m", header = ["X-T=***"], proxy = "http://***@p:1", '
        '[mic] endpoint = "wss://***@host/path?***"'
    )
    [long] = program.configuration([Configured(Path("asrcli.toml"), True, {"context": "x" * 100})])
    assert long.detail == f'asrcli.toml sets context = "{"x" * 39}…'


def test_each_fault_of_a_file_is_a_finding_and_does_not_hide_the_other_file():
    broken = Configured(Path("a"), True, {}, [("a:1: no", "mend it"), ("a:2: no", "")])
    first, second, other = program.configuration([broken, Configured(Path("b"), True, {"stats": True})])
    assert (first.status, first.detail, first.fix) == ("fail", "a:1: no", "mend it")
    assert second.fix == "mend the file or remove it"
    assert (other.status, other.detail) == ("ok", "b sets stats = true")


def test_where_there_is_no_file_it_is_said_where_one_would_be():
    [finding] = program.configuration([Configured(Path("a"), False, {}), Configured(Path("b"), False, {})])
    assert (finding.status, finding.detail) == ("ok", "no file: a and b can hold defaults")


def test_the_state_folder_is_there_or_can_be_made(tmp_path):
    [finding] = program.state({}, tmp_path)
    assert (finding.status, finding.detail) == ("ok", f"{tmp_path}/.local/state/asrcli, made when it is needed")
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_that_takes_nothing_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    [in_the_way] = program.state({"XDG_STATE_HOME": str(tmp_path / "file")}, tmp_path)
    assert (in_the_way.status, in_the_way.fix) == ("warn", f"move {tmp_path / 'file'} away")
    monkeypatch.setattr(os, "access", lambda path, mode: path == tmp_path and mode == os.F_OK)
    [closed] = program.state({}, tmp_path)
    assert (closed.status, closed.fix) == ("warn", f"chmod u+rwx {tmp_path}")
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    [full] = program.state({}, tmp_path)
    assert "only 1 MB are free" in full.detail


@pytest.mark.parametrize(
    ("columns", "environ", "status", "said"),
    [
        (None, {}, "ok", "no terminal"),
        (80, {"LANG": "de_DE.UTF-8"}, "ok", "UTF-8, 80 columns, colours"),
        (80, {"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "warn", "the locale is C"),
        (80, {}, "warn", "the locale is not set"),
        (20, {"LANG": "C.utf8"}, "warn", "few for a live view"),
    ],
)
def test_the_terminal_is_told(columns, environ, status, said):
    [finding] = program.terminal(Terminal(columns, is_colored=True), environ)
    assert (finding.status, said in finding.detail) == (status, True)
