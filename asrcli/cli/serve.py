"""`asrcli serve`: the local service as a command. What the service does is the business of asrcli.service."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from typing import Annotated

import typer

from asrcli.errors import UsageError

KEY_VARIABLE = "ASRCLI_SERVE_KEY"


def serve(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    recognizer: Annotated[
        str, typer.Option(metavar="sphinx|script:FILE", help="What listens: pocketsphinx (English), or a script.")
    ] = "sphinx",
    require_key: Annotated[
        bool, typer.Option("--require-key", help=f"Let in only the key in {KEY_VARIABLE}; else any key will do.")
    ] = False,
    max_tasks: Annotated[
        int | None, typer.Option(min=1, help="Recognitions at the same time.", show_default="what the cores can do")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="SPEC", help="Misbehave, for testing clients; repeatable. See above.")
    ] = None,
    exit_with_parent: Annotated[bool, typer.Option("--exit-with-parent", hidden=True)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say on stderr who connects.")] = False,
) -> None:
    """Run a local stand-in for the recognition service, with a real recogniser inside.

    It prints its address on stdout when it is ready, and runs until Ctrl-C.

    \b
    --fault KIND[=VALUE][@MOMENT][#CONNECTIONS], for example reset@3.5s#1
      close=CODE reset stall deaf garbage fail=CODE drop=every:N    at a moment, or at once
      delay=50ms duplicate=0.1 reorder=0.1 split                    all the time
      refuse=503 refuse=429:2                                       in the handshake, the first 2 times
      seed=N                                                        what chance decides
    A moment is 2s of audio received, or 10msg sent; connections are #1 or #1-3, or all.
    """
    key = os.environ.get(KEY_VARIABLE) if require_key else None
    if require_key and not key:
        raise UsageError("--require-key needs a key", hint=f"set {KEY_VARIABLE}")
    try:
        from asrcli.service.faults import parse_fault
        from asrcli.service.server import Service, ServiceOptions
    except ModuleNotFoundError as error:
        if error.name != "websockets":
            raise
        raise UsageError("the local service is not installed", hint="pip install 'asrcli[serve]'") from error
    faults = tuple(map(parse_fault, fault or []))
    _log_to_stderr(verbose=verbose)
    _allow_many_connections()
    wake = _wake_on_signals()
    service = Service(
        ServiceOptions(
            host=host, port=port, recognizer=recognizer, required_key=key, max_tasks=max_tasks, faults=faults
        )
    )
    service.start()
    try:
        print(service.url, flush=True)
        if sys.stderr.isatty():
            print(_hint(service.url, key_required=require_key), file=sys.stderr)
        _wait(wake, watch_stdin=exit_with_parent)
    finally:
        service.close()


def _hint(url: str, *, key_required: bool) -> str:
    key = f"${KEY_VARIABLE}" if key_required else "any"
    return f"Try it: DASHSCOPE_API_KEY={key} asrcli mic --endpoint {url}\nCtrl-C ends the service."


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if verbose else logging.WARNING, format="%(message)s")
    if not verbose:
        # A port scan or a client that gives up is not worth a traceback.
        logging.getLogger("asrcli.service.websockets").setLevel(logging.CRITICAL)


def _allow_many_connections() -> None:
    """Raise the soft limit of open files: it is often 1024, and a thousand streams need more."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _wake_on_signals() -> int:
    """A descriptor that becomes readable on SIGINT and SIGTERM; safe where an Event set in a handler is not."""
    reading, writing = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.write(writing, b"!"))
    return reading


def _wait(wake: int, *, watch_stdin: bool) -> None:
    """Wait for a signal, or for the end of standard input."""
    watched = [wake, 0] if watch_stdin else [wake]
    while True:
        readable, _, _ = select.select(watched, [], [])
        if wake in readable or not os.read(0, 4096):
            return
