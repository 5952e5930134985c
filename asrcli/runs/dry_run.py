"""--dry-run: what a run would do, how long that takes at least, and what it costs by the list prices.

All that a run checks is checked. Nothing is sent, written or started, no key is needed, and nobody is asked: what lies
at an address is not looked at, a named pipe is not opened, a list of hotwords is not made.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.audio.opening import Input
from asrcli.fleet.manifest import Row
from asrcli.output.formats.jsonl import plan_line
from asrcli.output.output import Output
from asrcli.output.plan import Plan, Share, document, text
from asrcli.output.views import terminal
from asrcli.runs.choose_forms import STANDARD_OUTPUT, forms_of
from asrcli.runs.choose_spec import Choice, network_of
from asrcli.runs.embedding import Embedding
from asrcli.runs.request import Request
from asrcli.runs.results import Results
from asrcli.runs.sources import Opener, Prepared
from asrcli.settings import catalogue, endpoints
from asrcli.values.addresses import is_loopback
from asrcli.values.source_name import STANDARD_INPUT

_JSON = "json"


def dry_run(
    request: Request, choice: Choice, how: Input, results: Results, embedding: Embedding | None, output: Output
) -> int:
    """Print the plan of `request`; the exit code. Raises what a run would that is refused, and Refused."""
    is_free = _check_the_way(request, choice, output)
    with ExitStack() as stack:
        sources = results.to_do(_looked_at(request, how, output), stack)
        if embedding is not None:
            embedding.check_sources(sources)
        plan = _plan(request, choice, sources, is_free=is_free)
    if _wants_json(request):
        print(plan_line(document(plan)), end="")
    else:
        columns = terminal.size(sys.stdout)[0] if sys.stdout.isatty() else None
        output.aside(lambda: print(text(plan, columns)))
    return 0


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


def _looked_at(request: Request, how: Input, output: Output) -> list[Prepared]:
    """The sources in order, as a run checks them; what can be opened but once is left to the run. Raises Refused."""
    found = {}
    for opener, names in (
        (Opener([how], 0), [name for name in request.names if _can_be_opened_again(name)]),
        # What it is would show in its first bytes, which may not have come.
        (Opener([request.input], 0), [name for name in request.names if name == STANDARD_INPUT]),
    ):
        for item in opener.check(names, output):
            item.close()
            found[item.name] = item
    return [found.get(name) or Prepared(Row.named(name)) for name in request.names]


def _can_be_opened_again(name: str) -> bool:
    if name == STANDARD_INPUT:
        return False
    try:
        return not stat.S_ISFIFO(Path(name).stat().st_mode)
    except (OSError, ValueError):
        # Whoever opens it says what is wrong.
        return True


def _plan(request: Request, choice: Choice, sources: Sequence[Prepared], *, is_free: bool) -> Plan:
    many, service = request.many, request.service
    shares = {choice.options.model: _share(choice)}
    for item in sources:
        shares[choice.options.model].add(item.duration_ms, choice.options.languages)
    total = len(request.names)
    return Plan(
        region=choice.region,
        sources=total,
        in_shard=total,
        done=total - len(sources),
        shares=shares if sources else {},
        at_once=request.at_once(len(sources)),
        longest_ms=_longest_ms(sources),
        speed=request.speed,
        starts=None if service.starts_per_minute is None else 1,
        starts_in_s=60.0 / (service.starts_per_minute or 60),
        parts=many.split,
        prices_of=None if is_free else catalogue.PRICES_OF,
    )


def _share(choice: Choice) -> Share:
    """What the model of `choice` costs, and nothing to do yet."""
    model = catalogue.find(choice.options.model)
    region = endpoints.models_region(choice.region)
    price = None if model is None or region is None else model.prices.get(region)
    if price is None or not price.per_s:
        return Share()
    return Share(currency=price.currency, per_s=float(price.per_s))


def _longest_ms(sources: Iterable[Prepared]) -> int:
    return max((item.duration_ms or 0 for item in sources), default=0)


def _wants_json(request: Request) -> bool:
    options = request.output
    here = (form for form in forms_of(options, request.many.output_dir) if form.place == STANDARD_OUTPUT)
    return options.json or any(form.name == _JSON for form in here)
