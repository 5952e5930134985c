"""What is said to whoever gives a word that is none of those that may be."""

from __future__ import annotations

from asrcli.values.choices import choose_one


def test_all_are_listed_and_the_nearest_is_told():
    assert choose_one("loc", ("intl", "cn", "local")) == "choose one of intl, cn, local; the nearest is local"
    assert choose_one("INTL", ("intl", "cn")) == "choose one of intl, cn; the nearest is intl"
    assert choose_one("mars", ("intl", "cn")) == "choose one of intl, cn"
