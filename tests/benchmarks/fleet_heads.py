"""`asrcli file` on a manifest, in a process that can be killed, and what it says of what it did."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.clients import ROOT, asrcli


@dataclass(frozen=True, slots=True)
class Account:
    """What is allowed to all workers together."""

    slots: int
    starts_per_s: int


class Head:
    """One run; a further one on the same results does what is not done. What it tells goes to files beside them.

    `pace` None: as fast as it goes. `cluster` None: in this one process.
    """

    def __init__(
        self, manifest: Path, results: Path, url: str, account: Account, pace: float | None, cluster: str | None
    ) -> None:
        self.said = results.with_suffix(f".{len(list(results.parent.glob('*.said')))}.said")
        command = [
            *asrcli("file", "--manifest", str(manifest), "--results", str(results), "--endpoint", url),
            *(
                "--pace",
                "fast" if pace is None else f"{pace:g}",
                "--slots",
                str(account.slots),
                "--rate",
                f"{account.starts_per_s}/s",
            ),
            *("--json", "--no-partials", "--unordered"),
            *([] if cluster is None else ["--cluster", cluster]),
        ]
        self._lines = self.said.with_suffix(".jsonl")
        with self.said.open("wb") as said, self._lines.open("wb") as lines:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=lines, stderr=said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    def wait(self, timeout_s: float | None = None) -> int:
        return self.process.wait(timeout_s)

    def resent_s(self) -> float:
        """Sound that went over twice, as it says itself: with workers that were lost, else with lost connections."""
        told = list(map(json.loads, self._whole_lines()))
        workers = [float(line["resent_s"]) for line in told if line["type"] == "workers"]
        return workers[-1] if workers else float(sum(line["resent_s"] for line in told if line["type"] == "end"))

    def _whole_lines(self) -> list[str]:
        """A killed one may have written half of the last."""
        return self._lines.read_text(encoding="utf-8").split("\n")[:-1]
