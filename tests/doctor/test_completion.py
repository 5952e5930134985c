"""Completion: of which shell, whether it is installed, read and of this version."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.cli.shells.scripts import Installed, install, installed
from asrcli.doctor.completion import Completion, completion


@pytest.mark.parametrize(
    ("known", "status", "said"),
    [
        (Completion(None), "ok", "bash, zsh have it"),
        (Completion("zsh"), "warn", "not installed for zsh"),
        (Completion("zsh", Path("there"), is_current=True), "warn", "zsh does not read it"),
        (Completion("zsh", Path("there"), is_read=True), "warn", "of another version"),
        (Completion("zsh", Path("there"), is_current=True, is_read=True), "ok", "installed for zsh: there"),
    ],
)
def test_each_state_is_told_with_what_to_do(known, status, said):
    [finding] = completion(known, "bash, zsh")
    assert (finding.status, said in finding.detail) == (status, True)
    assert finding.fix == ("asrcli --install-completion zsh" if status == "warn" else None)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_install_does_is_found_again(shell, tmp_path):
    assert installed(shell, {}, tmp_path) is None
    place = install(shell, {}, tmp_path)
    assert installed(shell, {}, tmp_path) == Installed(place, is_current=True, is_read=True)
    place.write_text("# of yesterday\n")
    assert installed(shell, {}, tmp_path) == Installed(place, is_current=False, is_read=True)
    if shell != "fish":
        (tmp_path / f".{shell}rc").write_text("# emptied\n")
        assert installed(shell, {}, tmp_path) == Installed(place, is_current=False, is_read=False)
