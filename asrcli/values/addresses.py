"""What an address is, and what of one anybody may see."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from pathlib import PurePath

_HIDDEN = "***"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PATH_OF_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:)/")
# A password may hold any other character, an @ too. What messages name as an example is none.
_USER = re.compile(r"""(?<=://)(?!user:password@host\b)[^\s/?#"'<>]+@""")
_PARAMETER = re.compile(r"""(?<=[?&;#])([\w.~%-]*)(=)([^\s&;#"'<>]+)""")
_SECRET = re.compile(
    r"sig$|signature|token|secret|credential|key|pass|pwd|auth|hmac|hash|policy|ticket|session|jwt|code$", re.IGNORECASE
)
# As no word or number is, nor a time: a run that long of letters and digits.
_KEY = re.compile(r"(?![0-9]{8}T[0-9]{6}Z?)(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}|[A-Za-z0-9]{24,}")


def is_loopback(host: str) -> bool:
    """True for localhost and the loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_address(name: str) -> bool:
    """Whether a source, or where results go, is an address with a scheme, and no path."""
    return _ADDRESS.match(name) is not None


def scheme(address: str) -> str:
    """The scheme of an address, in lower case; "" of what is none."""
    return address.partition("://")[0].lower() if is_address(address) else ""


def local(name: str) -> str:
    """The path that a file:// address means; any other name, and one with another machine in it, as it is."""
    if scheme(name) != "file":
        return name
    host, _, path = name.partition("://")[2].partition("/")
    return name if host not in ("", "localhost") else f"/{unquote(path)}"


def typed_address(path: PurePath) -> str | None:
    """The address that `path` was when it was typed; None where it was none. A path has no two slashes in a row."""
    found = _PATH_OF_ADDRESS.match(str(path))
    return None if found is None else f"{found[1]}//{str(path)[found.end() :]}"


def shown(text: str) -> str:
    """An address as anybody may see it, or a text with each address in it so: user, password, signatures are "***".

    Doing it twice changes nothing more.
    """
    if "://" in text:
        text = _USER.sub(f"{_HIDDEN}@", text)
    return _PARAMETER.sub(_judged, text) if "=" in text else text


def file_name(address: str) -> str:
    """What a file from there is called: the end of its path, without its query; its host where it has no path."""
    _, _, rest = re.split(r"[?#]", address, maxsplit=1)[0].partition("://")
    host, _, path = rest.partition("/")
    last = unquote(path.rstrip("/").rpartition("/")[2]) or host.rpartition("@")[2]
    return last.replace("/", "_").replace("\0", "_")


def _judged(parameter: re.Match[str]) -> str:
    name, equals, value = parameter.groups()
    if value.rstrip(".,:!?)") == _HIDDEN:
        # What follows is a mark of the message that it stands in.
        return parameter[0]
    return f"{name}{equals}{_HIDDEN}" if _SECRET.search(name) or _KEY.search(value) else parameter[0]
