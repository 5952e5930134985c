"""`asrcli serve`: the local service as a command. What the service does is the business of asrcli.service."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.flags import completions as values
from asrcli.output.places.streams import ClosedOutput
from asrcli.settings.environment import SERVE_KEY, variables
from asrcli.system import open_files as openfiles
from asrcli.system.extras import how_to_add
from asrcli.system.posix import ENDING, HANGUP, poll_readable
from asrcli.system.wakeup import Wakeup
from asrcli.values.errors import Bug, UsageError

if TYPE_CHECKING:
    from asrcli.service.server import ServerOptions

_RequireKey = Annotated[
    bool, typer.Option("--require-key", help=f"Let in only the key in {SERVE_KEY}; else any key will do.")
]
_Recognizer = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What listens: sphinx (English), or script:FILE.",
        autocompletion=values.choices("sphinx", "script:"),
    ),
]
_Tls = Annotated[bool, typer.Option("--tls", help="Serve wss:// with a certificate made for this run, on loopback.")]
_TlsCa = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the authority to trust here.", show_default="a temporary file"),
]
_VocabFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keep hotword lists here.", show_default="as long as it runs")
]
_Origins = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", metavar="ORIGIN", help="Let in the web pages of this origin; repeatable."),
]
_Faults = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SPEC", help="Misbehave, for testing clients; repeatable; see below.", autocompletion=values.faults
    ),
]


_Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Loopback address to listen on.")]
_Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
_MaxTasks = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Recognitions at the same time.", show_default="what the cores can do"),
]
_Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say on stderr who connects, with the number that --fault goes by.")
]


def serve(
    host: _Host = "127.0.0.1",
    port: _Port = 8765,
    recognizer: _Recognizer = "sphinx",
    require_key: _RequireKey = False,
    allow_origin: _Origins = None,
    max_tasks: _MaxTasks = None,
    tls: _Tls = False,
    tls_ca: _TlsCa = None,
    vocab_file: _VocabFile = None,
    fault: _Faults = None,
    exit_with_parent: Annotated[bool, typer.Option("--exit-with-parent", hidden=True)] = False,
    verbose: _Verbose = False,
) -> None:
    """Run a local service to try out and to test with.

    \b
    asrcli serve                         then: asrcli mic --endpoint ADDRESS
    asrcli serve --fault drop=every:3    every third connection breaks

    It stands in for the recognition service, prints its address when it is ready, and runs until Ctrl-C.

    \b
    --fault KIND[=VALUE][@MOMENT][#CONNECTIONS], for example reset@3.5s#1
      at a moment, or at once  close=CODE reset stall deaf garbage fail=CODE
                               drop=every:N
      all the time             delay=50ms duplicate=0.1 reorder=0.1 split
      in the handshake         refuse=503 refuse=429:2 (the first 2 times)
      what chance decides      seed=N
    A moment is 2s of sound received or 10msg sent; CONNECTIONS are 1 or 1-3, else all.
    """
    key = variables().get(SERVE_KEY) if require_key else None
    if require_key and not key:
        raise UsageError("--require-key needs a key", hint=f"set {SERVE_KEY}")
    if tls_ca is not None and not tls:
        raise UsageError("--tls-ca goes with --tls", hint="add --tls, or leave --tls-ca out")
    try:
        from asrcli.service.faults.kinds import parse_fault
        from asrcli.service.server import ServerOptions
        from asrcli.service.wire.web_origins import parse_origin
    except ModuleNotFoundError as error:
        if error.name != "websockets":
            raise
        raise UsageError("the local service is not installed", hint=how_to_add("serve")) from error
    options = ServerOptions(
        host=host,
        port=port,
        recognizer=recognizer,
        required_key=key,
        allowed_origins=frozenset(map(parse_origin, allow_origin or [])),
        max_tasks=max_tasks,
        faults=tuple(map(parse_fault, fault or [])),
        tls=tls,
        tls_ca=tls_ca,
        vocab_file=vocab_file,
    )
    _log_to_stderr(verbose=verbose)
    # A stream is a socket, and there may be a thousand.
    openfiles.allow_many()
    _run(options, key_required=require_key, watch_stdin=exit_with_parent)


def _run(options: ServerOptions, *, key_required: bool, watch_stdin: bool) -> None:
    """Serve until a signal comes. Raises the bug that has ended the service before, if one did."""
    from asrcli.service.server import Service

    wakeup = _woken_by_signals()
    service = Service(options, died=wakeup.ring)
    service.start()
    try:
        if service.ca_file is not None:
            # Before the address: whoever waits for that has then been told.
            print(f"Trust it with --ca-bundle, others with SSL_CERT_FILE: {service.ca_file}", file=sys.stderr)
        if not isinstance(sys.stdout, ClosedOutput):
            print(service.url, flush=True)
        if sys.stderr.isatty():
            print(_hint(service.url, service.ca_file, key_required=key_required), file=sys.stderr)
        _wait(wakeup, watch_stdin=watch_stdin)
    finally:
        service.close()
        signal.set_wakeup_fd(-1)
    if service.bug is not None:
        raise Bug.of(service.bug)


def _hint(url: str, ca_file: Path | None, *, key_required: bool) -> str:
    # On loopback our own client needs none.
    key = f"DASHSCOPE_API_KEY=${SERVE_KEY} " if key_required else ""
    trust = "" if ca_file is None else f" --ca-bundle {ca_file}"
    other = "" if key_required else "Other programs have to send a key; any word will do.\n"
    return f"Try it: {key}asrcli mic --endpoint {url}{trust}\n{other}Ctrl-C ends the service."


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if verbose else logging.WARNING, format="%(message)s")
    # A port scan or a client that gives up is not worth a traceback.
    logging.getLogger("asrcli.service.websockets").setLevel(logging.CRITICAL)


def _woken_by_signals() -> Wakeup:
    """What rings on a signal to end; safe where an Event set in a handler is not."""
    wakeup = Wakeup()
    for number in ENDING:
        # nohup has SIGHUP ignored, and means it.
        if number != HANGUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: wakeup.ring())
    # A handler waits for the main thread, which nothing wakes where the system has handed the signal to another one.
    signal.set_wakeup_fd(wakeup.writing, warn_on_full_buffer=False)
    return wakeup


def _wait(wakeup: Wakeup, *, watch_stdin: bool) -> None:
    """Wait for a signal, or for the end of standard input."""
    poll = poll_readable(wakeup.descriptor, *((0,) if watch_stdin else ()))
    while True:
        if wakeup.descriptor in dict(poll(None)) or not os.read(0, 4096):
            return
