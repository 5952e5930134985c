"""Every command while its system calls fail: each kind of call, with each error that it can have, at each place.

`python -m tests.benchmarks.torture CASE KIND ERROR AT [lasting]` repeats one run and shows all of it.
"""

from __future__ import annotations

import queue
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.torture import ERRORS, LASTING, NO_FAULT, Fault, Run, library
from tests.support.torture_cases import Case, cases
from tests.support.virtual_mic import missing
from tests.support.zygote import Zygote

# Of many calls all of the first ones, some in between, and the last ones.
_FIRST, _BETWEEN, _LAST = 30, 6, 3
# Each of so few fails with each error; of more every error takes its turn.
_FEW = 4
_AT_ONCE = 2


def torture(folder: Path) -> Iterator[str]:
    """Runs of each command with one call that fails: how many, and what was wrong with which."""
    if library() is None:
        yield "left out: there is no C compiler, see tests/support/install_test_packages.sh"
        return
    runs = findings = 0
    with cases(folder) as found, zygotes() as makers:
        for case in found:
            counts: Counter[str] = Counter()
            for run, wrong in tortures(case, makers, folder / case.name):
                counts[run.fault.kind] += 1
                findings += len(wrong) > 0
                if wrong:
                    yield f"FOUND {case.name} {run.fault}: {'; '.join(wrong)} [{run.struck}]"
            runs += counts.total()
            yield f"{case.name}: {', '.join(f'{kind} {count}' for kind, count in counts.items())}"
    if (reason := missing()) is not None:
        yield f"mic: left out, {reason}"
    yield f"{runs} runs, {findings} that did not end as they should"


@contextmanager
def zygotes() -> Iterator[list[Zygote]]:
    """As many as run at the same time."""
    made = library()
    assert made is not None
    with ExitStack() as stack:
        yield [stack.enter_context(Zygote(made)) for _ in range(_AT_ONCE)]


def tortures(
    case: Case, makers: Sequence[Zygote], folder: Path, choose: Callable[[list[Fault]], list[Fault]] = list
) -> Iterator[tuple[Run, list[str]]]:
    """Run `case` with those of its faults that `choose` chooses, one at a time on each of `makers`.

    Yields each run, and what is wrong with it.
    """
    whole = case.run(makers[0], NO_FAULT, folder / "whole")
    assert case.problems(whole, whole) == [], case.problems(whole, whole)
    free: queue.SimpleQueue[Zygote] = queue.SimpleQueue()
    for each in makers:
        free.put(each)

    def one(numbered: tuple[int, Fault]) -> tuple[Run, list[str]]:
        number, fault = numbered
        maker = free.get()
        try:
            run = case.run(maker, fault, folder / str(number))
            wrong = case.problems(run, whole)
        finally:
            free.put(maker)
        shutil.rmtree(run.folder)
        return run, wrong

    with ThreadPoolExecutor(len(makers)) as pool:
        yield from pool.map(one, enumerate(choose(faults(case, whole))))


def faults(case: Case, whole: Run) -> list[Fault]:
    """What is to fail in `case`, of which `whole` is a run without faults."""
    found = []
    for kind in case.kinds():
        for turn, error in enumerate(ERRORS[kind]):
            total = whole.total(kind, error)
            places = _places(total)
            chosen = [at for at in places if at <= _FEW or at >= total or at % len(ERRORS[kind]) == turn]
            found += [Fault(kind, error, at) for at in chosen]
            if (kind, error) in LASTING:
                # Later on a connection that the system does not allow is tried again, for minutes.
                later = set() if kind == "descriptor" else {total // 2, total}
                found += [Fault(kind, error, at, lasting=True) for at in sorted({1, 2, 3} | later) if 0 < at <= total]
    return found


def _places(total: int) -> list[int]:
    if total == 0:
        return []
    if total <= _FIRST + _LAST:
        # One more: the run that sees no failure.
        return list(range(1, total + 2))
    step = (total - _FIRST - _LAST) // (_BETWEEN + 1)
    between = range(_FIRST + step, total - _LAST, max(1, step))
    return [*range(1, _FIRST + 1), *between, *range(total - _LAST + 1, total + 1)]


def main(words: Sequence[str]) -> None:
    name, kind, error, at, *lasting = words
    with tempfile.TemporaryDirectory() as folder, cases(Path(folder)) as found, zygotes() as (maker, _):
        case = next(each for each in found if each.name == name)
        whole = case.run(maker, NO_FAULT, Path(folder) / "runs" / "whole")
        run = case.run(maker, Fault(kind, error, int(at), bool(lasting)), Path(folder) / "runs" / "run")
        print(f"struck: {run.struck or 'nothing'}\n{run.where}\nexit code {run.code}\n{run.err}")
        print(run.out.decode(errors="replace")[-2000:])
        print("\n".join(case.problems(run, whole)) or "as it should be")


if __name__ == "__main__":
    main(sys.argv[1:])
