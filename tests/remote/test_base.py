"""What is known of the way to addresses, and what ends a wait there."""

from __future__ import annotations

import pickle
from pathlib import Path

from asrcli.remote.base import Halt, Way


def test_the_password_of_a_proxy_leaves_no_process():
    way = Way("http://me:secret@proxy:8080", Path("ca.pem"), 3)
    data = pickle.dumps(way)
    assert b"secret" not in data
    assert pickle.loads(data) == Way(None, Path("ca.pem"), 3)
    assert "secret" not in repr(way)
    plain = Way("http://proxy:8080")
    assert pickle.loads(pickle.dumps(plain)) == plain


def test_what_begins_to_wait_too_late_is_ended_at_once():
    halt, ended = Halt(), []
    halt.ends(lambda: ended.append(1))
    halt.set()
    halt.ends(lambda: ended.append(2))
    assert (ended, halt.is_set) == ([1, 2], True)
