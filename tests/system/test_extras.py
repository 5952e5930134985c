"""The line that adds an extra fits what made the environment."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from asrcli.system.extras import how_to_add, how_to_add_package

RECEIPT = """[tool]
requirements = [{ name = "asrcli", extras = ["plot"] }, { name = "tqdm", extras = ["notebook"] }]
"""


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """The folder of an environment that has asrcli from an index."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    comes_from(None, monkeypatch)
    return tmp_path


def comes_from(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return said

    monkeypatch.setattr(metadata, "distribution", lambda name: Distribution())


def test_pip_is_for_an_environment_that_nobody_else_looks_after(prefix):
    assert how_to_add("serve") == "pip install 'asrcli[serve]'"


def test_pipx_adds_to_the_environment_by_its_name(prefix, monkeypatch):
    other = prefix / "asrcli-next"
    other.mkdir()
    (other / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(other))
    assert how_to_add("serve") == "pipx runpip asrcli-next install 'asrcli[serve]'"


def test_uv_is_told_the_extras_that_are_there_too(prefix):
    (prefix / "uv-receipt.toml").write_text(RECEIPT)
    assert how_to_add("serve") == "uv tool install 'asrcli[plot,serve]'"


@pytest.mark.parametrize("receipt", ["", "[tool", "[tool]\nrequirements = 3", "[tool]\nrequirements = [3]"])
def test_a_receipt_of_another_form_is_no_error(receipt, prefix):
    (prefix / "uv-receipt.toml").write_text(receipt)
    assert how_to_add("serve") == "uv tool install 'asrcli[serve]'"


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ('{"url": "file:///home/me/asrcli.whl", "archive_info": {}}', " @ file:///home/me/asrcli.whl"),
        ('{"url": "https://host/asrcli", "vcs_info": {"vcs": "git"}}', " @ git+https://host/asrcli"),
        ("{}", ""),
        ("no JSON", ""),
    ],
)
def test_uv_is_told_where_the_package_came_from(said, origin, prefix, monkeypatch):
    comes_from(said, monkeypatch)
    (prefix / "uv-receipt.toml").write_text("")
    assert how_to_add("plot") == f"uv tool install 'asrcli[plot]{origin}'"


def test_what_an_extra_takes_on_a_newer_python_is_told(prefix, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    said = "which takes a C compiler: there is no compiled pocketsphinx for Python 3.14 yet"
    assert how_to_add("serve") == f"pip install 'asrcli[serve]', {said}"
    assert how_to_add("plot") == "pip install 'asrcli[plot]'"


def test_uvx_runs_with_the_extra(prefix, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(Path("/cache/uv/archive-v0/x1")))
    assert how_to_add("serve") == "uvx --from 'asrcli[serve]' asrcli"


def test_a_package_of_another_project_is_added_to_the_same_environment(prefix, monkeypatch):
    assert how_to_add_package("ossfs") == "pip install ossfs"
    (prefix / "pipx_metadata.json").write_text("{}")
    assert how_to_add_package("ossfs") == f"pipx inject {prefix.name} ossfs"
    (prefix / "uv-receipt.toml").write_text(RECEIPT)
    assert how_to_add_package("ossfs") == "uv tool install 'asrcli[plot,remote]' --with ossfs"
    monkeypatch.setattr(sys, "prefix", "/cache/uv/archive-v0/x1")
    assert how_to_add_package("ossfs") == "uvx --with ossfs --from 'asrcli[remote]' asrcli"
