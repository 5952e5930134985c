"""Options that say which service is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from asrcli.cli.flags import completions as values
from asrcli.cli.flags.profile import Profile
from asrcli.runs.request import ServiceOptions


@dataclass(frozen=True)
class AccessFlags:
    """Which service to ask, with what key, and by which way."""

    section: ClassVar[str] = "Service"

    region: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="intl: Singapore, the default; cn: Beijing; qwen-intl, qwen-cn: Qwen Cloud, whose addresses no"
            " document names; local: a service of our own for this run, without a key.",
            autocompletion=values.choices("intl", "cn", "qwen-intl", "qwen-cn", "local"),
        ),
    ] = None
    workspace: Annotated[str | None, typer.Option(metavar="ID", help="The workspace; its own host is asked.")] = None
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the service, wss://…, instead of --region.")
    ] = None
    api_key: Annotated[
        str | None, typer.Option("--api-key", "-k", metavar="KEY", help="API key; better in DASHSCOPE_API_KEY.")
    ] = None
    api_key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File that holds the API key.")] = None
    header: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help="A further header of the handshake; repeatable."),
    ] = field(default_factory=list)
    data_inspection: Annotated[bool, typer.Option("--data-inspection", help="Ask the service to inspect the data.")] = (
        False
    )
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Proxy: http://, https:// or socks5://; none for no proxy [HTTPS_PROXY].",
            rich_help_panel="Connection",
        ),
    ] = None
    ca_bundle: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Certificate authorities to trust beside the system's.",
            rich_help_panel="Connection",
        ),
    ] = None
    profile: Profile = None

    def options(self) -> ServiceOptions:
        """Raises UsageError for a header that cannot be."""
        given = dict(vars(self))
        headers: tuple[tuple[str, str], ...] = ()
        if given.pop("header") or self.data_inspection:
            from asrcli.settings.headers import DATA_INSPECTION, parse_headers

            headers = (*parse_headers(self.header), *([DATA_INSPECTION] if self.data_inspection else []))
        del given["data_inspection"], given["profile"]
        return ServiceOptions(**given, headers=headers)


@dataclass(frozen=True)
class ServiceFlags(AccessFlags):
    """The same, and how to talk to it."""

    section: ClassVar[str] = "Connection"

    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="run-task (Fun-ASR, Paraformer, Qwen-Audio-ASR) or realtime (Qwen-ASR-Realtime), where the name of"
            " the model does not tell.",
            rich_help_panel="Service",
            autocompletion=values.protocols,
        ),
    ] = None
    retries: Annotated[
        int, typer.Option(metavar="N", min=0, max=100, help="Tries in a row after a lost connection.")
    ] = 12
    max_outage: Annotated[
        float,
        typer.Option(metavar="S", min=1, max=86400, help="Seconds of sound to keep while there is no connection."),
    ] = 300.0
    keepalive: Annotated[
        bool, typer.Option("--keepalive/--no-keepalive", help="Bridge long silence and pauses of the source.")
    ] = True
    drain_timeout: Annotated[
        float,
        typer.Option(metavar="S", min=0.1, max=600, help="Seconds of silence to allow after the end of the audio."),
    ] = 10.0
    starts_per_minute: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=60000, help="Begin no more than N recognitions in a minute, evenly; tries too."
        ),
    ] = None
