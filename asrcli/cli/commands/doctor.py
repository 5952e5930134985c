"""`asrcli doctor`: the self-check as a command. What is checked is the business of asrcli.doctor."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.flags.grouping import grouped
from asrcli.cli.flags.service import AccessFlags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asrcli.doctor.checks import Surroundings
    from asrcli.doctor.completion import Completion
    from asrcli.doctor.findings import Finding, Loudness
    from asrcli.doctor.program import Configured

# A model takes 0.3 s to load; more than this is told of as a fault.
_HEAR_S = 6.0


@grouped
def doctor(
    service: AccessFlags,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody: check what is on this machine.")] = False,
    mic: Annotated[bool, typer.Option("--mic", help="Listen to the microphone for two seconds.")] = False,
    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON object.")] = False,
) -> int:
    """Check what asrcli needs here, and say how to mend it.

    \b
    asrcli doctor
    asrcli doctor --region cn
    asrcli doctor --offline                      under a second, nothing is sent
    asrcli doctor --mic                          is it loud enough?
    asrcli doctor --json | jq '.checks[] | select(.status == "fail")'

    The key is tried by a handshake alone: nothing is recognised, nothing billed. Exit code 1 where something fails.
    What it prints can be pasted: it holds no key, and no name of your home.
    """
    from asrcli.doctor.checks import all_checks
    from asrcli.doctor.examination import examine

    checks = all_checks(_surroundings(service), offline=offline, listens=mic)
    return _show(examine(checks), as_json=json)


def _show(told: Iterator[Finding | Loudness], *, as_json: bool) -> int:
    """Print what is told, as soon as it is; the exit code."""
    from json import dumps

    from asrcli.doctor.findings import Finding
    from asrcli.output.self_check import LevelLine, Page, document, is_ok
    from asrcli.output.views import terminal

    columns = terminal.size(sys.stdout)[0] if sys.stdout.isatty() else None
    page = Page(Path.home(), columns=columns, is_colored=terminal.is_colored(sys.stdout, "auto", os.environ))
    level = LevelLine(sys.stderr)
    found: list[Finding] = []
    for item in told:
        if not isinstance(item, Finding):
            level.show(item.peak_dbfs)
            continue
        level.clear()
        found.append(item)
        if not as_json:
            print("\n".join(page.lines(item)), flush=True)
    if as_json:
        print(dumps(document(found, Path.home()), ensure_ascii=False, indent=2))
    else:
        print(f"\n{page.summary()}")
    return 0 if is_ok(found) else 1


def _surroundings(flags: AccessFlags) -> Surroundings:
    from asrcli import __version__
    from asrcli.cli.shells.scripts import SCRIPTS
    from asrcli.doctor.access import Access
    from asrcli.doctor.checks import Surroundings
    from asrcli.doctor.program import Terminal
    from asrcli.output import masking
    from asrcli.output.views import terminal
    from asrcli.runs.choose_spec import AGENT
    from asrcli.runs.local import LocalService
    from asrcli.settings.endpoints import region_label
    from asrcli.settings.environment import variables

    options = flags.options()
    # What is typed wrongly is no finding.
    region_label(options.region, options.endpoint, os.environ)
    is_terminal = sys.stdout.isatty()
    return Surroundings(
        version=__version__,
        prefix=Path(sys.prefix),
        agent=AGENT,
        access=Access(
            region=options.region,
            workspace=options.workspace,
            endpoint=options.endpoint,
            proxy=options.proxy,
            ca_bundle=options.ca_bundle,
            environ=variables(),
            home=Path.home(),
            api_key=options.api_key,
            api_key_file=options.api_key_file,
            headers=options.headers,
        ),
        terminal=Terminal(
            columns=terminal.size(sys.stdout)[0] if is_terminal else None,
            is_colored=terminal.is_colored(sys.stdout, "auto", os.environ),
        ),
        configured=_configured,
        completion=_completion,
        shells=", ".join(SCRIPTS),
        hear=_hear,
        start=lambda: LocalService(AGENT, options.headers),
        learn=masking.learn,
    )


def _configured() -> Sequence[Configured]:
    from asrcli.cli.config_files import problems
    from asrcli.doctor.program import Configured
    from asrcli.settings.files import config_files

    told = problems()
    return [
        Configured(
            file.path,
            file.exists,
            file.values,
            [(f"{each.where}: {each.message}", each.hint) for each in told if each.path == file.path],
        )
        for file in config_files()
    ]


def _completion() -> Completion:
    """Of the shell that we were started from; of the user's own where it is none that we know."""
    from asrcli.cli.shells.scripts import SCRIPTS, installed
    from asrcli.doctor.completion import Completion

    shell = next((name for name in _shells() if name in SCRIPTS), None)
    found = None if shell is None else installed(shell, os.environ, Path.home())
    return Completion(shell) if found is None else Completion(shell, found.place, found.is_current, found.is_read)


def _shells() -> Iterator[str]:
    # Not every system has /proc.
    with contextlib.suppress(OSError):
        yield Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    yield Path(os.environ.get("SHELL", "")).name


def _hear() -> None:
    """Load the local recogniser and have it begin. Raises AsrcliError where it does not."""
    import threading

    from asrcli.service.recognizers import open_recognizer
    from asrcli.service.recognizers.base import Failed, Opened, RecognitionError, RecognitionSettings, Result
    from asrcli.values.errors import ServiceError

    began = threading.Event()
    said: list[Result] = []

    def take(result: Result) -> None:
        if isinstance(result, Opened | Failed):
            said.append(result)
            began.set()

    recognizer = open_recognizer("sphinx", _HEAR_S)
    try:
        recognition = recognizer.open(RecognitionSettings(), take)
        is_done = began.wait(_HEAR_S)
        recognition.close()
    except RecognitionError as error:
        raise ServiceError(error.code, str(error)) from error
    finally:
        recognizer.close()
    if not is_done:
        raise ServiceError("InternalError", f"it does not begin within {_HEAR_S:g} s")
    if isinstance(said[0], Failed):
        raise ServiceError(said[0].code, said[0].message)
