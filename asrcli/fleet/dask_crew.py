"""One crew on a Dask worker, as the head's side sees it. For the event loop of the cluster's thread."""

from __future__ import annotations

import asyncio
import pickle
import pkgutil
from collections.abc import Callable
from typing import Any

from distributed import Client
from distributed.client import Future

from asrcli import __version__
from asrcli.fleet import dask_worker
from asrcli.fleet.dispatch import LEASE_S
from asrcli.fleet.line import Gone, Joined, News, Remark, Said, Unusable
from asrcli.fleet.messages import End, pack
from asrcli.values.errors import UsageError

# So long a worker waits for news of its crew before it says that there are none.
_WAIT_S = 1.0
_RETRY_S = 0.2
_BUSY_S = 10.0


class FarCrew:
    """The crew `name` on the worker at `address`; `key` is that of its task. News of it are for `post`."""

    def __init__(self, client: Client, address: str, name: str, key: str, post: Callable[[News], None]) -> None:
        self.address = address
        self._client = client
        self._name = name
        self._key = key
        self._post = post
        self._loop = asyncio.get_running_loop()
        self._outbox: list[bytes] = []
        self._is_wanted = asyncio.Event()
        self._gone = ""
        self._is_gone = asyncio.Event()
        self._ends_at: float | None = None
        self._heard_at = self._loop.time()

    def send(self, data: bytes) -> None:
        self._outbox.append(data)
        self._is_wanted.set()

    def end(self, patience_s: float) -> None:
        """Have it end; `live` returns within so long."""
        self._ends_at = self._loop.time() + patience_s
        self.send(pack([End()]))

    def has_gone(self) -> None:
        """Its worker, or the scheduler, is not there any more."""
        self._gone = self._gone or "its worker has gone"
        self._is_gone.set()

    def drop(self) -> None:
        """It counts as lost: it is not asked any more, and ends by itself for that."""
        self._gone = self._gone or "it was given up"
        self._is_gone.set()

    async def live(self, opening: bytes) -> bool:
        """From its beginning to its end; whether there may be another one on the same worker."""
        problem = await self._problem()
        if problem is not None:
            self._post(Unusable(self._name, problem))
            return False
        self._post(Joined(self._name))
        deliverer = None
        try:
            await self._run(dask_worker.attach, self._key)
            task = self._client.submit(
                *(dask_worker.work, self._key, opening), key=self._key, workers=[self.address], pure=False, retries=0
            )
            deliverer = asyncio.create_task(self._deliver())
            await self._listen(task)
            if not self._gone:
                # What it might still have would be done once more by Dask, elsewhere.
                await self._client.cancel([task])
        except OSError as error:
            self._gone = self._gone or str(error)
        finally:
            if deliverer is not None:
                deliverer.cancel()
            self._post(Gone(self._name, self._gone or "its crew has ended"))
        return True

    async def _problem(self) -> UsageError | None:
        """Why no crew can be there."""
        try:
            found = await self._run(pkgutil.resolve_name, "asrcli:__version__")
        except OSError:
            # It has just come, and is gone again.
            return None
        how = f"install asrcli {__version__} in the environment that it runs in"
        if isinstance(found, ImportError):
            return UsageError("asrcli is not installed there", hint=how)
        if found != __version__:
            return UsageError(f"it has asrcli {found}, and this is {__version__}", hint=how)
        return None

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        found = await self._client.run(function, *arguments, workers=[self.address], on_error="return")
        said = found[self.address]
        if isinstance(said, OSError):
            raise said
        return said

    async def _listen(self, task: Future[None]) -> None:
        """Hand on what it says, until it has ended or cannot be reached any more."""
        serial, has_spoken = 1, False
        began_at = self._heard_at = self._loop.time()
        while not self._gone:
            now = self._loop.time()
            if self._ends_at is not None and now >= self._ends_at:
                return
            if now - self._heard_at > LEASE_S:
                self._gone = f"nothing was heard of it for {LEASE_S:.0f} s"
                return
            if task.status == "error":
                self._gone = f"its crew failed: {await task.exception()}"
                return
            try:
                told = await self._call(_WAIT_S, take=serial)
            except OSError:
                await asyncio.sleep(_RETRY_S)
                continue
            if told is None:
                return
            serial += 1
            self._heard_at = self._loop.time()
            for data in told or (b"",):
                self._post(Said(self._name, data))
            if not has_spoken and not told and self._heard_at - began_at > _BUSY_S:
                self._post(Remark(f"{self._name} is busy with other work", "it joins when that is over"))
            has_spoken = has_spoken or bool(told) or self._heard_at - began_at > _BUSY_S

    async def _deliver(self) -> None:
        """Tell it what there is to tell, in order; all that gathers meanwhile goes together."""
        serial = 0
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            pieces, self._outbox = self._outbox, []
            serial += 1
            while pieces and not self._gone:
                try:
                    await self._call(0.0, give=serial, pieces=pieces)
                    break
                except OSError:
                    await asyncio.sleep(_RETRY_S)

    async def _call(self, wait_s: float, give: int = 0, pieces: list[bytes] | None = None, take: int = 0) -> Any:
        """Ask the worker. Raises OSError where it cannot be reached."""
        words = {"run": self._key, "give": give, "pieces": pieces or [], "take": take, "wait_s": wait_s}
        asked = scheduler_of(self._client).broadcast(
            msg={"op": dask_worker.HANDLER, **words}, workers=[self.address], on_error="return_pickle"
        )
        asking, going = asyncio.ensure_future(asked), asyncio.ensure_future(self._is_gone.wait())
        # A scheduler goes on trying to reach a worker that is not there.
        await asyncio.wait((asking, going), timeout=wait_s + LEASE_S, return_when=asyncio.FIRST_COMPLETED)
        going.cancel()
        if not asking.done():
            asking.cancel()
            raise OSError("no answer")
        answer = asking.result()[self.address]
        if isinstance(answer, bytes):
            raise OSError(str(pickle.loads(answer)))
        return answer


def scheduler_of(client: Client) -> Any:
    """To be asked. Raises OSError where there is none any more."""
    if client.scheduler is None:
        raise OSError("the scheduler has gone")
    return client.scheduler
