"""For the tests of links."""

from __future__ import annotations

import pytest

from tests.support.links import posting_links


@pytest.fixture
def links():
    with posting_links() as make:
        yield make
