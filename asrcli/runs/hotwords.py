"""Hotwords in a run: which list at the service serves it, where the model wants one, or that one is to be made.

A list that is known from before costs no request. Nothing is sent for sound before this is settled.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from asrcli.output.output import Output
from asrcli.runs.asking import asked_yes, can_ask
from asrcli.runs.choose_spec import Choice
from asrcli.runs.hotword_lists import BETWEEN_UPDATES, Lists, asked_at, is_gone
from asrcli.runs.known_lists import KnownList, KnownLists, account, hash_of
from asrcli.runs.request import ServiceOptions
from asrcli.settings import endpoints
from asrcli.settings.hotword_rules import DEFAULT_PREFIX
from asrcli.settings.phrases import Hotwords
from asrcli.values.errors import AsrcliError, Interrupted, ServiceError, UsageError
from asrcli.values.recognition import Endpoint
from asrcli.wire.dial import Network

Explain = Callable[[AsrcliError], None]
"""Adds to what ended a transcription what is known here of it."""


def settled(
    choice: Choice, options: ServiceOptions, endpoint: Endpoint, network: Network, output: Output, *, quiet: bool
) -> tuple[Choice, Explain]:
    """`choice` with the id of a list in place of words, where the model wants that; and what is told if it is gone.

    Raises UsageError where there is no list and none may be made, and for one that has no effect with the model.
    """
    run = _Run(choice, options, endpoint, network, output, quiet)
    if not choice.listed:
        run.check_model(choice.options.hotwords_id)
        return choice, run.explain
    list_id = run.local() if choice.region == endpoints.LOCAL else run.list_id()
    return replace(choice, options=replace(choice.options, hotwords={}, hotwords_id=list_id)), run.explain


class _Run:
    def __init__(
        self,
        choice: Choice,
        options: ServiceOptions,
        endpoint: Endpoint,
        network: Network,
        output: Output,
        quiet: bool,
    ) -> None:
        self._options = options
        self._network = network
        self._output = output
        self._quiet = quiet
        is_local = choice.region == endpoints.LOCAL
        where = (None, None, endpoint.url) if is_local else (options.region, options.workspace, options.endpoint)
        self._endpoint = replace(endpoint, url=endpoints.api_url(*where, os.environ))
        self._known = KnownLists(account(self._endpoint.url, endpoint.api_key, options.workspace), output.notice)
        self._model = choice.options.model
        self._serving = choice.options.hotwords_id
        self._words = choice.listed
        self._hotwords = choice.hotwords or Hotwords("")
        self._hint = ""

    def check_model(self, list_id: str | None) -> None:
        """Raise UsageError for a list that is known to be for another model."""
        known = self._known.find(list_id) if list_id else None
        if known is not None and known.model != self._model:
            raise UsageError(
                f"--hotwords {list_id} is a list for {known.model} and has no effect with {self._model}",
                hint=f"use -m {known.model}, or a list made for {self._model}",
            )

    def local(self) -> str:
        """A list of the service that this run alone has, and that ends with it."""
        with asked_at(self._endpoint, self._network, self._output) as lists:
            return self._served(lists.create(self._model, DEFAULT_PREFIX, self._words).id, "made for this run")

    def list_id(self) -> str:
        """The list that has the words: known from before, changed or made."""
        served = self._from_before()
        if served is not None:
            return served
        # Another process may change or make it in this moment.
        with self._known.alone():
            served = self._from_before() or self._changed()
        if served is not None:
            return served
        self._check_may_be_made()
        with self._known.alone():
            return self._from_before() or self._made()

    def _from_before(self) -> str | None:
        words = hash_of(self._words)
        same = (each for each in self._known.all() if (each.model, each.words) == (self._model, words))
        found = next(same, None)
        return None if found is None else self._served(found.id, "known from before")

    def _changed(self) -> str | None:
        """The list that was made from the same file when that held other words."""
        if self._hotwords.file is None:
            return None
        path = str(self._hotwords.file.resolve())
        older = next((each for each in self._known.all() if (each.model, each.file) == (self._model, path)), None)
        return None if older is None or not self._updated(older) else self._served(older.id, "changed now")

    def _made(self) -> str:
        with self._lists() as lists:
            try:
                made = lists.create(self._model, DEFAULT_PREFIX, self._words, self._hotwords.file)
            except Interrupted as interrupt:
                raise Interrupted(
                    interrupt.signal_number,
                    "ended while the hotword list was being made; `asrcli vocab list` tells whether it is there",
                ) from interrupt
        if made.seen is not None:
            self._output.notice(f"{made.seen.reason.rstrip('.')}; but the list is there")
        return self._served(made.id, "made now")

    def explain(self, error: AsrcliError) -> None:
        """A list that the service does not know is known no more here either."""
        if self._serving is None or not (is_gone(error) or self._serving in error.message):
            return
        if not self._hint and self._known.find(self._serving) is not None:
            self._known.forget(self._serving)
            again = (
                "the same command with --make-list makes another"
                if self._words
                else "`asrcli vocab create FILE` makes another"
            )
            self._hint = f"the hotword list is not there any more, and is forgotten here: {again}"
        self._hint = self._hint or (
            "there is no such hotword list; it may be another account's or another region's: check the id, the key and"
            " --region"
        )
        # Many may fail of it.
        error.hint = self._hint

    def _updated(self, older: KnownList) -> bool:
        """Put the words in place of those in the list; False where the service does not know it any more.

        A run that waits is of no use, and one with other words than it says is a false promise.
        """
        if older.updated is not None:
            again = datetime.fromisoformat(older.updated) + BETWEEN_UPDATES
            if datetime.now(UTC) < again:
                raise UsageError(
                    f"the hotword list {older.id} was changed less than five minutes ago, and can be again at"
                    f" {again.astimezone():%H:%M:%S}",
                    hint=self._as_it_is(older),
                )
        try:
            with self._lists() as lists:
                lists.update(older.id, self._model, self._words, self._hotwords.file)
        except ServiceError as error:
            if is_gone(error):
                return False
            if error.retryable:
                error.hint = f"{error.hint}; {self._as_it_is(older)}"
            raise
        return True

    def _as_it_is(self, older: KnownList) -> str:
        return f"until then --hotwords {older.id} has the words of before"

    def _check_may_be_made(self) -> None:
        """Raise UsageError where nobody has said that a list may be made, nor says so now."""
        if self._hotwords.make_list:
            return
        what = (
            f"{self._model} takes hotwords only from a list at the service, and there is none of"
            f" {_these(len(self._words))}"
        )
        ways = f"{self._command()}, or add --make-list"
        if not can_ask():
            raise UsageError(what, hint=f"make it: {ways}")
        if not asked_yes(f"{what}; an account has ten lists at most.", "Make one, which stays there?", self._output):
            raise UsageError("no hotword list was made, and nothing was sent", hint=ways)

    def _command(self) -> str:
        """The one that makes the list."""
        ways = {
            "--region": self._options.region,
            "--workspace": self._options.workspace,
            "--endpoint": self._options.endpoint,
            "--api-key-file": self._options.api_key_file,
        }
        named = [f"{flag} {shlex.quote(str(value))}" for flag, value in ways.items() if value]
        return " ".join(
            ["asrcli vocab create", shlex.quote(self._hotwords.given), f"--model {shlex.quote(self._model)}", *named]
        )

    @contextlib.contextmanager
    def _lists(self) -> Iterator[Lists]:
        with asked_at(self._endpoint, self._network, self._output) as asked:
            yield Lists(asked, self._known)

    def _served(self, list_id: str, since: str) -> str:
        self._serving = list_id
        if not self._quiet:
            self._output.say(f"hotwords: list {list_id} ({_count(len(self._words))}), {since}")
        return list_id


def _count(phrases: int) -> str:
    return f"{phrases} {'phrase' if phrases == 1 else 'phrases'}"


def _these(phrases: int) -> str:
    return "this phrase" if phrases == 1 else f"these {phrases} phrases"
