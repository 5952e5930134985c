"""When a list was changed lately, whatever zone the service's times are in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from asrcli.runs.hotword_lists import changed_lately
from asrcli.values.hotwords import HotwordList


@pytest.mark.parametrize(
    ("modified", "lately"),
    [
        ("2026-11-21 09:56:00", True),
        ("2026-11-21 17:56:00", True),
        ("2026-11-21 09:54:59", False),
        ("2026-11-21 10:00:01", False),
        ("2026-11-21 12:56:00", False),
        ("2026-11-20 08:00:00", False),
        ("soon", False),
        ("", False),
    ],
)
def test_less_than_five_minutes_ago_is_lately(modified, lately):
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert changed_lately(HotwordList("vocab-x-1", "OK", "2026-11-20 08:00:00", modified), now) is lately
