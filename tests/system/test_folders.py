"""Where the user's own folders are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.system.folders import user_folder

HOME = Path("/home/me")


@pytest.mark.parametrize(
    ("variable", "usual"),
    [("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share"), ("XDG_STATE_HOME", ".local/state")],
)
def test_a_folder_has_its_usual_place_unless_it_is_named(variable, usual):
    assert user_folder(variable, {}, HOME) == HOME / usual
    assert user_folder(variable, {variable: ""}, HOME) == HOME / usual
    assert user_folder(variable, {variable: "/x"}, HOME) == Path("/x")
