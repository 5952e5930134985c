"""--cluster: who does the sources of a run elsewhere, what that takes, and what cannot be done there."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.engine.allowance import Allowance, Rate, parse_rate
from asrcli.engine.many import Transcribe
from asrcli.fleet.dispatch import Dispatch
from asrcli.fleet.head import Head
from asrcli.fleet.messages import Opening
from asrcli.fleet.portable import Portable, portable
from asrcli.fleet.works import Works, journal_of, recipe
from asrcli.output.sanitize import name as shown
from asrcli.runs.request import CLUSTER_SLOTS, CorpusOptions, Request
from asrcli.runs.sources import Prepared
from asrcli.settings import endpoints
from asrcli.settings.environment import variables
from asrcli.system.clock import SystemClock
from asrcli.system.extras import how_to_add
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT

if TYPE_CHECKING:
    from asrcli.audio.opening import Files
    from asrcli.engine.spec import Spec
    from asrcli.fleet.line import Line

# As many as one process carries.
_MOST_EACH = 1000
_MOST_PROCESSES = 256
_PROCESSES = re.compile(r"local:(\d+)")
# As Dask has them; of tcp and tls it is said that they are there.
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}")
_HOST_AND_PORT = re.compile(r"[\w.-]+:\d{1,5}")
_SCHEDULERS = "tcp://HOST:8786, tls://HOST:8786, the file of dask scheduler --scheduler-file"
_FORMS = f"{_SCHEDULERS}, or local:4"
# Progress of many is told less often.
_TICK_S = 1.0


def processes_of(where: str) -> int | None:
    """How many processes of this machine `where` names; None where it is a scheduler. Raises UsageError."""
    if not where.startswith("local"):
        return None
    found = _PROCESSES.fullmatch(where)
    if found is None or not 1 <= int(found[1]) <= _MOST_PROCESSES:
        raise UsageError(
            f"--cluster {shown(where)} is no number of processes",
            hint=f"local:1 to local:{_MOST_PROCESSES}; or a scheduler: {_SCHEDULERS}",
        )
    return int(found[1])


def scheduler_at(where: str) -> str:
    """The address of the scheduler that `where` names, itself or by the file that has it. Raises UsageError."""
    if "://" in where:
        return _checked(where, where)
    try:
        found = json.loads(Path(where).read_text(encoding="utf-8"))["address"]
    except FileNotFoundError as error:
        raise UsageError(f"--cluster {shown(where)}: there is no such file", hint=_meant(where)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--cluster {shown(where) or repr(where)} is no file of a scheduler", hint=_FORMS) from error
    return _checked(str(found), where)


def _meant(where: str) -> str:
    """What to give in the place of `where`, which is no file."""
    if _HOST_AND_PORT.fullmatch(where) is not None:
        return f"an address is tcp://{where}"
    if where.isdecimal():
        count = min(max(1, int(where[:4])), _MOST_PROCESSES)
        return f"processes of this machine are local:{count}"
    return "dask scheduler --scheduler-file FILE writes one"


def _checked(address: str, where: str) -> str:
    if _ADDRESS.fullmatch(address) is None:
        raise UsageError(f"--cluster {shown(where)} is no address of a scheduler", hint=_FORMS)
    return address


def check_cluster(request: Request, region: str, context_from: Path | None) -> None:
    """Raise UsageError for what cannot be done by others, or not without saying more than may be said."""
    where = request.corpus.cluster or ""
    service, output = request.service, request.output
    refused = {
        "standard input": STANDARD_INPUT in request.names,
        "--split": request.many.split > 1,
        "--save-audio": output.save_audio is not None,
        "--log": output.log is not None,
        "--embed": output.embed,
        "--context-from": context_from is not None,
    }
    for what, is_asked_for in refused.items():
        if is_asked_for:
            raise UsageError(f"{what} and --cluster exclude each other", hint="the sound is heard by other processes")
    own = "each worker finds its own: DASHSCOPE_API_KEY, ~/.dashscope/api_key, or the file that --api-key-file names"
    if service.api_key is not None:
        raise UsageError("--api-key and --cluster exclude each other: a key is not sent to workers", hint=own)
    if service.headers:
        raise UsageError("--header and --cluster exclude each other: its value would be sent to workers")
    if region == endpoints.LOCAL and processes_of(where) is None:
        raise UsageError(
            f"--region local and --cluster {where} exclude each other: the service is for this machine alone",
            hint="--cluster local:N, or start asrcli serve where all workers reach it, and name it with --endpoint",
        )
    if processes_of(where) is None and importlib.util.find_spec("distributed") is None:
        raise UsageError("--cluster takes Dask, which is not installed", hint=how_to_add("cluster"))
    if processes_of(where) is None:
        scheduler_at(where)


@dataclass(frozen=True, slots=True)
class _Allowed:
    slots: int
    rate: Rate | None

    @classmethod
    def of(cls, corpus: CorpusOptions, starts_per_minute: int | None) -> _Allowed:
        rate = None if corpus.rate is None else parse_rate(corpus.rate)
        if rate is None and starts_per_minute is not None:
            rate = Rate(starts_per_minute, 60)
        return cls(corpus.slots or CLUSTER_SLOTS, rate)


@contextlib.contextmanager
def cluster_of(
    request: Request,
    sources: Sequence[Prepared],
    specs: Sequence[Spec],
    inputs: Sequence[Files],
    own_key: str | None,
    tick_s: float | None,
) -> Iterator[tuple[Transcribe, Callable[[int], None]]]:
    """What transcribes `sources` on a cluster, and what is to be told of each result that is durable.

    `own_key` is the one of the head's own service, None where there is none. Raises UsageError.
    """
    variants = [portable(spec, how, request.service.proxy) for spec, how in zip(specs, inputs, strict=True)]
    recipes = [recipe(each) for each in variants]
    clock = SystemClock()
    allowed = _Allowed.of(request.corpus, request.service.starts_per_minute)
    dispatch = Dispatch(
        *(range(len(sources)), Allowance(clock, allowed.slots, allowed.rate)), request.many.jobs or _MOST_EACH, clock
    )
    works = Works([item.row for item in sources], [item.variant for item in sources], recipes)
    line = _line(request.corpus.cluster or "")
    with _key_file(request, own_key) as key_file:
        head = Head(line, opening_for(request, variants, recipes, key_file), works, dispatch, clock, tick_s)
        yield head.transcribe, head.kept


def opening_for(
    request: Request, variants: Sequence[Portable], recipes: Sequence[str], key_file: Path | None
) -> Opening:
    """What each crew begins with."""
    place = None if request.output.force else request.corpus.results or request.many.output_dir
    # Without a place for the results nobody comes back for them, nor where all is done again.
    journal = journal_of(secrets.token_hex(8) if place is None else _place(str(place)), recipes)
    # Where there are files too, it is seen here what those are made from.
    hashes = request.corpus.results is not None and request.many.output_dir is None
    return Opening(secrets.token_hex(8), journal, place is not None, tuple(variants), key_file, _TICK_S, hashes)


def _place(name: str) -> str:
    return name if "://" in name else str(Path(name).absolute())


def _line(where: str) -> Line:
    count = processes_of(where)
    if count is not None:
        from asrcli.fleet.processes import Processes

        return Processes(count, variables())
    from asrcli.fleet.dask_cluster import DaskCluster

    return DaskCluster(scheduler_at(where))


@contextlib.contextmanager
def _key_file(request: Request, own_key: str | None) -> Iterator[Path | None]:
    """Where workers find the key: that of the user, or of the service that was started for this run."""
    if own_key is None:
        named = request.service.api_key_file
        yield None if named is None else named.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="asrcli-") as folder:
        path = Path(folder) / "key"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(own_key)
        yield path
