"""Which service is asked, with what key and by which way, as far as that shows before anything is sent."""

from __future__ import annotations

import shlex
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.doctor.findings import Finding, Subject
from asrcli.settings import endpoints, keys
from asrcli.settings.keys import ApiKey
from asrcli.system.extras import how_to_add
from asrcli.values.addresses import is_loopback
from asrcli.values.errors import AsrcliError, AuthError, UsageError
from asrcli.wire.dial import Network, tls_context
from asrcli.wire.failures import place
from asrcli.wire.proxies import find_proxy

GROUP = "service"

_ALL = "everything but --region local"
SERVICE = Subject("address", GROUP, "address", _ALL)
KEY = Subject("key", GROUP, "key", _ALL)
PROXY = Subject("proxy", GROUP, "proxy", _ALL)
AUTHORITIES = Subject("ca-bundle", GROUP, "certificates", _ALL)

_NO_PROXY = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Access:
    """What flags, files and variables say of the service. The keys are among the variables."""

    region: str | None
    workspace: str | None
    endpoint: str | None
    proxy: str | None
    ca_bundle: Path | None
    environ: Mapping[str, str] = field(repr=False)
    home: Path
    api_key: str | None = field(default=None, repr=False)
    api_key_file: Path | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def is_local(self) -> bool:
        return self.region_label == endpoints.LOCAL

    @property
    def region_label(self) -> str:
        """Raises UsageError for a region that there is not."""
        return endpoints.region_label(self.region, self.endpoint, self.environ)

    def url(self) -> str:
        """Raises UsageError."""
        return endpoints.endpoint_url(self.region, self.workspace, self.endpoint, self.environ)

    def key(self) -> str:
        """Raises AuthError where there is none."""
        found = self.found_key()
        if found is not None:
            return found.value
        if is_loopback(urlsplit(self.url()).hostname or ""):
            return keys.LOOPBACK_KEY
        raise keys.missing_key()

    def found_key(self) -> ApiKey | None:
        """Raises AuthError for one that is named and cannot be had."""
        return keys.find_key(self.api_key, self.api_key_file, self.environ, self.home)

    def network(self, url: str) -> Network:
        """Raises UsageError."""
        return Network(find_proxy(self.proxy, self.environ, url)[0], self.ca_bundle)


def address(access: Access) -> Iterator[Finding]:
    """The region, the workspace and the address that they come to."""
    if access.is_local:
        yield SERVICE.ok("--region local: our own service, started for this check")
        return
    try:
        url, label = access.url(), access.region_label
    except UsageError as error:
        yield SERVICE.fail(error.message, error.hint)
        return
    region = f"region {label}" if label != endpoints.CUSTOM else f"given by {_origin_of_address(access)}"
    workspace = f", workspace {access.workspace}" if access.workspace else ""
    yield SERVICE.ok(f"{place(url)}, {region}{workspace}")


def _origin_of_address(access: Access) -> str:
    return "--endpoint" if access.endpoint else endpoints.ENDPOINT_VARIABLE


def key(access: Access, learn: Callable[[str], None]) -> Iterator[Finding]:
    """Where the key is from and whether it looks like one. Nobody is asked. `learn` is told of it, to mask it."""
    try:
        found = access.found_key()
    except AuthError as error:
        yield KEY.fail(error.message, error.hint or "name a file that holds nothing but the key")
        return
    if found is None:
        yield _no_key(access)
        return
    learn(found.value)
    shown = f"{'sk-…' if found.value.startswith('sk-') else '…'}, {len(found.value)} characters, from {found.origin}"
    odd = keys.oddity(found.value)
    if odd is not None:
        # A gateway's keys may look like anything, so only quotes are surely wrong.
        judge = KEY.fail if "quotes" in odd else KEY.warn
        yield judge(f"{shown}: {odd}", "copy it again from the Model Studio console")
    elif access.api_key:
        yield KEY.warn(f"{shown}; others see it in the process list", "set DASHSCOPE_API_KEY instead", works=True)
    elif found.path is not None and (mode := _open_to_others(found.path)):
        close = f"chmod 600 {shlex.quote(str(found.path))}"
        yield KEY.warn(f"{shown}; others may read the file ({mode:o})", close, works=True)
    else:
        yield KEY.ok(shown)


def _no_key(access: Access) -> Finding:
    if access.is_local:
        return KEY.ok("none, and none is needed: the local service gets one of its own")
    try:
        if is_loopback(urlsplit(access.url()).hostname or ""):
            return KEY.ok("none, and none is needed on loopback")
    except UsageError:
        pass
    missing = keys.missing_key()
    return KEY.fail(missing.message, missing.hint)


def _open_to_others(path: Path) -> int:
    """The permissions of a file that others than its owner may read; else 0."""
    if sys.platform == "win32":
        return 0
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode if mode & (stat.S_IRGRP | stat.S_IROTH) else 0


def proxy(access: Access) -> Iterator[Finding]:
    """The proxy on the way to the service, and who named it."""
    try:
        url = "ws://127.0.0.1" if access.is_local else access.url()
        found, note = find_proxy(access.proxy, access.environ, url)
    except UsageError as error:
        yield PROXY.fail(error.message, error.hint)
        return
    if found is None:
        yield PROXY.ok(f"none{_why_none(access)}")
    elif found.scheme.startswith("socks") and not _speaks_socks():
        yield PROXY.fail(f"{found}, from {found.origin}: a package is missing for it", how_to_add("socks"))
    elif note:
        yield PROXY.warn(note, f"write {found}", works=True)
    else:
        password = ", with a password" if found.password else ""
        yield PROXY.ok(f"{found}, from {found.origin}{password}")


def _why_none(access: Access) -> str:
    """Where a variable names one all the same."""
    if access.proxy == "none":
        return ", as --proxy none says"
    named = [name for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY") if access.environ.get(name)]
    if not named:
        return ""
    excepted = next((name for name in _NO_PROXY if access.environ.get(name)), None)
    return f": {excepted or 'loopback'} excepts it from {named[0]}"


def _speaks_socks() -> bool:
    from importlib.util import find_spec

    return find_spec("python_socks") is not None


def authorities(access: Access) -> Iterator[Finding]:
    """Whom we trust beside the system; no finding where that is nobody."""
    if access.ca_bundle is not None:
        try:
            tls_context(access.ca_bundle)
        except AsrcliError as error:
            yield AUTHORITIES.fail(error.message, error.hint or "give a file of certificates in PEM form")
            return
        yield AUTHORITIES.ok(f"{access.ca_bundle} is trusted beside the system's authorities")
    elif named := access.environ.get("SSL_CERT_FILE"):
        if Path(named).is_file():
            yield AUTHORITIES.ok(f"SSL_CERT_FILE {named} is trusted in place of the system's authorities")
        else:
            yield AUTHORITIES.fail(f"SSL_CERT_FILE {named} is not there", "unset SSL_CERT_FILE, or name a PEM file")
