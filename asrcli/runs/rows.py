"""Which sources a run has: those that are named, or those of a manifest; of a shard, its part of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from asrcli.fleet.manifest import BrokenManifest, Row, read
from asrcli.fleet.shards import Shard, digest_of
from asrcli.output.output import Output
from asrcli.output.sanitize import name as shown
from asrcli.remote.base import RemoteError, Way
from asrcli.runs.exits import Refused, exit_code
from asrcli.runs.recording import spare_what_is_there
from asrcli.runs.request import Request, ServiceOptions
from asrcli.system.crowd import many_that_stay
from asrcli.values.errors import UsageError
from asrcli.values.source_name import label


@dataclass(frozen=True, slots=True)
class Rows:
    """The sources of a run in their order. `total` counts those of other shards too. `where` is the place of one."""

    rows: Sequence[Row]
    total: int
    where: Callable[[int], str]


def rows_of(request: Request, output: Output) -> Rows:
    """The rows of `request`. Raises UsageError, and Refused for a manifest of which the problems were told."""
    corpus = request.corpus
    try:
        shard = None if corpus.shard is None else Shard.parse(corpus.shard)
        if corpus.manifest is None:
            found = _named(request, shard)
        else:
            with many_that_stay():
                manifest = read(corpus.manifest, shard, _way(request.service))
            found = Rows(manifest.rows, manifest.total, manifest.where)
    except BrokenManifest as broken:
        spare_what_is_there(output, request.output, broken)
        raise _refused(broken, output) from broken
    except (UsageError, RemoteError) as error:
        spare_what_is_there(output, request.output, error)
        # Nothing was begun: as where a file cannot be read.
        raise UsageError(error.message, hint=error.hint) from error
    if shard is not None and not request.output.quiet:
        output.say(f"shard {shard}: {len(found.rows)} of {found.total} {'source' if found.total == 1 else 'sources'}")
    return found


def with_rows(request: Request, rows: Rows) -> Request:
    """`request` with the sources that it comes down to."""
    return replace(request, names=tuple(row.audio for row in rows.rows))


def manifest_file(request: Request) -> tuple[str, ...]:
    """The name of the manifest, which no result is written over."""
    place = request.corpus.manifest
    return () if place is None else (place,)


def _way(service: ServiceOptions) -> Way:
    return Way(service.proxy, service.ca_bundle, service.retries)


def _named(request: Request, shard: Shard | None) -> Rows:
    names = request.names
    if request.corpus.results is not None or request.corpus.cluster is not None:
        _check_names(names)
    rows = [Row.named(name) for name in names if shard is None or shard.has(digest_of(name))]
    return Rows(rows, len(names), lambda index: label(rows[index].audio))


def _check_names(names: Sequence[str]) -> None:
    """Raise UsageError where one comes twice: its results are known by its name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"{shown(label(name))} is given twice", hint="leave one of them out")
        seen.add(name)


def _refused(broken: BrokenManifest, output: Output) -> Refused:
    for problem in (UsageError(broken.message, hint=broken.hint), *broken.others):
        output.error(problem)
    count = 1 + len(broken.others) + broken.left_out
    if count > 1:
        more = f", {broken.left_out} more than are told here" if broken.left_out else ""
        output.error(UsageError(f"{count} lines of the manifest cannot be used{more}; nothing was sent"))
    return Refused(exit_code(broken))
