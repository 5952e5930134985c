"""The sources of a run as the jobs that they are for the engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import overload

from asrcli.audio.source import Source
from asrcli.engine.control import Control
from asrcli.engine.many import Job
from asrcli.runs.sources import Prepared
from asrcli.runs.variants import Variant


class Jobs(Sequence[Job]):
    """One for each source, made when it is asked for: a hundred thousand of them would be a tenth of all memory."""

    def __init__(
        self,
        sources: Sequence[Prepared],
        variants: Sequence[Variant],
        open_source: Callable[[int, Control], Source],
        check: Callable[[], None],
        before: Callable[[int], None],
    ) -> None:
        self._sources = sources
        self._variants = variants
        self._open_source = open_source
        self._check = check
        self._before = before

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, number: int) -> Job: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Job]: ...
    def __getitem__(self, number: int | slice) -> Job | Sequence[Job]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        item = self._sources[number]
        engine, before = self._variants[item.variant].engine, functools.partial(self._before, number)
        return Job(functools.partial(self._open_source, number), item.control, engine, self._check, before)
