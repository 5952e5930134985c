"""How the sources of a run have ended, and what exit code that comes to."""

from __future__ import annotations

from asrcli.output.output import Output
from asrcli.runs.exits import exit_code
from asrcli.values.errors import AsrcliError, Bug, Interrupted


class Tally:
    """Counts the failures of `total` sources. `is_many`: none of them decides alone, even where there is only one.

    Of the errors it keeps no more than decides the exit code: of a million sources ten thousand may fail.
    """

    def __init__(self, total: int, *, is_many: bool) -> None:
        self.is_many = is_many
        self.not_begun = 0
        self._total = total
        self._failed = 0
        self._first: AsrcliError | None = None
        self._bug: Bug | None = None

    def failed(self, error: AsrcliError) -> None:
        """One more has failed."""
        self._failed += 1
        self._first = self._first or error
        if self._bug is None and isinstance(error, Bug):
            self._bug = error

    def code(self, no_more: AsrcliError | None, output: Output) -> int:
        """The exit code, and what is told of many; `no_more` is why no further source was begun."""
        if self._first is None and not self.not_begun:
            return 0
        if self._first is not None and not self.is_many:
            return exit_code(self._first)
        if isinstance(no_more, Interrupted):
            done = self._total - self._failed - self.not_begun
            ended = Interrupted(no_more.signal_number, no_more.message, done=done, total=self._total)
            return exit_code(output.error(ended))
        rest = f", {self.not_begun} not begun" if self.not_begun else ""
        output.say(f"{self._failed} of {self._total} {'source' if self._total == 1 else 'sources'} failed{rest}")
        worst = self._bug or no_more
        return exit_code(worst) if worst is not None else 1
