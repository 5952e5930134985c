"""The hotword lists of a service: by which way and with which key they are asked for."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from asrcli.protocols.base import handshake_headers
from asrcli.runs.choose_spec import AGENT, key_for, mask_secrets, network_of
from asrcli.settings import endpoints
from asrcli.values.errors import AsrcliError, UsageError
from asrcli.values.recognition import Endpoint

if TYPE_CHECKING:
    from asrcli.api.client import Patience
    from asrcli.api.hotword_lists import HotwordLists
    from asrcli.output.output import Output
    from asrcli.runs.request import ServiceOptions
    from asrcli.values.hotwords import HotwordList

# A person waits for it.
_TRIES = 3
_BETWEEN_UPDATES = timedelta(minutes=5)
# The service's times say no zone: the vendor's are UTC, or those of its home.
_ZONES = (timedelta(0), timedelta(hours=8))


def region_of(options: ServiceOptions) -> str:
    """The name of the region. Raises UsageError where lists would be gone as soon as they are made."""
    region = endpoints.region_label(options.region, options.endpoint, os.environ)
    if region == endpoints.LOCAL:
        raise UsageError(
            "--region local is a service for this run alone, and so would be its lists",
            hint="start `asrcli serve`, and give its address with --endpoint",
        )
    return region


@contextlib.contextmanager
def hotword_lists(options: ServiceOptions, output: Output) -> Iterator[HotwordLists]:
    """Those of the service that `options` name. Raises UsageError and AuthError."""
    from asrcli.api.client import Client
    from asrcli.api.hotword_lists import PATH, HotwordLists

    region_of(options)
    mask_secrets(options, output)
    url = endpoints.api_url(options.region, options.workspace, options.endpoint, os.environ)
    headers = handshake_headers(Endpoint(url, key_for(options, url), options.workspace, AGENT, options.headers))
    client = Client(url + PATH, headers, network_of(options, url, output), _patience(output))
    with contextlib.closing(client):
        yield HotwordLists(client)


def changed_lately(found: HotwordList, now: datetime | None = None) -> bool:
    """Whether the list may have been changed within the five minutes in which the service takes no other change."""
    if found.modified == found.created:
        return False
    try:
        changed = datetime.fromisoformat(found.modified).replace(tzinfo=UTC)
    except ValueError:
        return False
    return any(timedelta(0) <= (now or datetime.now(UTC)) + zone - changed < _BETWEEN_UPDATES for zone in _ZONES)


def _patience(output: Output) -> Patience:
    from asrcli.engine.retry import Retry
    from asrcli.system.clock import SystemClock

    retry, clock, never = Retry(tries=_TRIES), SystemClock(), threading.Event()
    waited_s = 0.0

    def wait(attempt: int, error: AsrcliError) -> bool:
        nonlocal waited_s
        wait_s = retry.wait_s(attempt, error, waited_s) if attempt <= retry.tries else None
        if wait_s is None:
            return False
        waited_s += wait_s
        output.notice(f"{error.reason.rstrip('.')}; trying again in {wait_s:.1f} s")
        clock.wait_until(clock.now() + wait_s, never)
        return True

    return wait
