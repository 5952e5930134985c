"""Where the service is: regions, workspaces, addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from asrcli.settings.secrets import address_without_secrets
from asrcli.values.addresses import is_loopback
from asrcli.values.choices import choose_one
from asrcli.values.errors import UsageError

# Region → the vendor's shared host, and a workspace's own host.
# Sources: the vendor's WebSocket API pages and region page, 2026. Those of Qwen Cloud are in no such page: other
# people's clients of October 2026 use them. They have no workspaces' own hosts; the header tells the workspace.
_HOSTS = {
    "intl": ("dashscope-intl.aliyuncs.com", "{}.ap-southeast-1.maas.aliyuncs.com"),
    "cn": ("dashscope.aliyuncs.com", "{}.cn-beijing.maas.aliyuncs.com"),
    "qwen-intl": ("maas.qwencloudapi.com", "maas.qwencloudapi.com"),
    "qwen-cn": ("maas.qianwenaiapi.com", "maas.qianwenaiapi.com"),
}


DEFAULT_REGION = "intl"


CUSTOM = "custom"


LOCAL = "local"


REGIONS = (*_HOSTS, LOCAL)


ENDPOINT_VARIABLE = "DASHSCOPE_WEBSOCKET_BASE_URL"


API_VARIABLE = "DASHSCOPE_HTTP_BASE_URL"


_API_ROOT = "/api/v1"


# Region → how its place is called elsewhere.
_PLACES = {
    "intl": "singapore international global sg ap-southeast-1",
    "cn": "beijing china mainland cn-beijing zh",
    "local": "localhost offline here 127.0.0.1",
}
_WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")


def region_label(region: str | None, endpoint: str | None, environ: Mapping[str, str]) -> str:
    """The region's name for the output; "custom" where an address takes its place.

    An address outranks a region given beside it; in the environment it outranks only the default region. Raises
    UsageError for an unknown region.
    """
    if region is not None and region not in REGIONS:
        raise UsageError(f"--region {region!r} is not known", hint=_meant(region))
    if endpoint or (region is None and environ.get(ENDPOINT_VARIABLE)):
        return CUSTOM
    return region or DEFAULT_REGION


def other_regions(label: str) -> tuple[str, ...]:
    """The regions of the same cloud as the one called `label`: a key may be theirs. None for an address."""
    cloud = label.rpartition("-")[0]
    return tuple(each for each in _HOSTS if label in _HOSTS and each != label and each.rpartition("-")[0] == cloud)


def _meant(region: str) -> str:
    """A hint for what is no name of a region, but may be that of its place."""
    places = {name: known for known, names in _PLACES.items() for name in names.split()}
    known = places.get(region.casefold())
    return f"here it is --region {known}" if known else choose_one(region, REGIONS)


def models_region(label: str) -> str | None:
    """The region whose models there are at the one called `label`; None where any may be."""
    return None if label in (CUSTOM, LOCAL) else label.removeprefix("qwen-")


def endpoint_url(region: str | None, workspace: str | None, endpoint: str | None, environ: Mapping[str, str]) -> str:
    """The service's address: `--endpoint`, then the workspace's host, then the SDK's variable, then the region's host.

    Raises UsageError for a URL that is not a WebSocket one, and for `ws://` to anything but loopback.
    """
    if workspace and not _WORKSPACE.fullmatch(workspace):
        raise UsageError(f"--workspace {workspace!r} is not a workspace id", hint="letters, digits, - and _")
    if endpoint:
        return _checked_url(endpoint, "--endpoint")
    host, own_host = _HOSTS[region or DEFAULT_REGION]
    if workspace:
        return f"wss://{own_host.format(workspace)}"
    if region is None and environ.get(ENDPOINT_VARIABLE):
        return _checked_url(environ[ENDPOINT_VARIABLE], ENDPOINT_VARIABLE)
    return f"wss://{host}"


def api_url(region: str | None, workspace: str | None, endpoint: str | None, environ: Mapping[str, str]) -> str:
    """Where the HTTP API of the same service begins, such as https://host/api/v1; the SDK has a variable for it too.

    An address may be given as http:// or https:// as well, and then keeps its path. Raises UsageError as
    `endpoint_url` does.
    """
    from_variable = environ.get(API_VARIABLE) if region is None and not workspace else None
    given, origin = (endpoint, "--endpoint") if endpoint else (from_variable, API_VARIABLE)
    if given and given.startswith("http"):
        url = _checked_url(f"ws{given.removeprefix('http')}", origin)
        path = urlsplit(url).path.rstrip("/") or _API_ROOT
    else:
        # The path of an address for WebSockets leads to them.
        url, path = endpoint_url(region, workspace, given, environ), _API_ROOT
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}{path}"


def _checked_url(url: str, origin: str) -> str:
    shown = address_without_secrets(url)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{origin} {shown!r} is not a URL", hint="for example wss://host") from error
    if parts.scheme not in ("ws", "wss") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(f"{origin} {shown!r} is not a WebSocket address", hint="for example wss://host")
    if parts.scheme == "ws" and not is_loopback(host):
        raise UsageError(
            f"{origin} {shown!r} would send the key in clear", hint="use wss://; ws:// is for loopback only"
        )
    return url
