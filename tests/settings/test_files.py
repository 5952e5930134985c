"""Configuration files as values: whatever is wrong with one is told, with its line, and raises nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asrcli.settings.files import OWN, ConfigFile, change, config_files, read, user_file
from asrcli.settings.toml_text import statements

TEXT = """\
# mine
model = "a"   # the cheap one
"odd = key".part = 1

param = [
  "a=1",  # [not a table]
  "b=2",
]
context = '''
[mic]
model = "no statement"
'''
[mic]
device = "usb"
advanced.rate = 1
[profile . "late talks"]
mic = { device = "x", stats = true }
[[list]]
"""


def lines_of(text: str) -> list[tuple[str, int, int]]:
    return [("/".join(each.keys), each.begin + 1, each.end) for each in statements(text)]


def test_a_statement_is_found_whatever_is_in_it():
    assert lines_of(TEXT) == [
        ("model", 2, 2),
        ("odd = key/part", 3, 3),
        ("param", 5, 8),
        ("context", 9, 12),
        ("mic", 13, 13),
        ("mic/device", 14, 14),
        ("mic/advanced/rate", 15, 15),
        ("profile/late talks", 16, 16),
        ("profile/late talks/mic", 17, 17),
        ("list", 18, 18),
    ]


def test_a_very_long_statement_ends_the_search():
    assert lines_of("a = 1\nb = [\n" + "1,\n" * 300 + "]\nc = 1") == [("a", 1, 1)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_tells_on_which_line_something_is_set(tmp_path: Path, newline: str):
    (tmp_path / "asrcli.toml").write_text(TEXT, encoding="utf-8-sig", newline=newline)
    file = read(tmp_path / "asrcli.toml", OWN)
    assert (file.exists, file.problem) == (True, None)
    assert file.values["mic"]["device"] == "usb"
    assert file.line_of("context") == 9
    assert file.line_of("mic", "device") == 14
    # In a table of one line, and where a table begins with one below it.
    assert file.line_of("profile", "late talks", "mic", "stats") == 17
    assert file.line_of("profile") == 16
    assert file.line_of("nowhere") is None


def test_no_file_is_no_problem(tmp_path: Path):
    file = read(tmp_path / "asrcli.toml", OWN)
    assert (file.exists, dict(file.values), file.problem) == (False, {}, None)


@pytest.mark.parametrize(
    ("data", "problem", "line"),
    [
        (b"not toml", "it is not TOML: Expected '=' after a key in a key/value pair", 1),
        (b'a = 1\nb = "x\n', "it is not TOML: Illegal character '\\n'", 2),
        (b"a = 1\nb = sk-123 # x\n", 'it is not TOML: a text needs quotes: b = "\u2026"', 2),
        (b"[m]\nb-c = [ en, 'zh']\n", 'it is not TOML: a text needs quotes: b-c = ["\u2026"]', 2),
        (b"a = ~/talk.txt", 'it is not TOML: a text needs quotes: a = "\u2026"', 1),
        (b"a = False", "it is not TOML: true and false have no capitals", 1),
        (b"a =\n", "it is not TOML: Invalid value", 1),
        (b"a = true false\n", "it is not TOML: Expected newline or end of document after a statement", 1),
        (b"a = 1\nb = [1\n", "it is not TOML: Unclosed array", 2),
        (b"a = 1\nb = '\xff'\n", "it is not UTF-8", 2),
        (b"a = " + b"[" * 9999, "it is not TOML: nested too deep", None),
        (b"#" * 2_000_000, "it is too long for a file of settings", None),
    ],
)
def test_a_broken_file_is_a_value(tmp_path: Path, data: bytes, problem: str, line: int | None):
    path = tmp_path / "config.toml"
    path.write_bytes(data)
    file = read(path, OWN)
    assert (file.exists, dict(file.values), file.problem, file.line) == (True, {}, problem, line)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    assert read(tmp_path, OWN).problem == "it is a folder, not a file"
    os.mkfifo(tmp_path / "pipe")
    assert read(tmp_path / "pipe", OWN).problem == "it is a device or a pipe, not a file"


def test_below_a_file_there_is_none(tmp_path: Path):
    (tmp_path / "asrcli").touch()
    file = read(tmp_path / "asrcli" / "config.toml", OWN)
    assert (file.exists, file.problem) == (False, None)


def test_a_file_that_cannot_be_reached_is_told(tmp_path: Path):
    (tmp_path / "asrcli.toml").symlink_to(tmp_path / "asrcli.toml")
    file = read(tmp_path / "asrcli.toml", OWN)
    assert (file.exists, file.problem) == (True, "it cannot be read: Too many levels of symbolic links")


def test_the_users_file_has_its_standard_place():
    home = Path("/home/me")
    assert user_file({}, home) == home / ".config/asrcli/config.toml"
    assert user_file({"XDG_CONFIG_HOME": "/x"}, home) == Path("/x/asrcli/config.toml")


def test_there_are_two_files_the_projects_first(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "asrcli.toml").write_text("stats = true")
    project, own = config_files()
    assert (project.path, project.whose, project.exists) == (Path("asrcli.toml"), "project", True)
    assert (own.path, own.whose, own.exists) == (tmp_path / "asrcli" / "config.toml", "own", False)


def test_a_folder_that_somebody_else_makes_meanwhile_is_taken(tmp_path: Path):
    path = tmp_path / "asrcli" / "config.toml"

    def edit(before: ConfigFile) -> str:
        path.parent.mkdir(exist_ok=True)
        return "stats = true\n"

    change(path, OWN, edit)
    assert path.read_text() == "stats = true\n"
