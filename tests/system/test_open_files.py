"""The limit of open files is raised as far as the system lets us."""

from __future__ import annotations

import resource

import pytest

from asrcli.system.open_files import WANTED, allow_many

ANY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "then", "set_to"),
    [
        (1024, 4096, 4096, (4096, 4096)),
        (1024, 1 << 20, WANTED, (WANTED, 1 << 20)),
        (1024, ANY, WANTED, (WANTED, ANY)),
        (4096, 4096, 4096, None),
        (1 << 19, 1 << 20, 1 << 19, None),
        (ANY, ANY, WANTED, None),
    ],
)
def test_the_soft_limit_is_raised_and_never_lowered(monkeypatch, soft, hard, then, set_to) -> None:
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert allow_many() == then
    assert asked == ([] if set_to is None else [set_to])
