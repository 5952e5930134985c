"""What travels of a spec, what does not, and how it becomes whole again."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from asrcli.audio.opening import Files
from asrcli.engine.allowance import Rate
from asrcli.fleet.manifest import Row
from asrcli.fleet.portable import portable, whole
from asrcli.fleet.works import Works, journal_of, recipe
from asrcli.values.errors import AuthError, UsageError
from asrcli.wire.dial import Network
from asrcli.wire.proxies import Proxy
from tests.support.fleet import spec_of

URL = "wss://dashscope.example"


def test_no_key_and_no_password_travels():
    proxy = Proxy("http", "proxy", 8080, "user", "password-of-a-proxy")
    spec = spec_of(URL, "sk-secret", network=Network(proxy), rate=Rate(20), slots=3, starts_per_minute=7)
    given = portable(spec, Files(), None)
    data = pickle.dumps(given)
    assert b"sk-secret" not in data
    assert b"password-of-a-proxy" not in data
    assert (given.spec.rate, given.spec.slots, given.spec.starts_per_minute) == (None, None, None)


def test_what_would_be_secret_is_refused():
    endpoint = replace(spec_of(URL).endpoint, headers=(("X-Token", "secret"),))
    with pytest.raises(UsageError, match="--header"):
        portable(spec_of(URL, endpoint=endpoint), Files(), None)
    with pytest.raises(UsageError, match="a password in --proxy") as raised:
        portable(spec_of(URL), Files(), "http://user:word@proxy:1")
    assert "word@" not in str(raised.value)
    assert portable(spec_of(URL), Files(), "http://proxy:1").proxy == "http://proxy:1"


def test_the_key_is_found_where_the_worker_is(tmp_path: Path):
    given = portable(spec_of(URL, "sk-of-the-head"), Files(), None)
    assert whole(given, None, {"DASHSCOPE_API_KEY": "sk-there"}, tmp_path).endpoint.api_key == "sk-there"
    (tmp_path / "key").write_text("sk-in-a-file")
    assert whole(given, tmp_path / "key", {}, tmp_path).endpoint.api_key == "sk-in-a-file"
    with pytest.raises(AuthError, match="no API key"):
        whole(given, None, {}, tmp_path)
    with pytest.raises(AuthError, match="cannot read the key"):
        whole(given, tmp_path / "none", {}, tmp_path)
    assert whole(portable(spec_of("ws://127.0.0.1:1"), Files(), None), None, {}, tmp_path).endpoint.api_key


def test_the_proxy_is_that_of_the_worker_unless_the_user_has_named_one(tmp_path: Path):
    environ = {"DASHSCOPE_API_KEY": "sk-there", "HTTPS_PROXY": "http://u:p@near:1"}
    there = whole(portable(spec_of(URL), Files(), None), None, environ, tmp_path).network.proxy
    assert (there.host, there.password) == ("near", "p")
    named = whole(portable(spec_of(URL), Files(), "http://far:2"), None, environ, tmp_path).network.proxy
    assert named.host == "far"
    assert whole(portable(spec_of(URL), Files(), "none"), None, environ, tmp_path).network.proxy is None


def test_a_ca_bundle_is_named_by_its_whole_path_and_looked_for_there(tmp_path: Path):
    given = portable(spec_of(URL, network=Network(None, Path("none.pem"))), Files(), None)
    assert given.spec.network.ca_bundle == Path("none.pem").absolute()
    with pytest.raises(UsageError, match="--ca-bundle"):
        whole(given, None, {"DASHSCOPE_API_KEY": "sk-there"}, tmp_path)


def test_a_mark_says_what_a_result_is_good_for():
    spec = spec_of(URL, "sk-secret")
    same, other = recipe(portable(spec, Files(), None)), recipe(portable(spec, Files(channel=1), None))
    assert same == recipe(portable(spec_of(URL, "sk-another"), Files(), "none")), "who lets it in is no matter"
    # The local service has another port each time.
    local = [recipe(portable(spec_of(f"ws://127.0.0.1:{port}"), Files(), None)) for port in (1, 2)]
    assert local[0] == local[1] != same != other
    rows = [Row("1", "a.wav"), Row("2", "a.wav"), Row("1", "a.wav", channel=0)]
    works = Works(rows, [0, 0, 0], [same])
    marks = [works.mark(number) for number in range(3)]
    assert len(set(marks)) == 3
    assert [works.number(mark) for mark in marks] == [0, 1, 2]
    assert works.number("of another run") is None
    assert journal_of("out.jsonl", [same]) != journal_of("out.jsonl", [other]) != journal_of("b", [other])


def test_a_mark_is_of_a_file_wherever_it_is_named_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [Row("a", "a.wav"), Row("a", str(tmp_path / "a.wav")), Row("b", "https://host/a.wav")]
    works = Works(rows, [0, 0, 0], ["r"])
    before = [works.mark(number) for number in range(3)]
    monkeypatch.chdir(tmp_path)
    there = [works.mark(number) for number in range(3)]
    assert there[0] == before[1] != before[0], "the same name in another folder is another file"
    assert there[1:] == before[1:]


def test_rows_travel_bare_and_with_whole_paths():
    rows = [Row("1", "a.wav", 500, others={"speaker": "x"}), Row("2", "https://host/a.wav?Signature=x")]
    works = Works(rows, [0, 0], ["r"])
    first, second = works.granted(0, 7), works.granted(1, 8)
    assert first.row == Row("1", str(Path("a.wav").absolute()), 500)
    assert (first.ticket, first.mark) == (7, works.mark(0))
    assert second.row.audio == rows[1].audio
