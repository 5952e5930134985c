"""One command carried out: its request becomes a spec, the spec an engine, and what that tells becomes an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast

from asrcli.engine.build import Surroundings, all_built
from asrcli.engine.many import Happenings, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.output.output import Output
from asrcli.runs.batch import Batch
from asrcli.runs.choose_output import arrange, check_format
from asrcli.runs.choose_spec import Choice, ServiceTarget, Teller, network_of, service_of, spec_of
from asrcli.runs.late_results import LateResults
from asrcli.runs.notes import Notes
from asrcli.runs.recording import recording_of, spare_the_sources
from asrcli.runs.remarks import tell_asides
from asrcli.runs.request import Request, ServiceOptions
from asrcli.runs.rescue import rescue
from asrcli.runs.results import Results
from asrcli.runs.rows import manifest_file, rows_of, with_rows
from asrcli.runs.sources import Opener, Prepared
from asrcli.runs.variants import Once, Variant, choose_all
from asrcli.system.crowd import make_room, many_that_stay
from asrcli.system.signals import Signals
from asrcli.values.context import Context
from asrcli.values.errors import AsrcliError, UsageError
from asrcli.values.events import Notice
from asrcli.values.recognition import Endpoint
from asrcli.wire.dial import Network

if TYPE_CHECKING:
    from asrcli.audio.opening import Files
    from asrcli.engine.spec import Spec
    from asrcli.runs.embedding import Embedding


class Command:
    """One of `file`, `mic` and `qwen`. `asked`: see Surroundings. `embedding` makes the sound of pages, where wanted.

    Its checks come in this order: options, files, key; only then the network.
    """

    def __init__(
        self,
        request: Request,
        output: Output,
        signals: Signals,
        asked: Callable[[], bool] | None,
        embedding: Embedding | None,
    ) -> None:
        self._rows = rows_of(request, output)
        self._request = request = with_rows(request, self._rows)
        self._output = output
        self._signals = signals
        self._asked = asked
        self._embedding = embedding
        # Before anything can be told there.
        spare_the_sources(output, request.output, (*request.names, *manifest_file(request)))
        self._chosen = choose_all(request, self._rows, output)
        self._choice, self._input = self._chosen.variants[0].choice, self._chosen.variants[0].input
        """Of the first of them, for what is asked of one source alone."""
        if request.corpus.cluster is not None:
            from asrcli.runs.cluster import check_cluster

            check_cluster(request, self._choice.region, self._choice.context_from)
        check_format(output, request, self._choice.protocol)
        choices = [each.choice for each in self._chosen.variants]
        if request.is_corpus:
            self._results: Results = LateResults(request, choices, output, self._rows)
        else:
            self._results = Results(request, choices, output)
        if request.output.log is not None:
            from asrcli.runs.message_log import check_log

            check_log(request.output)
        pcm, as_is = self._choice.options.audio_format, self._input is not request.input
        if request.is_corpus and request.output.save_audio is not None:
            raise UsageError("--save-audio keeps the sound of one source only", hint="name one file, and no manifest")
        self._recording = recording_of(request.output, request.names, pcm, as_is=as_is)
        self._skipped = 0
        """How many sources are done already."""
        self._asides: SimpleQueue[Notice] = SimpleQueue()
        """What other threads have to tell."""

    def code(self) -> int:
        """Carry it out; the exit code. Raises what ends it before anything is sent."""
        request = self._request
        if request.corpus.dry_run:
            from asrcli.runs.dry_run import dry_run

            return dry_run(request, self._rows, self._chosen, self._results, self._embedding, self._output)
        if self._embedding is not None:
            self._embedding.begin(request.input, self._recording)
        if self._recording is None:
            code = self._transcribe()
        else:
            code = self._recording.kept(self._transcribe, self._output, self._signals)
        return code if self._embedding is None else self._embedding.told(code, self._output)

    def _transcribe(self) -> int:
        request, output, choice = self._request, self._output, self._choice
        is_elsewhere = request.corpus.cluster is not None
        most_open = make_room(1 if is_elsewhere else request.at_once(len(request.names)))
        with ExitStack() as stack:
            stack.callback(tell_asides, self._asides, output)
            self._log(stack)
            context = self._context(stack)
            service = stack.enter_context(service_of(choice, request.service, needs_key=self._needs_key()))
            if request.open_ended and not service.moves:
                # A microphone is not opened in vain where there is no key.
                service.endpoint()
            opener = Opener([each.input for each in self._chosen.variants], most_open)
            self._results.open(stack)
            sources = self._to_do(opener, stack)
            if not sources:
                return 0
            variants, went_over = self._variants(service)
            self._results.begin(stack)
            arrange(output, request, sources, self._results.of_form)
            if is_elsewhere:
                batch = self._batch(variants, opener, went_over)
                return self._elsewhere(batch, sources, service, stack)
            around = [self._surroundings(service, context, variant.choice) for variant in variants]
            engines = stack.enter_context(all_built([variant.spec for variant in variants], around))
            if len(engines) > 1:
                variants = [replace(each, engine=engine) for each, engine in zip(variants, engines, strict=True)]
            batch = self._batch(variants, opener, went_over)
            return batch.run(sources, transcriber(request, engines[0], len(sources)))

    def _elsewhere(self, batch: Batch, sources: list[Prepared], service: ServiceTarget, stack: ExitStack) -> int:
        """Have it done by the workers of a cluster."""
        from asrcli.runs.cluster import cluster_of

        specs = [variant.spec for variant in batch.variants]
        inputs = [cast("Files", each.input) for each in self._chosen.variants]
        own_key = service.endpoint().api_key if service.moves else None
        cluster = cluster_of(self._request, sources, specs, inputs, own_key, self._output.tick_s)
        transcribe, kept = stack.enter_context(cluster)
        return replace(batch, kept=kept, is_elsewhere=True).run(sources, transcribe)

    def _variants(self, service: ServiceTarget) -> tuple[list[Variant], Callable[[], None]]:
        """The variants with all that the service has to say to them, and what is to remember a slow network."""
        request, output, once = self._request, self._output, Once(self._output)
        endpoint = service.endpoint()
        network = network_of(request.service, endpoint.url, output)
        variants: list[Variant] = []
        went_over: Callable[[], None] = _forget
        for chosen in self._chosen.variants:
            choice, explain = with_hotwords(
                chosen.choice, request.service, endpoint, network, output, request.output.quiet
            )
            spec, went_over = with_memory(spec_of(request, choice, endpoint, network), once)
            variants.append(Variant(replace(choice, options=spec.options), spec, explain))
        return variants, went_over

    def _to_do(self, opener: Opener, stack: ExitStack) -> list[Prepared]:
        """The sources, open; without those that are done already. Raises UsageError and Refused."""
        if self._request.is_corpus:
            with many_that_stay():
                sources = [Prepared(row, duration_ms=row.duration_ms) for row in self._rows.rows]
        else:
            sources = opener.check(self._request.names, self._output)
            for item in sources:
                stack.callback(item.close)
        for item, variant in zip(sources, self._chosen.of_source, strict=True):
            item.variant = variant
        total = len(sources)
        sources = self._results.to_do(sources, stack)
        self._skipped = total - len(sources)
        if sources and self._embedding is not None and not self._request.is_corpus:
            self._embedding.check_sources(sources)
        if sources and self._recording is not None:
            self._recording.begin(sources[0].source, sources[0].control.notice)
        return sources

    def _needs_key(self) -> bool:
        """Whether there has to be one here, whoever does the sources."""
        if self._request.corpus.cluster is None:
            return True
        from asrcli.runs.cluster import processes_of

        # Processes of this machine would look where this one does. Lists of hotwords are made here.
        is_here = processes_of(self._request.corpus.cluster) is not None
        return is_here or any(each.choice.hotwords is not None for each in self._chosen.variants)

    def _log(self, stack: ExitStack) -> None:
        """Have all messages written where --log asks for that. Raises UsageError."""
        if self._request.output.log is not None:
            from asrcli.runs.message_log import MessageLog

            stack.enter_context(MessageLog(self._request.output.log, self._asides.put))

    def _context(self, stack: ExitStack) -> Callable[[], Context] | None:
        """The context in force where it is to change while the run lasts. Raises UsageError."""
        choice = next((each.choice for each in self._chosen.variants if each.choice.context_from is not None), None)
        if choice is None or choice.context_from is None:
            return None
        from asrcli.runs.live_context import LiveContext

        live = LiveContext(choice.context_from, choice.options.context, self._asides.put)
        return stack.enter_context(live).current

    def _surroundings(
        self, service: ServiceTarget, context: Callable[[], Context] | None, choice: Choice
    ) -> Surroundings:
        options = choice.options
        return Surroundings(
            endpoint=service.endpoint if service.moves else None,
            asked=self._asked,
            context=None if choice.context_from is None else context,
            record=self._recording.file.write if self._recording is not None else None,
            rescue=functools.partial(rescue, model=options.model, pcm=options.audio_format),
            tick_s=self._output.tick_s or self._results.tick_s,
        )

    def _batch(self, variants: Sequence[Variant], opener: Opener, went_over: Callable[[], None]) -> Batch:
        request = self._request
        return Batch(
            self._output,
            self._signals,
            opener,
            variants,
            request.output.stats,
            request.open_ended,
            parts=request.many.split,
            fail_empty=request.output.fail_empty,
            save_audio=request.output.save_audio,
            one_utterance=request.cutting is not None and request.cutting.one,
            is_corpus=request.is_corpus,
            skipped=self._skipped,
            asides=self._asides,
            went_over=went_over,
            before=self._results.before,
            over=self._results.over,
            notes=self._results.keeping or Notes(),
        )


def transcriber(request: Request, engine: Engine, sources: int) -> functools.partial[Happenings]:
    """What transcribes so many sources in this process."""
    if request.many.split == 1:
        return functools.partial(transcribe_many, engine=engine, at_once=request.at_once(sources))
    from asrcli.engine.splitting import transcribe_each_split

    return functools.partial(transcribe_each_split, engine=engine, parts=request.many.split)


def _forget() -> None:
    """That a network is slow is remembered where somebody asked."""


def with_memory(spec: Spec, output: Teller) -> tuple[Spec, Callable[[], None]]:
    """`spec` as its network is remembered, and what is to remember that it is slow; at no cost where nobody asks."""
    if not spec.saves_bytes:
        return spec, _forget
    from asrcli.runs import slow_links

    return slow_links.recall(spec, output), functools.cache(functools.partial(slow_links.remember, spec.endpoint.url))


def with_hotwords(
    choice: Choice, options: ServiceOptions, endpoint: Endpoint, network: Network, output: Output, quiet: bool
) -> tuple[Choice, Callable[[AsrcliError], None]]:
    """As `runs.hotwords.settled`; where there are none, at no cost."""
    if choice.hotwords is None:
        return choice, lambda error: None
    from asrcli.runs.hotwords import settled

    return settled(choice, options, endpoint, network, output, quiet=quiet)
