"""The way to the service, tried: name, connection, TLS, handshake, each with its time; the key by the handshake alone.

A key that is refused is shown to the other region of the same cloud once, so that the right one can be named; nobody
is switched there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from asrcli.doctor.access import GROUP, Access
from asrcli.doctor.findings import Finding, Subject
from asrcli.protocols.base import address, handshake_headers
from asrcli.protocols.run_task import RunTask
from asrcli.settings import endpoints
from asrcli.values.errors import AsrcliError, AuthError
from asrcli.values.messages import ConnectRequest
from asrcli.values.recognition import Endpoint
from asrcli.wire.certificates import holds
from asrcli.wire.dial import Network
from asrcli.wire.probe import Patience, Probe, Step

_ALL = "everything but --region local"
WAY = Subject("way", GROUP, "way there", _ALL)
TRIED = Subject("key-tried", GROUP, "key tried", _ALL)
CLOCK = Subject("clock", GROUP, "clock", "certificates, and times in logs")
_STEPS = {
    "dns": Subject("dns", GROUP, "DNS", _ALL),
    "tcp": Subject("tcp", GROUP, "TCP", _ALL),
    "tls": Subject("tls", GROUP, "TLS", _ALL),
    "upgrade": Subject("upgrade", GROUP, "handshake", _ALL),
}

# Of an answer: more than it takes to come, and less than what makes a certificate look out of date.
_SKEW_S = 120

# Together less than all checks have.
_PATIENCE, _PATIENCE_ELSEWHERE = Patience(step_s=3.0, all_s=5.5), Patience(step_s=2.0, all_s=3.0)

Steps = Callable[[ConnectRequest, Network, bool, Patience], Iterator[Step]]
"""Tries the way; the third argument: with the handshake, and not only to its door."""


class Started(Protocol):
    """A local service that was started for the check."""

    def endpoint(self) -> Endpoint:
        """Raises LinkError where it does not start."""
        ...


def steps(request: ConnectRequest, network: Network, shakes_hands: bool, patience: Patience) -> Iterator[Step]:
    return Probe(request, network, patience).steps(shakes_hands=shakes_hands)


def way(
    access: Access,
    agent: str,
    start: Callable[[], AbstractContextManager[Started]],
    now: Callable[[], datetime],
    steps: Steps = steps,
) -> Iterator[Finding]:
    """One finding for each step. `start` starts the local service; `now` is the time, with its zone."""
    if access.is_local:
        with start() as local:
            try:
                endpoint = local.endpoint()
            except AsrcliError as error:
                yield WAY.fail(error.message, error.hint or "see the local service below")
                return
            for finding in _tried(endpoint, access, now, steps, has_key=True):
                yield finding if finding.affects is None else replace(finding, affects="--region local")
        return
    try:
        url = access.url()
    except AsrcliError:
        # It has been told of as the address.
        return
    try:
        key, has_key = access.key(), True
    except AuthError:
        # That too; how far one comes is worth knowing all the same.
        key, has_key = "", False
    yield from _tried(_endpoint(access, url, key, agent), access, now, steps, has_key=has_key)


def _endpoint(access: Access, url: str, key: str, agent: str) -> Endpoint:
    return Endpoint(url, key, access.workspace, agent, access.headers)


def _request(endpoint: Endpoint) -> ConnectRequest:
    return ConnectRequest(address(endpoint.url, RunTask.path), handshake_headers(endpoint))


def _tried(
    endpoint: Endpoint, access: Access, now: Callable[[], datetime], steps: Steps, *, has_key: bool
) -> Iterator[Finding]:
    request = _request(endpoint)
    try:
        network = access.network(request.url)
    except AsrcliError:
        # It has been told of as the proxy.
        return
    for step in steps(request, network, has_key, _PATIENCE):
        yield _told(step, network)
        if step.kind == "upgrade":
            yield from _answered(step, endpoint, access, steps)
            yield from clock(step.headers.get("date"), now())


def _told(step: Step, network: Network) -> Finding:
    subject = _STEPS[step.kind]
    through = f" of the proxy {network.proxy}" if network.proxy and step.kind in ("dns", "tcp") else ""
    error = step.error
    if isinstance(error, AuthError):
        return subject.ok(f"answered, with HTTP {error.http_status}", ms=step.ms)
    if error is not None:
        return subject.fail(error.reason, error.hint, ms=step.ms)
    match step.kind:
        case "tls":
            return subject.ok(f"{step.found}, certificate signed by {_signer(step.issuer, network)}", ms=step.ms)
        case "upgrade":
            return subject.ok("the service speaks WebSocket", ms=step.ms)
    return subject.ok(f"{step.found}{through}", ms=step.ms)


def _signer(issuer: str | None, network: Network) -> str:
    if issuer is None:
        return "nobody named"
    bundle = network.ca_bundle
    own = f", an authority of --ca-bundle {bundle}" if bundle is not None and holds(bundle, issuer) else ""
    return f"{issuer!r}{own}"


def _answered(step: Step, endpoint: Endpoint, access: Access, steps: Steps) -> Iterator[Finding]:
    """What the answer to the handshake says of the key."""
    error = step.error
    if error is None:
        yield TRIED.ok("taken: the handshake was let in, and nothing was recognised")
    elif isinstance(error, AuthError):
        code = f", {error.service_code}" if error.service_code else ""
        said = f"refused: HTTP {error.http_status}{code}: {error.message}"
        fix = "make a new key in the Model Studio console, or check whose key this is"
        if access.workspace:
            fix = f"check that the key belongs to the workspace {access.workspace}, or leave --workspace out"
        for region in endpoints.other_regions(access.region_label):
            answer, is_taken = _elsewhere(region, endpoint, access, steps)
            said += f"; region {region} {answer}"
            fix = f"--region {region}" if is_taken else fix
        yield TRIED.fail(said, fix)


def _elsewhere(region: str, endpoint: Endpoint, access: Access, steps: Steps) -> tuple[str, bool]:
    """What `region` does with the key, and whether it takes it. At its shared address: a workspace is of one region."""
    url = endpoints.endpoint_url(region, None, None, {})
    request = _request(Endpoint(url, endpoint.api_key, None, endpoint.user_agent, endpoint.headers))
    *_, last = steps(request, access.network(url), True, _PATIENCE_ELSEWHERE)
    if isinstance(last.error, AuthError):
        return "refuses it too", False
    return ("could not be asked", False) if last.error is not None else ("takes it", True)


def clock(date: str | None, now: datetime) -> Iterator[Finding]:
    """Whether ours goes as that of the service, whose `date` is that of HTTP; no finding without one."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return
    ahead_s = round((now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds())
    if abs(ahead_s) <= _SKEW_S:
        yield CLOCK.ok(f"within {max(1, abs(ahead_s))} s of the service's")
    else:
        side = "ahead of" if ahead_s > 0 else "behind"
        yield CLOCK.warn(
            f"{abs(ahead_s)} s {side} the service's", "set the clock of this machine, or have it set by NTP"
        )
