"""The local service: whether it is installed, and whether its recogniser comes to hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from asrcli.doctor.findings import Finding, Subject
from asrcli.system.clock import Clock
from asrcli.system.extras import how_to_add
from asrcli.values.errors import AsrcliError

GROUP = "local service"

RECOGNISER = Subject("recogniser", GROUP, "recogniser", "--region local, asrcli serve")

# Of the extra: the WebSockets of the service, and what hears.
_PARTS = ("websockets", "pocketsphinx")


def recogniser(hear: Callable[[], None], clock: Clock, *, needed: bool) -> Iterator[Finding]:
    """`hear` loads the recogniser, and raises AsrcliError where it cannot. `needed`: it is what is asked for."""
    missing = [name for name in _PARTS if find_spec(name) is None]
    if missing:
        detail = f"not installed ({', '.join(missing)})"
        install = how_to_add("serve")
        yield RECOGNISER.fail(detail, install) if needed else RECOGNISER.ok(f"{detail}; nothing else needs it", install)
        return
    began = clock.now()
    try:
        hear()
    except AsrcliError as error:
        yield RECOGNISER.fail(error.reason, error.hint)
        return
    yield RECOGNISER.ok("pocketsphinx loads, for English", ms=(clock.now() - began) * 1000)
