"""What a run would do, as text for people and as a value for JSON: which sources, how long it takes, what it costs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from asrcli.output.sanitize import name as shown
from asrcli.output.sanitize import sanitize
from asrcli.values.clock_time import in_words
from asrcli.values.source_name import label

_CUSTOM = "custom"
# So many sources that would fail are named, where not all are asked for.
_NAMED = 3
_WIDTH = 8
# Less than that of any currency is nothing.
_LEAST = 0.001
_HUNDREDTHS_FROM = 0.1


@dataclass(slots=True)
class Share:
    """What one model has to do, which grows source by source.

    `languages`: how many sources name each. `audio_ms` is the sound of those whose length is known, `unknown` counts
    the others. `currency` and `per_s` are its list price for a second of sound, None where there is none by the second.
    """

    sources: int = 0
    audio_ms: int = 0
    unknown: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    currency: str | None = None
    per_s: float | None = None

    def add(self, audio_ms: int | None, languages: Sequence[str]) -> None:
        """One source more."""
        self.sources += 1
        self.audio_ms += audio_ms or 0
        self.unknown += audio_ms is None
        for language in languages:
            self.languages[language] = self.languages.get(language, 0) + 1

    @property
    def cost(self) -> float | None:
        """By the list price, of the sound whose length is known."""
        return None if self.per_s is None else self.audio_ms / 1000 * self.per_s


@dataclass(slots=True)
class Lacking:
    """Sources that would fail, each with what is wrong with it, "" where that is clear."""

    named: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, problem: str) -> None:
        """One more."""
        self.named.append((name, problem))

    @property
    def count(self) -> int:
        return len(self.named)

    @property
    def names(self) -> list[str]:
        return [label(name) for name, _ in self.named]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that was not begun.

    `region` as in Begin. There are so many `sources`, of which `in_shard` are for this run; `done` of these are done,
    `missing` are not there, `failing` cannot be read, and the rest is to do, model by model. `at_once` and
    `speed` (the pace, None for as fast as it goes) bound how fast that goes, and `starts` in `starts_in_s` seconds,
    where that is limited. `workers` is how many processes work, None where nobody has counted them. `parts`: of each
    source, sent at once. `prices_of`: when the list prices were looked up; None where the service costs nothing.
    """

    region: str
    sources: int
    in_shard: int
    done: int
    shares: Mapping[str, Share]
    at_once: int
    shard: str | None = None
    missing: Lacking = field(default_factory=Lacking)
    failing: Lacking = field(default_factory=Lacking)
    longest_ms: int = 0
    speed: float | None = 1.0
    starts: int | None = None
    starts_in_s: float = 1.0
    workers: int | None = 1
    cluster: str | None = None
    parts: int = 1
    prices_of: str | None = None

    @property
    def to_do(self) -> int:
        return sum(share.sources for share in self.shares.values())

    @property
    def audio_ms(self) -> int:
        return sum(share.audio_ms for share in self.shares.values())

    @property
    def unknown(self) -> int:
        return sum(share.unknown for share in self.shares.values())

    @property
    def bounds(self) -> dict[str, float]:
        """What the time depends on → how many seconds it takes at least, by that alone."""
        bounds = {}
        if self.starts is not None and self.to_do:
            # So many at once at first, and so many each time that the seconds are over.
            bounds["rate"] = (self.to_do * self.parts - 1) // self.starts * self.starts_in_s
        if self.speed is not None:
            at_once = max(1, min(self.at_once, self.to_do)) * self.parts
            bounds["slots"] = self.audio_ms / 1000 / self.speed / at_once
            bounds["longest"] = self.longest_ms / 1000 / self.speed / self.parts
        return bounds

    @property
    def bound_by(self) -> str | None:
        """The one that counts; None where nothing bounds the time."""
        bounds = self.bounds
        return max(bounds, key=lambda name: bounds[name]) if bounds and max(bounds.values()) > 0 else None

    @property
    def costs(self) -> dict[str, float]:
        """Currency → what the sound costs whose length and whose price by the second are known."""
        costs: dict[str, float] = {}
        for share in self.shares.values():
            if share.cost is not None and share.currency is not None:
                costs[share.currency] = costs.get(share.currency, 0.0) + share.cost
        return costs


def document(plan: Plan) -> dict[str, object]:
    """For JSON; what is not known is null."""
    bounds = plan.bounds
    return {
        "region": plan.region,
        "sources": plan.sources,
        "shard": plan.shard,
        "in_shard": plan.in_shard,
        "done": plan.done,
        "missing": plan.missing.count,
        "missing_names": plan.missing.names,
        "failing": plan.failing.count,
        "failing_names": plan.failing.names,
        "to_do": plan.to_do,
        "audio_ms": plan.audio_ms,
        "unknown_lengths": plan.unknown,
        "longest_ms": plan.longest_ms,
        "models": [_share(name, share, is_free=plan.prices_of is None) for name, share in plan.shares.items()],
        "at_once": plan.at_once,
        "parts": plan.parts,
        "rate": None if plan.starts is None else {"starts": plan.starts, "seconds": plan.starts_in_s},
        "pace": plan.speed,
        "cluster": plan.cluster,
        "workers": plan.workers,
        "at_least_s": round(bounds[plan.bound_by], 3) if plan.bound_by else None,
        "bound_by": plan.bound_by,
        "costs": {currency: round(cost, 6) for currency, cost in plan.costs.items()},
        "prices_of": plan.prices_of,
    }


