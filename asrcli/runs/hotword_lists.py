"""The hotword lists of a service: by which way and with which key they are asked for."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.protocols.base import handshake_headers
from asrcli.runs.choose_spec import AGENT, key_for, mask_secrets, network_of
from asrcli.runs.known_lists import KnownList, KnownLists, account, hash_of
from asrcli.settings import endpoints
from asrcli.values.errors import AsrcliError, ServiceError, UsageError
from asrcli.values.recognition import Endpoint

if TYPE_CHECKING:
    from asrcli.api.client import Patience
    from asrcli.api.hotword_lists import HotwordLists, Made
    from asrcli.output.output import Output
    from asrcli.runs.request import ServiceOptions
    from asrcli.values.hotwords import Hotword, HotwordList
    from asrcli.wire.dial import Network

# A person waits for it.
_TRIES = 3
BETWEEN_UPDATES = timedelta(minutes=5)
_WITHOUT_KEY = "`asrcli serve`, with its address after --endpoint"
NO_SUCH_LIST = "BadRequest.ResourceNotExist"
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


class Lists:
    """The lists of one account at one service, and what is known of them here. Raises as HotwordLists does."""

    def __init__(self, asked: HotwordLists, known: KnownLists) -> None:
        self.known = known
        self._asked = asked

    def create(self, model: str, prefix: str, words: Sequence[Hotword], file: Path | None = None) -> Made:
        """Make a list of `words`, which are those of `file` if there is one."""
        with self.known.alone():
            made = self._asked.create(model, prefix, words)
            self.known.put(self._entry(made.id, model, words, file))
        return made

    def all(self, prefix: str | None = None) -> list[HotwordList]:
        return self._asked.all(prefix)

    def show(self, list_id: str) -> HotwordList:
        """What it shows is known from now on."""
        with self._known_as_long_as_there(list_id):
            shown = self._asked.show(list_id)
        entry = self._entry(list_id, shown.model or "", shown.words or (), None)
        before = self.known.find(list_id)
        if before is None or (before.model, before.words) != (entry.model, entry.words):
            since = entry if before is None else replace(entry, file=before.file, updated=before.updated)
            self.known.put(since)
        return shown

    def update(self, list_id: str, model: str, words: Sequence[Hotword], file: Path | None = None) -> None:
        with self._known_as_long_as_there(list_id):
            self._asked.update(list_id, words)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.known.put(replace(self._entry(list_id, model, words, file), updated=now))

    def delete(self, list_id: str) -> None:
        with self._known_as_long_as_there(list_id):
            self._asked.delete(list_id)
        self.known.forget(list_id)

    def _entry(self, list_id: str, model: str, words: Sequence[Hotword], file: Path | None) -> KnownList:
        path = None if file is None else str(file.resolve())
        whose = self.known.whose
        return KnownList(list_id, whose.place, whose.owner, model, hash_of(words), len(words), path)

    @contextlib.contextmanager
    def _known_as_long_as_there(self, list_id: str) -> Iterator[None]:
        try:
            yield
        except ServiceError as error:
            if is_gone(error):
                self.known.forget(list_id)
            raise


def is_gone(error: AsrcliError) -> bool:
    """Whether the service knows no such list."""
    return isinstance(error, ServiceError) and error.service_code == NO_SUCH_LIST


@contextlib.contextmanager
def hotword_lists(options: ServiceOptions, output: Output) -> Iterator[Lists]:
    """Those of the service that `options` name. Raises UsageError and AuthError."""
    region_of(options)
    mask_secrets(options, output)
    url = endpoints.api_url(options.region, options.workspace, options.endpoint, os.environ)
    endpoint = Endpoint(url, key_for(options, url, _WITHOUT_KEY), options.workspace, AGENT, options.headers)
    with asked_at(endpoint, network_of(options, url, output), output) as asked:
        yield Lists(asked, KnownLists(account(url, endpoint.api_key, options.workspace), output.notice))


@contextlib.contextmanager
def asked_at(endpoint: Endpoint, network: Network, output: Output) -> Iterator[HotwordLists]:
    """The lists at `endpoint`, whose url is that of the HTTP API."""
    from asrcli.api.client import Client
    from asrcli.api.hotword_lists import PATH, HotwordLists

    client = Client(endpoint.url + PATH, handshake_headers(endpoint), network, _patience(output))
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
    return any(timedelta(0) <= (now or datetime.now(UTC)) + zone - changed < BETWEEN_UPDATES for zone in _ZONES)


def _patience(output: Output) -> Patience:
    from asrcli.system.clock import SystemClock
    from asrcli.wire.retry import Retry

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
