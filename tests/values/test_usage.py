"""What sessions report of their use, put together: a figure that nobody has said stays unknown."""

from __future__ import annotations

from asrcli.values.events import UsageReported


def test_two_sessions_together():
    assert UsageReported(3, None, 5).plus(UsageReported(4, 7)) == UsageReported(7, 7, 5)
    assert UsageReported().plus(UsageReported()) == UsageReported()


def test_what_is_said_later_replaces_what_was_said_before():
    assert UsageReported(3, 10, None).then(UsageReported(4, None, 5)) == UsageReported(4, 10, 5)


def test_what_has_come_to_it_since():
    assert UsageReported(9, 4, None).since(UsageReported(3)) == UsageReported(6, 4, None)
