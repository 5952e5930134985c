"""Which proxy is on the way to a service: what the user says, and what the environment does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from asrcli.values.addresses import is_loopback
from asrcli.values.errors import UsageError

_PROXY_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way, and who named it: --proxy, or a variable. User and password are left out of the repr."""

    scheme: str
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    origin: str = field(default="", repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def find_proxy(flag: str | None, environ: Mapping[str, str], url: str) -> tuple[Proxy | None, str | None]:
    """The proxy for `url`, and a note where its value had to be completed.

    Order: --proxy ("none" for no proxy), HTTPS_PROXY, ALL_PROXY, each in lower case too; of an http:// address
    http_proxy is the first. Loopback and what NO_PROXY names are reached directly. Raises UsageError for a value that
    is no proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if flag is not None:
        return (None, None) if flag == "none" else parse_proxy(flag, "--proxy")
    if is_loopback(host) or _is_excepted(host, _variable(environ, "no_proxy")[1]):
        return None, None
    if parts.scheme == "http" and (value := environ.get("http_proxy", "").strip()):
        # In capitals it may come from whoever asks a web server.
        return parse_proxy(value, "http_proxy")
    for name in ("https_proxy", "all_proxy"):
        spelled, value = _variable(environ, name)
        if value:
            return parse_proxy(value, spelled)
    return None, None


def parse_proxy(value: str, origin: str) -> tuple[Proxy, str | None]:
    """A proxy from `[scheme://][user:password@]host[:port]`, and a note where scheme or port were missing."""
    text = value.strip()
    full = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{origin} is not a proxy address", hint="for example http://proxy:8080") from error
    scheme = parts.scheme.lower()
    if scheme not in _PROXY_PORTS or not host:
        raise UsageError(f"{origin} is not a proxy address", hint="http://host:port, socks5://host:port, or none")
    proxy = Proxy(
        scheme,
        host,
        port or _PROXY_PORTS[scheme],
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        origin,
    )
    completed = port is None or "://" not in text
    return proxy, f"{origin} is incomplete and was read as {proxy}" if completed else None


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """The variable `name` in lower or upper case, with the spelling that was found."""
    for spelled in (name, name.upper()):
        if environ.get(spelled, "").strip():
            return spelled, environ[spelled].strip()
    return name, ""


def _is_excepted(host: str, listed: str) -> bool:
    """Whether NO_PROXY names `host`: itself, a domain it is in, a network that its address is in, or everything."""
    for entry in (item.strip().lower() for item in listed.split(",")):
        name = entry.removeprefix("*").lstrip(".").partition(":")[0] if entry.count(":") == 1 else entry.lstrip("*.")
        if entry == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
        try:
            if ip_address(host) in ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False
