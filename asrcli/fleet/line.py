"""What joins the head and its crews, as the head sees it: workers come and go, and bytes get from one to the other."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass

from asrcli.values.errors import AsrcliError


@dataclass(frozen=True, slots=True)
class Joined:
    """There is a worker, where a crew is about to begin. A name is never used again for another crew."""

    worker: str


@dataclass(frozen=True, slots=True)
class Said:
    """What its crew has to tell; b"" where that is only that it is there."""

    worker: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """It is not there any more, or its crew is not."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """There is a worker where no crew can begin."""

    worker: str
    problem: AsrcliError


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the user should know of what joins them."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """Nothing joins them any more, and that will not change."""

    error: AsrcliError


News = Joined | Said | Gone | Unusable | Remark | Broken


class Line(typing.Protocol):
    """For one run. While it lasts each crew hears at least once a second that its head is there.

    `nobody` says that no worker is there, and `how_to_join` how one comes there; both may change while it lasts.
    """

    nobody: str
    how_to_join: str

    def begin(self, opening: bytes, post: Callable[[News], None]) -> None:
        """Begin a crew with `opening` on each worker, and on each that comes. `post` is called in any thread.

        Returns at once where it can. Raises AsrcliError where there is nothing to begin with.
        """
        ...

    def send(self, worker: str, data: bytes) -> None:
        """Have its crew told, in the order of the calls; harmless where it is gone. Returns at once."""
        ...

    def drop(self, worker: str) -> None:
        """It was not heard of for so long that it counts as lost: from now on it hears nothing of its head either."""
        ...

    def close(self) -> None:
        """Have the crews end that have not, wait for that for a moment, and let go of everything."""
        ...
