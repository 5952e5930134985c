"""What takes note of the sources of a run while they are heard, and when they are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asrcli.output.base import Failure
    from asrcli.runs.sources import Prepared
    from asrcli.values.events import FinalResult, PartialResult
    from asrcli.values.summary import Summary


class Notes:
    """Keeps nothing: what is told and in its files is all there is. `number` says which source it is about."""

    def begun(self, number: int, item: Prepared) -> None:
        """It is opened, here or elsewhere."""

    def heard(self, number: int, result: PartialResult | FinalResult) -> None:
        """What is said in it."""

    def over(
        self,
        number: int,
        item: Prepared,
        summary: Summary | None,
        failure: Failure | None,
        kept: Callable[[int], object],
    ) -> None:
        """It is over, and its result files are in place; `failure` says why it is not complete.

        `kept` is called with its number, in any thread, when that is durable. Raises OutputError where nothing can be
        noted any more.
        """
        kept(number)

    def check(self) -> None:
        """Raise what keeps anything from being noted, if something does."""

    def close(self) -> None:
        """Wait until all is durable. Raises, once, what kept something from it."""