def _share(name: str, share: Share, *, is_free: bool) -> dict[str, object]:
    return {
        "model": name,
        "languages": share.languages,
        "sources": share.sources,
        "audio_ms": share.audio_ms,
        "unknown_lengths": share.unknown,
        "currency": share.currency,
        "per_s": share.per_s,
        "cost": 0 if is_free else None if share.cost is None else round(share.cost, 6),
    }


def text(plan: Plan, columns: int | None, *, names_all: bool = False) -> str:
    """For a person; `columns`: None for a pipe, where a line is as long as it is.

    With `names_all` every source is named that would fail.
    """
    lines: list[str] = []
    for heading, said in _rows(plan, names_all=names_all):
        begin = f"{heading:<{_WIDTH}}"
        if columns is None:
            lines.append(f"{begin}{said}")
        else:
            # Options and names of models are not broken at their hyphens.
            width, indent = max(columns, 2 * _WIDTH), " " * _WIDTH
            lines += textwrap.wrap(said, width, initial_indent=begin, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(line.rstrip() for line in lines)


def _rows(plan: Plan, *, names_all: bool) -> Iterator[tuple[str, str]]:
    yield "sources", _of_the_sources(plan)
    for heading, lacking in (("missing", plan.missing), ("failing", plan.failing)):
        if lacking.count:
            yield heading, _named(lacking, names_all=names_all)
    if not plan.to_do:
        return
    yield "sound", _length(plan.audio_ms, plan.unknown, plan.to_do)
    for number, (name, share) in enumerate(plan.shares.items()):
        yield "" if number else "model", _of_the_model(name, share, is_alone=len(plan.shares) == 1)
    yield "speed", ", ".join(_of_the_speed(plan))
    yield "time", _of_the_time(plan)
    yield "price", _of_the_price(plan)


def _of_the_sources(plan: Plan) -> str:
    said = [f"{plan.sources:,}"]
    if plan.shard is not None:
        said.append(f"{plan.in_shard:,} in shard {plan.shard}")
    if plan.done:
        said.append(f"{plan.done:,} done already")
    if plan.to_do != plan.sources:
        said.append(f"{plan.to_do:,} to do" if plan.to_do else "nothing to do")
    return ", ".join(said)


def _named(lacking: Lacking, *, names_all: bool) -> str:
    told = lacking.named if names_all else lacking.named[:_NAMED]
    names = [shown(label(name)) + (f" ({sanitize(problem)})" if problem else "") for name, problem in told]
    more = lacking.count - len(names)
    return f"{lacking.count:,}: {', '.join(names)}" + (f" and {more:,} more" if more else "")


def _length(audio_ms: int, unknown: int, sources: int) -> str:
    if unknown == sources:
        return "its length is not known" if sources == 1 else "their lengths are not known"
    known = in_words(audio_ms / 1000)
    return f"{known}, and {unknown:,} of which the length is not known" if unknown else known


def _of_the_model(name: str, share: Share, *, is_alone: bool) -> str:
    languages = ", ".join(
        sanitize(code) if count == share.sources else f"{sanitize(code)} {count:,}"
        for code, count in share.languages.items()
    )
    said = sanitize(name) + (f" ({languages})" if languages else "")
    return said if is_alone else f"{said}: {share.sources:,}, {_length(share.audio_ms, share.unknown, share.sources)}"


def _of_the_speed(plan: Plan) -> Iterator[str]:
    if plan.parts > 1:
        yield f"one after another, each in {plan.parts} parts at once"
    elif plan.at_once > 1:
        yield f"{plan.at_once:,} at once"
    elif plan.to_do > 1:
        yield "one after another"
    yield "as fast as it goes" if plan.speed is None else "in real time" if plan.speed == 1 else f"pace {plan.speed:g}"
    if plan.starts is not None:
        yield f"at most {f'{plan.starts:,} starts' if plan.starts > 1 else 'one start'} {_period(plan.starts_in_s)}"
    if plan.cluster is not None:
        workers = f"{plan.workers:,} workers here" if plan.workers else f"the workers of {shown(plan.cluster)}"
        yield f"on {workers}"


def _period(seconds: float) -> str:
    return {1.0: "a second", 60.0: "a minute"}.get(seconds, f"in {seconds:.3g} s")


def _of_the_time(plan: Plan) -> str:
    by = plan.bound_by
    if by is None:
        return "not known: sound is sent as fast as it is taken" if plan.speed is None else "not known"
    why = {"rate": "by the starts", "slots": "", "longest": "as long as the longest one"}[by]
    if by == "slots" and plan.at_once > 1:
        why = f"with {plan.at_once:,} at once"
    return f"at least {in_words(plan.bounds[by])}" + (f", {why}" if why else "")


def _of_the_price(plan: Plan) -> str:
    if plan.prices_of is None:
        return "nothing: the service is local"
    unpriced = [name for name, share in plan.shares.items() if share.cost is None]
    said = " and ".join(f"{_amount(cost)} {currency}" for currency, cost in plan.costs.items())
    if not said:
        where = "at this address" if plan.region == _CUSTOM else f"in {plan.region}"
        return f"not known: no list price by the second is known for {', '.join(map(sanitize, unpriced))} {where}"
    if plan.unknown == plan.to_do:
        return "not known, as the length is not"
    less = plan.unknown or unpriced
    also = f"; none by the second is known for {', '.join(map(sanitize, unpriced))}" if unpriced else ""
    return f"{'at least ' if less else ''}{said} by list prices of {plan.prices_of}, before any discount{also}"


def _amount(cost: float) -> str:
    """To the hundredth; a small one with two digits that say something."""
    if 0 < cost < _LEAST:
        return f"less than {_LEAST}"
    return f"{cost:,.2f}" if cost >= _HUNDREDTHS_FROM or not cost else f"{cost:.2g}"
