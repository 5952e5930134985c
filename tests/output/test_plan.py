"""What a run would do: which bound counts, what is told where something is not known, and what a script gets."""

from __future__ import annotations

import dataclasses

import pytest

from asrcli.output.plan import Lacking, Plan, Share, document, text


def share(*lengths_ms: int | None, language: str = "", price: tuple[str, float] | None = ("USD", 0.001)) -> Share:
    made = Share() if price is None else Share(currency=price[0], per_s=price[1])
    for length_ms in lengths_ms:
        made.add(length_ms, (language,) if language else ())
    return made


def plan(shares: dict[str, Share] | None = None, **said) -> Plan:
    shares = {"fun": share(60_000, 60_000, 120_000)} if shares is None else shares
    sources = sum(each.sources for each in shares.values())
    longest_ms = max((each.audio_ms for each in shares.values()), default=0)
    default = {
        "region": "intl", "sources": sources, "in_shard": sources, "done": 0, "at_once": 2, "longest_ms": longest_ms,
        "prices_of": "May 2026",
    }  # fmt: skip
    return Plan(shares=shares, **{**default, **said})


def lacking(*named: tuple[str, str]) -> Lacking:
    return Lacking([*named])


def rows(told: Plan) -> dict[str, str]:
    return {line[:8].strip(): line[8:] for line in text(told, None).splitlines()}


@pytest.mark.parametrize(
    ("said", "at_least_s", "by"),
    [
        ({"longest_ms": 120_000}, 120, "slots"),
        ({"longest_ms": 120_001}, 120.001, "longest"),
        ({"longest_ms": 120_000, "speed": 4.0}, 30, "slots"),
        ({"longest_ms": 120_000, "at_once": 1}, 240, "slots"),
        # More at once than there are sources is no faster.
        ({"longest_ms": 0, "at_once": 100}, 80, "slots"),
        ({"longest_ms": 120_000, "at_once": 1, "parts": 4}, 60, "slots"),
        ({"longest_ms": 120_000, "starts": 1, "starts_in_s": 60.0}, 120, "rate"),
        ({"longest_ms": 120_000, "starts": 1, "starts_in_s": 90.0}, 180, "rate"),
        ({"longest_ms": 120_000, "speed": None, "starts": 2}, 1, "rate"),
        # All three begin together.
        ({"longest_ms": 120_000, "speed": None, "starts": 3}, None, None),
        ({"longest_ms": 120_000, "speed": None}, None, None),
    ],
)
def test_the_time_is_the_largest_of_what_bounds_it(said, at_least_s, by):
    made = plan(**said)
    told = document(made)
    assert (told["at_least_s"], told["bound_by"]) == (at_least_s, by)
    assert rows(made)["time"].startswith("at least " if at_least_s else "not known")


def test_what_a_person_reads():
    made = plan(
        {"fun": share(3_600_000, None, language="zh"), "para": share(60_000, price=("CNY", 0.01))},
        sources=2000, in_shard=500, done=490, shard="2/4", at_once=40,
        missing=lacking(("a.wav", ""), ("b\x1b.wav", ""), ("-", ""), *((f"{number}.wav", "") for number in range(4))),
        failing=lacking(("c.wav", "empty"), ("d.wav", "a folder")),
        longest_ms=3_600_000, starts=20, starts_in_s=1.0, cluster="local:4", workers=4,
    )  # fmt: skip
    assert text(made, None).splitlines() == [
        "sources 2,000, 500 in shard 2/4, 490 done already, 3 to do",
        r"missing 7: a.wav, b\x1b.wav, standard input and 4 more",
        "failing 2: c.wav (empty), d.wav (a folder)",
        "sound   1 h 1 min, and 1 of which the length is not known",
        "model   fun (zh): 2, 1 h, and 1 of which the length is not known",
        "        para: 1, 60 s",
        "speed   40 at once, in real time, at most 20 starts a second, on 4 workers here",
        "time    at least 1 h, as long as the longest one",
        "price   at least 3.60 USD and 0.60 CNY by list prices of May 2026, before any discount",
    ]
    all_names = text(made, None, names_all=True).splitlines()[1]
    assert all_names == r"missing 7: a.wav, b\x1b.wav, standard input, 0.wav, 1.wav, 2.wav, 3.wav"
    assert document(made)["missing_names"] == ["a.wav", "b\x1b.wav", "standard input", *(f"{n}.wav" for n in range(4))]
    narrow = text(made, 40).splitlines()
    assert max(map(len, narrow)) <= 40
    assert " ".join(" ".join(narrow).split()) == " ".join(text(made, None).split())


def test_what_a_script_gets():
    made = plan({"fun": share(1500, language="zh"), "other": share(None, price=None)}, shard="1/2", in_shard=5, done=3)
    assert document(made) == {
        "region": "intl", "sources": 2, "shard": "1/2", "in_shard": 5, "done": 3, "missing": 0, "missing_names": [],
        "failing": 0, "failing_names": [],
        "to_do": 2, "audio_ms": 1500, "unknown_lengths": 1, "longest_ms": 1500,
        "models": [
            {"model": "fun", "languages": {"zh": 1}, "sources": 1, "audio_ms": 1500, "unknown_lengths": 0,
             "currency": "USD", "per_s": 0.001, "cost": 0.0015},
            {"model": "other", "languages": {}, "sources": 1, "audio_ms": 0, "unknown_lengths": 1,
             "currency": None, "per_s": None, "cost": None},
        ],
        "at_once": 2, "parts": 1, "rate": None, "pace": 1.0, "cluster": None, "workers": 1, "at_least_s": 1.5,
        "bound_by": "longest", "costs": {"USD": 0.0015}, "prices_of": "May 2026",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"prices_of": None}, "nothing: the service is local"),
        (
            {"shares": {"fun": share(1000, price=None)}},
            "not known: no list price by the second is known for fun in intl",
        ),
        (
            {"shares": {"fun": share(1000, price=None)}, "region": "custom"},
            "not known: no list price by the second is known for fun at this address",
        ),
        ({"shares": {"fun": share(None)}}, "not known, as the length is not"),
        ({"shares": {"fun": share(500)}}, "less than 0.001 USD by list prices of May 2026, before any discount"),
        (
            {"shares": {"fun": share(9_000_000), "b": share(1, price=None)}},
            "at least 9.00 USD by list prices of May 2026, before any discount; none by the second is known for b",
        ),
    ],
)
def test_no_price_is_told_that_is_not_known(said, told):
    made = plan(**said)
    assert rows(made)["price"] == told


def test_of_nothing_to_do_nothing_more_is_told():
    made = plan({}, sources=3, in_shard=3, done=3, longest_ms=0)
    assert text(made, 80) == "sources 3, 3 done already, nothing to do"
    assert document(made)["bound_by"] is None


def test_a_service_of_our_own_costs_nothing():
    told = document(dataclasses.replace(plan({"fun": share(1000, price=None)}), prices_of=None))
    assert isinstance(told["models"], list)
    assert told["models"][0]["cost"] == 0
