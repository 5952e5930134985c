"""`python -m tests.benchmarks [PART…] [--json FILE]`: run the parts and print one table of figures and ratios.

What is measured of the README's table is printed in its form, if all of it is (the parts `streaming` and `drops`).
`--json` adds the run to FILE, which `python -m tests.benchmarks.compare OLD NEW` reads.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks.clients import asrcli, file_command, python, run
from tests.benchmarks.documents import documents
from tests.benchmarks.drops import drops
from tests.benchmarks.encodings import encodings
from tests.benchmarks.files import decoding, memory
from tests.benchmarks.kept import kept
from tests.benchmarks.microphone import microphone
from tests.benchmarks.qwen import qwen
from tests.benchmarks.readme import readme_table
from tests.benchmarks.recorder import recorder
from tests.benchmarks.rows import Row, add_run, table
from tests.benchmarks.scale import many, split, streams
from tests.benchmarks.sdk import streaming
from tests.benchmarks.slow import slow
from tests.benchmarks.sounds import talk_of
from tests.support.service import running_service


def startup(folder: Path) -> list[Row]:
    """Whole processes with a warm cache, by turns, so that whatever else the machine does meets all alike."""
    clip = talk_of(folder, 0.5)
    ways: dict[str, Callable[[], float]] = {
        "help": lambda: run(asrcli("--help")).wall_s,
        "typer": lambda: run(python("import typer")).wall_s,
        "first audio": lambda: until_first_audio_s(clip),
        "sdk": lambda: run(python("import dashscope")).wall_s,
        "lists": lambda: run(asrcli("vocab", "list", "--endpoint", service.url)).wall_s,
    }
    with running_service() as service:
        for way in ways.values():
            way()
        turns = [{name: way() * 1000 for name, way in ways.items()} for _ in range(15)]
    ms = {name: statistics.median(turn[name] for turn in turns) for name in ways}
    return [
        Row("asrcli --help", ms["help"], "ms", ms["typer"], "import typer", aim=1.5),
        Row("process start to first audio sent", ms["first audio"], "ms", ms["sdk"], "SDK import", aim=0.4),
        Row("asrcli vocab list", ms["lists"], "ms", ms["sdk"], "SDK import", aim=1.5),
    ]


def until_first_audio_s(clip: Path) -> float:
    with recorder() as record:
        started_at = run(file_command(record.url, clip)).started_at
    return record.audio_at[0] - started_at


PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "startup": startup,
    "streaming": streaming,
    "encodings": encodings,
    "drops": drops,
    "decoding": decoding,
    "memory": memory,
    "microphone": microphone,
    "qwen": qwen,
    "slow": slow,
    "kept": kept,
    "streams": streams,
    "many": many,
    "split": split,
    "documents": documents,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the run to this file")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"no such part: {' '.join(sorted(unknown))}; there are: {' '.join(PARTS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted.parts or PARTS:
            print(f"{name} …", file=sys.stderr)
            rows += PARTS[name](Path(folder))
    Console(width=None if sys.stdout.isatty() else 140).print(table(rows))
    if markdown := readme_table(rows):
        print(markdown)
    if wanted.json:
        add_run(wanted.json, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
