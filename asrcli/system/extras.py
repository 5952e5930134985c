"""How an extra, or a package, is added to this installation, which depends on what made it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

# pocketsphinx comes compiled for the Pythons before this one.
_COMPILES_SPHINX = (3, 14)


def how_to_add(extra: str) -> str:
    """The one line for a shell that adds `extra`, a name of pyproject's optional dependencies, and takes nothing away.

    Looks into files that uv and pipx leave in an environment that they made; in any other it is pip's. What the extra
    takes on this Python besides stands behind a comma.
    """
    if extra == "serve" and sys.version_info >= _COMPILES_SPHINX:
        return (
            f"{_command(extra)}, which takes a C compiler: there is no compiled pocketsphinx for Python {_python()} yet"
        )
    return _command(extra)


def how_to_add_package(package: str) -> str:
    """The one line for a shell that adds `package`, which the extra "remote" finds use for, to this installation."""
    prefix = Path(sys.prefix)
    receipt = prefix / "uv-receipt.toml"
    if receipt.is_file():
        return f"uv tool install {_requirement({'remote'} | _extras_asked_for(receipt))} --with {package}"
    if "archive-v0" in prefix.parts:
        return f"uvx --with {package} --from {_requirement({'remote'})} asrcli"
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject {prefix.name} {package}"
    return f"pip install {package}"


def _python() -> str:
    return "{}.{}".format(*sys.version_info)


def _command(extra: str) -> str:
    prefix = Path(sys.prefix)
    receipt = prefix / "uv-receipt.toml"
    if receipt.is_file():
        # The environment is made anew, from what is asked for now.
        return f"uv tool install {_requirement({extra} | _extras_asked_for(receipt))}"
    if "archive-v0" in prefix.parts:
        # uvx makes one in its cache for each set of packages.
        return f"uvx --from {_requirement({extra})} asrcli"
    if (prefix / "pipx_metadata.json").is_file():
        # Not `pipx inject`, which leaves a package alone that it finds there, extras or not.
        return f"pipx runpip {prefix.name} install 'asrcli[{extra}]'"
    return f"pip install 'asrcli[{extra}]'"


def _requirement(extras: set[str]) -> str:
    """asrcli with `extras`, from where this one came."""
    return f"'asrcli[{','.join(sorted(extras))}]{_origin()}'"


def _origin() -> str:
    """What follows a requirement's name where it did not come from an index: " @ URL", else ""."""
    # 20 ms, for whoever misses an extra only.
    import json
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError, ValueError, KeyError):
        said = metadata.distribution("asrcli").read_text("direct_url.json")
        if said is not None:
            found = json.loads(said)
            vcs = found.get("vcs_info", {}).get("vcs")
            return f" @ {vcs}+{found['url']}" if vcs else f" @ {found['url']}"
    return ""


def _extras_asked_for(receipt: Path) -> set[str]:
    """The extras that this tool of uv's has; none where the receipt is of a form that is not known."""
    import tomllib

    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        asked = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]
        return {extra for each in asked if each["name"] == "asrcli" for extra in each.get("extras", ())}
    return set()
