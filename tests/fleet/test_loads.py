"""Who has room, as sources come and go."""

from __future__ import annotations

from asrcli.fleet.loads import Loads

NONE: frozenset[str] = frozenset()


def loads_of(**most: int) -> Loads:
    loads = Loads()
    for worker, count in most.items():
        loads.join(worker, count)
    return loads


def give(loads: Loads, worker: str, *numbers: int, company: int | None = None) -> None:
    for number in numbers:
        loads.give(worker, number, company)


def test_who_has_the_fewest_comes_first_and_who_is_full_not_at_all():
    loads = loads_of(a=2, b=1)
    give(loads, "a", 1)
    assert loads.least_loaded(NONE) == "b"
    give(loads, "b", 2)
    assert loads.least_loaded(NONE) == "a"
    give(loads, "a", 3)
    assert loads.least_loaded(NONE) is None
    loads.take_away("b", 2)
    assert loads.least_loaded(NONE) == "b"
    assert loads.leave("a") == {1, 3}


def test_whoever_is_avoided_gets_it_only_where_all_are():
    loads = loads_of(a=2, b=2)
    assert loads.least_loaded(frozenset("a")) == "b"
    assert loads.least_loaded(frozenset("ab")) == "a"


def test_one_in_small_company_fits_where_there_are_few_and_keeps_the_others_few():
    loads = loads_of(a=9)
    give(loads, "a", 1, 2)
    assert loads.least_loaded(NONE, 2) is None
    assert loads.least_loaded(NONE, 3) == "a"
    give(loads, "a", 3, company=3)
    assert loads.least_loaded(NONE) is None
    loads.take_away("a", 1)
    assert loads.least_loaded(NONE) == "a"
    give(loads, "a", 4)
    loads.take_away("a", 3)
    assert loads.least_loaded(NONE) == "a"


def test_of_what_a_worker_had_in_small_company_nothing_is_left_when_it_is_gone():
    loads = loads_of(a=9)
    give(loads, "a", 1, company=1)
    loads.leave("a")
    loads.join("a", 9)
    give(loads, "a", 2)
    assert loads.least_loaded(NONE) == "a"


def test_one_worker_is_reserved_until_it_takes_what_it_is_reserved_for():
    loads = loads_of(a=9, b=9, c=9)
    give(loads, "a", 1, 2)
    give(loads, "b", 3)
    give(loads, "c", 4, 5)
    loads.reserve(NONE)
    assert loads.least_loaded(NONE) in ("a", "c")
    loads.take_away("a", 1)
    loads.take_away("a", 2)
    # It stays that one, though another has fewer now.
    loads.reserve(NONE)
    assert loads.least_loaded(NONE) == "a"
    give(loads, "a", 6, 7)
    loads.take_away("b", 3)
    assert loads.least_loaded(NONE) != "b"
    assert loads.least_loaded(NONE, 1) == "b"
    give(loads, "b", 8, company=1)
    # While that one is there no other is reserved.
    loads.reserve(NONE)
    loads.take_away("a", 6)
    assert loads.least_loaded(NONE) == "a"


def test_whoever_is_gone_or_avoided_is_not_reserved():
    loads = loads_of(a=9, b=9)
    give(loads, "b", 1)
    loads.reserve(frozenset("a"))
    assert loads.least_loaded(NONE) == "a"
    loads.join("b", 0)
    loads.reserve(NONE)
    assert loads.least_loaded(NONE) is None
    assert loads.least_loaded(NONE, 1) == "a"
