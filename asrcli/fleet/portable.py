"""Specs without what is secret, for other machines, and how they become whole again there.

A key stays where it is: each worker looks for one of its own, in the places where this program always does. So it is
with headers, which may hold secrets, and with passwords of proxies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.audio.opening import Files
from asrcli.engine.spec import Spec
from asrcli.settings import keys
from asrcli.values.addresses import is_loopback
from asrcli.values.errors import AuthError, UsageError
from asrcli.wire.dial import Network, tls_context
from asrcli.wire.proxies import find_proxy, parse_proxy

_HOW = (
    "set DASHSCOPE_API_KEY where the worker is started, or put it into ~/.dashscope/api_key there, or name a file that"
    " it can read with --api-key-file"
)


@dataclass(frozen=True, slots=True)
class Portable:
    """A spec without its key, and without the way to its service but for what the user has said of that.

    `input`: how its sources are opened.
    """

    spec: Spec
    input: Files
    proxy: str | None = None
    """The value of --proxy; None: what the environment of the worker says."""


def portable(spec: Spec, how: Files, proxy: str | None) -> Portable:
    """`spec` as it may travel, without who starts when, which the head says.

    Raises UsageError where it takes what must not travel.
    """
    if spec.endpoint.headers:
        raise UsageError("--header and --cluster exclude each other: its value would be sent to the workers")
    if proxy is not None and proxy != "none" and parse_proxy(proxy, "--proxy")[0].password is not None:
        raise UsageError(
            "a password in --proxy would be sent to the workers",
            hint="set HTTPS_PROXY where each worker is started, and leave --proxy out",
        )
    ca_bundle = spec.network.ca_bundle
    network = Network(None, None if ca_bundle is None else ca_bundle.absolute())
    endpoint = replace(spec.endpoint, api_key="")
    bare = replace(spec, endpoint=endpoint, network=network, starts_per_minute=None, rate=None, slots=None)
    return Portable(bare, how, proxy)


def whole(given: Portable, key_file: Path | None, environ: Mapping[str, str], home: Path) -> Spec:
    """The spec on this machine, with the key that is found here. Raises AuthError and UsageError."""
    spec = given.spec
    url, network = spec.endpoint.url, spec.network
    key = keys.find_key(None, key_file, environ, home)
    if key is None and is_loopback(urlsplit(url).hostname or ""):
        key = keys.ApiKey(keys.LOOPBACK_KEY, "the local service")
    if key is None:
        raise AuthError("no API key", hint=_HOW)
    if network.ca_bundle is not None:
        tls_context(network.ca_bundle)
    proxy, _ = find_proxy(given.proxy, environ, url)
    return replace(spec, endpoint=replace(spec.endpoint, api_key=key.value), network=replace(network, proxy=proxy))
