"""The service half of the dialogues of hotword lists."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from asrcli.service.admission import response
from asrcli.service.vocabulary import api
from asrcli.service.vocabulary.lists import WordLists
from tests.support.exchanges import NAMES, exchanges, filled, fits


@pytest.mark.parametrize("name", NAMES)
def test_each_request_is_answered_so(name):
    moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    lists, names = WordLists(now=lambda: moment), dict[str, str]()
    for exchange in exchanges(name):
        body = json.dumps(filled(exchange.request, names)).encode()
        answered = response(*api.answer(lists, "account", body))
        assert answered.status_code == exchange.status
        assert fits(exchange.answer, json.loads(answered.body), names), answered.body
