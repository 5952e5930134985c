"""Workers that are those of a Dask cluster, which others have started.

Of Dask this takes: which workers are there, a task for each of them, and a way to have them asked. Thread "cluster" has
an event loop of its own for that, on which all happens but what says otherwise.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import threading
import warnings
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

from distributed import Client
from distributed.comm.addressing import get_address_host_port
from distributed.versions import VersionMismatchWarning

from asrcli.fleet.dask_crew import FarCrew, scheduler_of
from asrcli.fleet.line import Broken, News
from asrcli.system.threads import Thread
from asrcli.values.errors import AsrcliError, Bug, LinkError, UsageError

_CONNECT_S = 5.0
_LOOK_S = 0.5
# A scheduler that was lost is waited for so long.
_BACK_S = 60.0
# Crews cancel what they run, and say goodbye to the service.
_PATIENCE_S = 4.0


class DaskCluster:
    """A Line to the workers of the scheduler at the address `where`."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.nobody = self.how_to_join = ""
        self._is_reached()
        self._post: Callable[[News], None] = lambda news: None
        self._opening = b""
        # Names of tasks, which the scheduler knows.
        self._run = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread("cluster", self._live, self._died)
        self._crews: dict[str, FarCrew] = {}
        self._by_address: dict[str, FarCrew] = {}
        self._closing = asyncio.Event()
        self._has_begun = threading.Event()

    def begin(self, opening: bytes, post: Callable[[News], None]) -> None:
        self._opening, self._post = opening, post
        quieten()
        self._thread.start()
        self._has_begun.wait()

    def send(self, worker: str, data: bytes) -> None:
        """For any thread."""
        crew = self._crews.get(worker)
        if crew is not None and self._loop is not None:
            with suppress(RuntimeError):  # It is closed.
                self._loop.call_soon_threadsafe(crew.send, data)

    def drop(self, worker: str) -> None:
        """For any thread."""
        crew = self._crews.get(worker)
        if crew is not None and self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(crew.drop)

    def close(self) -> None:
        """For any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(2 * _PATIENCE_S)

    def _live(self) -> None:
        with warnings.catch_warnings():
            # Workers with another version of Dask do what is asked for here.
            warnings.simplefilter("ignore", VersionMismatchWarning)
            asyncio.run(self._main())

    def _died(self, bug: BaseException) -> None:
        self._has_begun.set()
        self._post(Broken(bug if isinstance(bug, AsrcliError) else Bug.of(bug)))

    def _is_reached(self) -> None:
        self.nobody = f"there is no worker at {self.where}"
        self.how_to_join = f"start some, where asrcli is installed: dask worker {self.where}"

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._has_begun.set()
        until = self._loop.time()
        while not self._closing.is_set():
            client = await self._connect(until)
            if client is None:
                return
            self._is_reached()
            try:
                await self._follow(client)
            finally:
                await self._leave(client)
            if not self._closing.is_set():
                until = self._loop.time() + _BACK_S
                self.nobody = f"the scheduler at {self.where} is gone"
                self.how_to_join = "start it again, and workers"

    async def _connect(self, until: float) -> Client | None:
        """A client, at the first try or before `until`; None where the run ends meanwhile.

        Raises LinkError, and UsageError where Dask is not configured for that address.
        """
        assert self._loop is not None
        while not self._closing.is_set():
            try:
                await _knock(self.where)
                async with AsyncExitStack() as unless_connected:
                    client = Client(self.where, asynchronous=True, set_as_default=False, timeout=_CONNECT_S)
                    unless_connected.push_async_callback(client.close, 1)
                    await self._unless_closing(client)
                    unless_connected.pop_all()
            except OSError as error:
                if self._loop.time() >= until:
                    raise LinkError(
                        f"there is no scheduler at {self.where}: {_reason(error)}", hint="start one: dask scheduler"
                    ) from error
                await asyncio.sleep(1.0)
            except (TypeError, RuntimeError, ValueError) as error:
                # So Dask says that its own configuration and the address do not go together.
                reason = "it has no certificate" if isinstance(error, TypeError) else _reason(error)
                raise UsageError(
                    f"Dask cannot go to {self.where} as it is configured here: {reason}",
                    hint="its TLS is set in ~/.config/dask, see `asrcli guide cluster`",
                ) from error
            else:
                return client
        return None

    async def _unless_closing(self, work: Any) -> None:
        """Wait for `work`, or until the run ends. Raises what it does."""
        doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(self._closing.wait())
        await asyncio.wait((doing, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not doing.done():
            doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing

    async def _follow(self, client: Client) -> None:
        """Have a crew on each worker, until the scheduler is lost or the run ends."""
        async with asyncio.TaskGroup() as tasks:
            while not self._closing.is_set():
                try:
                    there = await asyncio.wait_for(scheduler_of(client).ncores(), _CONNECT_S)
                except OSError:
                    break
                for address in [*self._by_address]:
                    if address not in there:
                        self._by_address.pop(address).has_gone()
                for address in there:
                    if address not in self._by_address:
                        tasks.create_task(self._have_crew(client, address))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), _LOOK_S)
            if self._closing.is_set():
                for crew in self._by_address.values():
                    crew.end(_PATIENCE_S)
            else:
                for crew in self._by_address.values():
                    crew.has_gone()

    async def _have_crew(self, client: Client, address: str) -> None:
        number = next(self._numbers)
        name = (
            address
            if number == 1 or all(crew.address != address for crew in self._crews.values())
            else f"{address} #{number}"
        )
        crew = FarCrew(client, address, name, f"asrcli-{self._run}-{number}", self._post)
        self._crews[name] = self._by_address[address] = crew
        may_come_again = await crew.live(self._opening)
        if may_come_again and self._by_address.get(address) is crew:
            # Its crew has ended, perhaps because it heard nothing of us: there may be another.
            del self._by_address[address]

    async def _leave(self, client: Client) -> None:
        with suppress(Exception):
            await asyncio.wait_for(client.close(2), _PATIENCE_S)


async def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Dask would try again for a while."""
    host, port = get_address_host_port(address)
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _CONNECT_S)
    writer.close()


def quieten() -> None:
    """What Dask logs is not for the terminal of a run: what matters of it is told in our words."""
    for name in list(logging.root.manager.loggerDict):
        # Some of Dask's loggers have handlers of their own below that of the package.
        if name.partition(".")[0] in ("distributed", "tornado"):
            logger = logging.getLogger(name)
            logger.handlers[:] = [logging.NullHandler()]
            logger.propagate = False


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, TimeoutError):
        return "no answer"
    number = error.errno if isinstance(error, OSError) else None
    # Below 0 are those of names, which the system has no words for.
    return os.strerror(number).lower() if number is not None and number > 0 else str(error) or type(error).__name__
