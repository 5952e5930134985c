"""--dry-run: what a run would do, how long that takes at least, and what it costs by the list prices.

All that a run checks is checked. Nothing is sent, written or started, no key is needed, and nobody is asked: what lies
at an address is not looked at, a named pipe is not opened, a list of hotwords is not made.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.audio.opening import Files
from asrcli.audio.reading import glance
from asrcli.engine.allowance import parse_rate
from asrcli.fleet.manifest import Row
from asrcli.output.formats.jsonl import plan_line
from asrcli.output.output import Output
from asrcli.output.plan import Lacking, Plan, Share, document, text
from asrcli.output.views import terminal
from asrcli.runs.choose_forms import STANDARD_OUTPUT, forms_of
from asrcli.runs.choose_spec import Choice, network_of
from asrcli.runs.embedding import Embedding
from asrcli.runs.exits import EXIT_CODES
from asrcli.runs.request import Request
from asrcli.runs.results import Results
from asrcli.runs.rows import Rows
from asrcli.runs.sources import AlreadyDone, Opener, Prepared
from asrcli.runs.variants import AllChosen
from asrcli.settings import catalogue, endpoints
from asrcli.values.addresses import is_address, is_loopback
from asrcli.values.errors import AsrcliError
from asrcli.values.source_name import STANDARD_INPUT

_JSON = "json"
# Of files without a length in the manifest: each takes a third of a millisecond.
_MOST_LOOKED_UP = 10_000


def dry_run(
    request: Request, rows: Rows, chosen: AllChosen, results: Results, embedding: Embedding | None, output: Output
) -> int:
    """Print the plan of `request`; the exit code that the run would have, as far as that shows.

    It is 1 where a source of a corpus would fail. Raises what a run would that is refused, and Refused.
    """
    is_free = _check_the_way(request, chosen.variants[0].choice, output)
    if results.keeping is not None:
        results.keeping.check_place()
    with ExitStack() as stack:
        sources = _corpus(rows) if request.is_corpus else _looked_at(request, chosen, output)
        for item, variant in zip(sources, chosen.of_source, strict=True):
            item.variant = variant
        to_do = results.to_do(sources, stack)
        if embedding is not None and not request.is_corpus:
            embedding.check_sources(to_do)
        plan = _plan(request, rows, chosen, to_do, results, is_free=is_free)
    if _wants_json(request):
        print(plan_line(document(plan)), end="")
    else:
        columns = terminal.size(sys.stdout)[0] if sys.stdout.isatty() else None
        names_all = request.output.verbose > 0
        output.aside(lambda: print(text(plan, columns, names_all=names_all)))
    return EXIT_CODES[AsrcliError] if plan.missing.count or plan.failing.count else 0


def _check_the_way(request: Request, choice: Choice, output: Output) -> bool:
    """Raise UsageError for a service that cannot be asked, or not by that way; whether it costs nothing."""
    service = request.service
    if choice.region == endpoints.LOCAL:
        from asrcli.runs.local import check_installed

        check_installed()
        return True
    url = endpoints.endpoint_url(service.region, service.workspace, service.endpoint, os.environ)
    network_of(service, url, output)
    return is_loopback(urlsplit(url).hostname or "")


def _corpus(rows: Rows) -> list[Prepared]:
    return [Prepared(row, duration_ms=row.duration_ms) for row in rows.rows]


def _looked_at(request: Request, chosen: AllChosen, output: Output) -> list[Prepared]:
    """The sources in order, as a run checks them; what can be opened but once is left to the run. Raises Refused."""
    found = {}
    for how, names in (
        (chosen.variants[0].input, [name for name in request.names if _can_be_opened_again(name)]),
        # What it is would show in its first bytes, which may not have come.
        (request.input, [name for name in request.names if name == STANDARD_INPUT]),
    ):
        for item in Opener([how], 0).check(names, output):
            item.close()
            found[item.name] = item
    return [found.get(name) or Prepared(Row.named(name)) for name in request.names]


def _can_be_opened_again(name: str) -> bool:
    if name == STANDARD_INPUT or is_address(name):
        return False
    try:
        return not stat.S_ISFIFO(Path(name).stat().st_mode)
    except (OSError, ValueError):
        # Whoever opens it says what is wrong.
        return True


class _Survey:
    """What is to be done, source by source: what each model has, and what would fail.

    Of a corpus only is something missing, or cannot be read: else it has been refused. `is_here`: it is this machine
    that opens its files.
    """

    def __init__(self, request: Request, chosen: AllChosen, results: Results, *, is_here: bool) -> None:
        self._is_corpus = request.is_corpus
        self._chosen = chosen
        self._results = results
        self._is_here = is_here
        self._may_be_raw = isinstance(request.input, Files) and request.input.raw is not None
        self._looked_up = 0
        self.done = 0
        self.shares: dict[str, Share] = {}
        self.missing = Lacking()
        self.failing = Lacking()
        self.longest_ms = 0

    def take(self, item: Prepared) -> None:
        """One source more: it is done, or would fail, or is to do."""
        try:
            self._results.planned(item)
        except AlreadyDone:
            self.done += 1
            return
        except AsrcliError as error:
            self.failing.add(item.name, error.message)
            return
        seen = self._seen(item) if self._is_corpus and not is_address(item.name) else glance.Glance()
        if self._is_here and seen.problem:
            is_missing = seen.problem == glance.MISSING
            (self.missing if is_missing else self.failing).add(item.name, "" if is_missing else seen.problem)
            return
        length_ms = seen.length_ms if item.duration_ms is None else item.duration_ms
        choice = self._chosen.variants[item.variant].choice
        model = choice.options.model
        share = self.shares.get(model) or self.shares.setdefault(model, _share(choice))
        share.add(length_ms, choice.options.languages)
        self.longest_ms = max(self.longest_ms, length_ms or 0)

    def _seen(self, item: Prepared) -> glance.Glance:
        channel = item.row.channel
        if (item.duration_ms is None or channel is not None) and self._looked_up < _MOST_LOOKED_UP:
            self._looked_up += 1
            return glance.look(item.name, may_be_raw=self._may_be_raw, channel=channel)
        return glance.Glance(problem=glance.problem(item.name))


def _plan(
    request: Request, rows: Rows, chosen: AllChosen, sources: Sequence[Prepared], results: Results, *, is_free: bool
) -> Plan:
    """What is to be done of `sources`."""
    rate, workers = _rate(request), _workers(request.corpus.cluster)
    # On machines elsewhere there may be files that are not here.
    survey = _Survey(request, chosen, results, is_here=workers is not None)
    for item in sources:
        survey.take(item)
    at_once = request.at_once(len(sources) - survey.done - survey.missing.count - survey.failing.count)
    if request.corpus.cluster is not None and request.many.jobs is not None and workers is not None:
        at_once = min(at_once, request.many.jobs * workers)
    return Plan(
        region=chosen.variants[0].choice.region,
        sources=rows.total,
        shard=request.corpus.shard,
        in_shard=len(rows.rows),
        done=len(rows.rows) - len(sources) + survey.done,
        missing=survey.missing,
        failing=survey.failing,
        shares=survey.shares,
        at_once=at_once,
        longest_ms=survey.longest_ms,
        speed=request.speed,
        starts=None if rate is None else rate[0],
        starts_in_s=1.0 if rate is None else rate[1],
        cluster=request.corpus.cluster,
        workers=workers,
        parts=request.many.split,
        prices_of=None if is_free else catalogue.PRICES_OF,
    )


def _rate(request: Request) -> tuple[int, float] | None:
    """So many starts in so many seconds; None where there is no limit. Raises UsageError."""
    if request.corpus.rate is not None:
        rate = parse_rate(request.corpus.rate)
        return rate.starts, rate.seconds
    per_minute = request.service.starts_per_minute
    # Those come evenly.
    return None if per_minute is None else (1, 60.0 / per_minute)


def _workers(cluster: str | None) -> int | None:
    """How many processes work, as far as that is known without asking."""
    if cluster is None:
        return 1
    from asrcli.runs.cluster import processes_of

    return processes_of(cluster)


def _share(choice: Choice) -> Share:
    """What the model of `choice` costs, and nothing to do yet."""
    model = catalogue.find(choice.options.model)
    region = endpoints.models_region(choice.region)
    price = None if model is None or region is None else model.prices.get(region)
    if price is None or not price.per_s:
        return Share()
    return Share(currency=price.currency, per_s=float(price.per_s))


def _wants_json(request: Request) -> bool:
    options = request.output
    here = (form for form in forms_of(options, request.many.output_dir) if form.place == STANDARD_OUTPUT)
    return options.json or any(form.name == _JSON for form in here)
