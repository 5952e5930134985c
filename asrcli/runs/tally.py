"""How the sources of a run have ended, in figures that take the same room for ten of them as for a million."""

from __future__ import annotations

import logging
from collections import Counter

from asrcli.output.base import Failure
from asrcli.output.output import Output
from asrcli.output.views.stats import run_lines
from asrcli.output.wording import in_seconds, kind_of_failure, sent_twice, words
from asrcli.runs.exits import exit_code
from asrcli.system.clock import Clock
from asrcli.values.errors import AsrcliError, Bug, Interrupted
from asrcli.values.events import WorkersChanged
from asrcli.values.source_name import public
from asrcli.values.summary import RunSummary, Summary

_logger = logging.getLogger(__name__)

NAMED = 20
"""So many failures are told one by one, and the figures of so many sources; of more, only what they are together."""
# So many kinds of failure are told apart, and so many of them are told.
_KINDS_KEPT, _KINDS_TOLD = 200, 5
_OTHER = "something else"


class Tally:
    """Counts `total` sources, from its construction on; `skipped` more were done before.

    `is_many`: none of them decides alone, even where there is only one. Of the errors it keeps no more than decides the
    exit code: of a million sources ten thousand may fail.
    """

    def __init__(self, total: int, clock: Clock, *, is_many: bool, skipped: int = 0) -> None:
        self.is_many = is_many
        self.failed = 0
        self.not_begun = 0
        self.workers: WorkersChanged | None = None
        """Who works on them, and what that has cost; None where this process does it all."""
        self._total = total
        self._skipped = skipped
        self._clock = clock
        self._begin_at = clock.now()
        self._done = self._interrupted = 0
        # Of those that were skipped, which are counted in the total.
        self._found = 0
        self._first: AsrcliError | None = None
        self._bug: Bug | None = None
        self._has_told_of_others = False
        self._kinds: Counter[str] = Counter()
        self._audio_ms = self._resent_ms = 0
        self._billed_s: int | None = None

    @property
    def names_all(self) -> bool:
        """Whether there are so few sources that what is said of each is read."""
        return self._total <= NAMED

    def ended(self, id: str, summary: Summary | None, failure: Failure | None = None, worker: str = "") -> None:
        """One has ended with these figures; None where it never began.

        -v has a line of it, unless that is what it failed with and the person has that already.
        """
        by = f", by {worker}" if worker else ""
        if failure is not None and failure.silent and not isinstance(failure.error, Interrupted):
            _logger.info("%s: failed%s: %s", public(id), by, words(failure.error))
        elif failure is None and summary is not None and self.is_many:
            sound = in_seconds(summary.audio_ms or 0)
            _logger.info(
                "%s: done, %s of sound in %s%s", public(id), sound, in_seconds(round(summary.wall_s * 1000)), by
            )
        if summary is not None:
            self._audio_ms += summary.audio_ms or 0
            self._resent_ms += summary.resent_ms
            if summary.billed_s is not None:
                self._billed_s = (self._billed_s or 0) + summary.billed_s

    def skip(self, id: str) -> None:
        """One more was done before, which showed at its turn."""
        _logger.info("%s: done already", public(id))
        self._skipped += 1
        self._found += 1

    def done(self) -> None:
        """One more has all its results."""
        self._done += 1

    def fail(self, error: AsrcliError, source: str) -> None:
        """One more has failed."""
        self.failed += 1
        self._interrupted += isinstance(error, Interrupted)
        self._first = self._first or error
        if self._bug is None and isinstance(error, Bug):
            self._bug = error
        kind = kind_of_failure(error, source)
        self._kinds[kind if kind in self._kinds or len(self._kinds) < _KINDS_KEPT else _OTHER] += 1

    def is_to_name(self, output: Output) -> bool:
        """Whether the latest failure is told by itself; once it is told that others are not."""
        if self.failed > NAMED and not self._has_told_of_others:
            self._has_told_of_others = True
            output.say(f"more than {NAMED} sources failed; what the others fail with is said at the end")
        return self.failed <= NAMED

    def tell_of_resent(self, output: Output) -> None:
        """What was sent twice because a worker was lost."""
        if self.workers is not None and self.workers.resent_ms:
            output.say(sent_twice(self.workers))

    def code(self, no_more: AsrcliError | None, output: Output, *, stats: bool) -> int:
        """The exit code, and what is told of many; `no_more` is why no further source was begun.

        With `stats` the figures of all are told; always what was sent twice because a worker was lost.
        """
        if self._found:
            output.say(f"{self._found} of {self._total} {'was' if self._found == 1 else 'were'} done already")
        if stats and self.is_many:
            output.say(run_lines(self._summary()))
        self.tell_of_resent(output)
        if self._first is None and not self.not_begun:
            return 0
        if self._first is not None and not self.is_many:
            return exit_code(self._first)
        if isinstance(no_more, Interrupted):
            ended = Interrupted(
                no_more.signal_number, no_more.message, done=self._done + self._found, total=self._total
            )
            return exit_code(output.error(ended))
        output.say(self._failures())
        worst = self._bug or no_more
        return exit_code(worst) if worst is not None else 1

    def _failures(self) -> str:
        """How many have failed, and of more than are told one by one also why: 30 no such file, 7 connection lost."""
        rest = f", {self.not_begun} not begun" if self.not_begun else ""
        said = f"{self.failed} of {self._total} {'source' if self._total == 1 else 'sources'} failed{rest}"
        return said if self.failed <= NAMED else f"{said}: {', '.join(self._kinds_told())}"

    def _kinds_told(self) -> list[str]:
        told = self._kinds.most_common(_KINDS_TOLD)
        others = self.failed - sum(count for _, count in told)
        return [f"{count} {kind}" for kind, count in told] + ([f"{others} for other reasons"] if others else [])

    def _summary(self) -> RunSummary:
        return RunSummary(
            done=self._done,
            failed=self.failed - self._interrupted,
            interrupted=self._interrupted,
            skipped=self._skipped,
            not_begun=self.not_begun,
            audio_ms=self._audio_ms,
            billed_s=self._billed_s,
            wall_s=self._clock.now() - self._begin_at,
            resent_ms=self._resent_ms,
            workers_lost=None if self.workers is None else self.workers.lost,
        )
