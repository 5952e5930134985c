"""`asrcli devices`: the microphones, as a table or as JSON."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrcli.audio.microphone.devices import Device


def devices(
    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON array.")] = False,
) -> None:
    """List the microphones that `asrcli mic --device` takes.

    It takes their number, their name, or a part of the name; and the id that --json tells, which stays the same when
    the numbers change.
    """
    print_devices(as_json=json)


def print_devices(*, as_json: bool) -> None:
    """Print the list; an empty one is good JSON, but as a table it raises DeviceError."""
    from asrcli.audio.microphone.devices import by_id, choose, input_devices

    found = input_devices()
    if as_json:
        documents = [{"id": name, **_document(device)} for name, device in by_id(found).items()]
        typer.echo(json_module.dumps(documents, ensure_ascii=False, indent=2))
        return
    # Says in its own words that there is none.
    choose(None, found)
    _print_table(found)


def _document(device: Device) -> dict[str, object]:
    return {
        "index": device.index,
        "name": device.name,
        "default": device.is_default,
        "host_api": device.host_api,
        "channels": device.channels,
        "sample_rate_hz": device.rate_hz,
    }


def _print_table(found: Sequence[Device]) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from asrcli.audio.microphone.devices import MONITOR, monitor
    from asrcli.output.sanitize import name
    from asrcli.values.errors import DeviceError

    # A pipe has no width: the table keeps the one it needs.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=not sys.stdout.isatty())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "name", "host API", "channels", "rate"):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("", "channels", "rate") else "left")
    for device in found:
        shown = name(device.name) + (" *" if device.is_default else "")
        table.add_row(
            str(device.index), Text(shown), device.host_api, str(device.channels), f"{device.rate_hz / 1000:g} kHz"
        )
    console.print(table)
    notes = ["* the default"] if any(device.is_default for device in found) else []
    try:
        monitor(found)
        notes.append(f"--device {MONITOR}: what this system plays")
    except DeviceError:
        pass
    console.print("; ".join(notes), style="dim")
