"""Whatever a service says, in whatever order, a session answers with events or with an error that the user can read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile import happenings, survives
from tests.support.recovery import PROTOCOLS


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_any_messages_in_any_order_are_events_or_our_errors(protocol):
    @settings(max_examples=80)
    @given(happenings(protocol), st.booleans())
    def check(happened, begun):
        survives(protocol, happened, begun=begun)

    check()
