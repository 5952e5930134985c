"""A configuration file with one value changed: nothing else is, and the result says what was wanted."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.settings.toml_edit import with_value, without, written
from asrcli.values.errors import UsageError

TEXT = """\
# mine

model = "a"   # "cheap" # today
"wire-rate" = 8000
param = [  # all of them
  "a=1",
  "b=#2",
]  # so far

# my headset
[mic]
device = 'usb # 1'
  retries = 3

[profile.late]
mic.device = "x"
qwen = { silence_ms = 500 }
"""


@pytest.mark.parametrize(
    ("keys", "value", "before", "after"),
    [
        ("model", "b", 'model = "a"   # "cheap" # today', 'model = "b"   # "cheap" # today'),
        ("wire-rate", 16000, '"wire-rate" = 8000', '"wire-rate" = 16000'),
        ("param", ["c=3"], 'param = [  # all of them\n  "a=1",\n  "b=#2",\n]  # so far', 'param = ["c=3"]  # so far'),
        ("mic device", "b", "device = 'usb # 1'", 'device = "b"'),
        ("mic retries", 5, "  retries = 3", "  retries = 5"),
        ("profile late mic device", "y", 'mic.device = "x"', 'mic.device = "y"'),
        # New ones stand behind what stands in their table already.
        ("stats", True, "]  # so far\n", "]  # so far\nstats = true\n"),
        ("mic max_silence", 2.5, "retries = 3\n", "retries = 3\nmax_silence = 2.5\n"),
        ("profile late mic rate", 8000, 'mic.device = "x"\n', 'mic.device = "x"\nmic.rate = 8000\n'),
        ("profile late a b", "c", "500 }\n", '500 }\n\n[profile.late.a]\nb = "c"\n'),
        ("file jobs", 4, "500 }\n", "500 }\n\n[file]\njobs = 4\n"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_value_is_set_in_its_place(keys: str, value: Any, before: str, after: str, ends: str):
    assert TEXT.count(before) == 1
    expected = TEXT.replace(before, after).replace("\n", ends)
    assert with_value(TEXT.replace("\n", ends), tuple(keys.split()), value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a = 1\n"),
        ("# mine\n", "# mine\na = 1\n"),
        ("# mine\n\n# headset\n[mic]\n", "# mine\n\na = 1\n\n# headset\n[mic]\n"),
        ("[mic]\nx = 1", "a = 1\n\n[mic]\nx = 1"),
    ],
)
def test_the_first_value_at_the_top_stands_before_all_tables(text: str, expected: str):
    assert with_value(text, ("a",), 1) == expected


def test_a_name_that_is_none_of_plain_letters_is_quoted():
    assert with_value("", ("profile", "späte Runde", "model"), "ä\x7f\n") == (
        '[profile."späte Runde"]\nmodel = "ä\\u007f\\n"\n'
    )


@pytest.mark.parametrize("keys", ["profile late qwen threshold", "model x"])
def test_what_cannot_be_done_is_refused(keys: str):
    with pytest.raises(UsageError):
        with_value(TEXT, tuple(keys.split()), "x")


@pytest.mark.parametrize(
    ("keys", "gone"),
    [
        ("model", 'model = "a"   # "cheap" # today\n'),
        ("param", 'param = [  # all of them\n  "a=1",\n  "b=#2",\n]  # so far\n'),
        ("mic retries", "  retries = 3\n"),
        ("mic", "[mic]\ndevice = 'usb # 1'\n  retries = 3\n"),
        ("profile late mic", 'mic.device = "x"\n'),
        ("profile", '[profile.late]\nmic.device = "x"\nqwen = { silence_ms = 500 }\n'),
    ],
)
def test_a_value_or_a_table_is_taken_out(keys: str, gone: str):
    assert without(TEXT, tuple(keys.split())) == TEXT.replace(gone, "")


def test_what_stands_within_a_line_is_not_taken_out():
    with pytest.raises(UsageError, match="cannot be changed there"):
        without(TEXT, ("profile", "late", "qwen", "silence_ms"))


KEYS = st.sampled_from(["a", "b-c", "ä ö", "#", "=", "mic"])
VALUES = st.one_of(st.booleans(), st.integers(-9, 9), st.text(max_size=8), st.lists(st.text(max_size=4), max_size=3))
TABLES = st.dictionaries(KEYS, st.one_of(VALUES, st.dictionaries(KEYS, VALUES, max_size=3)), max_size=4)


def text_of(values: dict[str, Any], within: str = "") -> str:
    """TOML with a comment behind each line."""
    lines = [f"{written(key)} = {written(each)} # {key}" for key, each in values.items() if not isinstance(each, dict)]
    for key, each in values.items():
        if isinstance(each, dict):
            head = f"{within}{written(key)}"
            lines += ["", f"[{head}] # {key}", text_of(each, f"{head}.")]
    return "\n".join(lines)


@given(TABLES, st.lists(KEYS, min_size=1, max_size=3), VALUES)
def test_the_result_says_what_was_wanted(values: dict[str, Any], keys: list[str], value: Any):
    wanted = copy.deepcopy(values)
    place = wanted
    for key in keys[:-1]:
        if not isinstance(place.setdefault(key, {}), dict):
            place[key] = {}
        place = place[key]
    place[keys[-1]] = value
    try:
        changed = with_value(text_of(values), tuple(keys), value)
    except UsageError:
        # A value where a table is wanted, or the other way round.
        inner: Any = values
        for key in keys[:-1]:
            inner = inner.get(key, {}) if isinstance(inner, dict) else inner
        assert not isinstance(inner, dict) or isinstance(inner.get(keys[-1]), dict)
        return
    assert tomllib.loads(changed) == wanted
    assert {line for line in text_of(values).split("\n") if not line.startswith(written(keys[-1]))} <= {
        *changed.split("\n")
    }
