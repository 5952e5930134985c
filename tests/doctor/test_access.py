"""What shows of key, address and proxy before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from asrcli.doctor import access
from asrcli.doctor.access import Access

KEY = "sk-0123456789abcdef0123456789abcdef"


def asked(tmp_path: Path, **changes) -> Access:
    nobody = Access(region=None, workspace=None, endpoint=None, proxy=None, ca_bundle=None, environ={}, home=tmp_path)
    return replace(nobody, **changes)


def key_of(about: Access):
    learned: list[str] = []
    [finding] = access.key(about, learned.append)
    return finding, learned


def test_a_key_is_told_with_its_place_and_its_length_and_never_with_itself(tmp_path):
    finding, learned = key_of(asked(tmp_path, environ={"DASHSCOPE_API_KEY": f" {KEY}\n"}))
    assert (finding.status, finding.detail) == ("ok", "sk-…, 35 characters, from DASHSCOPE_API_KEY")
    assert learned == [KEY]


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        (f'"{KEY}"', "fail", "quotes"),
        (f"{KEY[:9]} {KEY[9:]}", "fail", "no usable key"),
        ("LTAI5tAbCdEfGhIjKlMnOpQr", "warn", "does not begin with sk-"),
        ("sk-short", "warn", "only 8 characters"),
    ],
)
def test_what_does_not_look_like_a_key_is_told(tmp_path, value, status, said):
    finding, _ = key_of(asked(tmp_path, environ={"DASHSCOPE_API_KEY": value}))
    assert finding.status == status
    assert said in finding.detail
    assert finding.fix
    assert value not in f"{finding.detail}{finding.fix}"


def test_a_file_that_others_may_read_is_told_with_the_command_that_closes_it(tmp_path):
    path = tmp_path / "my key"
    path.write_text(KEY)
    path.chmod(0o644)
    finding, _ = key_of(asked(tmp_path, api_key_file=path))
    assert (finding.status, finding.fix) == ("warn", f"chmod 600 '{path}'")
    assert "(644)" in finding.detail
    path.chmod(0o600)
    assert key_of(asked(tmp_path, api_key_file=path))[0].status == "ok"


def test_a_key_on_the_command_line_is_seen_by_others(tmp_path):
    finding, _ = key_of(asked(tmp_path, api_key=KEY))
    assert (finding.status, finding.fix) == ("warn", "set DASHSCOPE_API_KEY instead")


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, "fail"), ({"region": "local"}, "ok"), ({"endpoint": "ws://127.0.0.1:1"}, "ok"), ({"endpoint": "x"}, "fail")],
)
def test_no_key_is_a_fault_where_one_is_needed(tmp_path, changes, status):
    assert key_of(asked(tmp_path, **changes))[0].status == status


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    finding, _ = key_of(asked(tmp_path, api_key_file=tmp_path / "none"))
    assert finding.status == "fail"
    assert "none" in finding.detail


def test_the_address_is_told_with_what_it_comes_from(tmp_path):
    def told(**changes) -> tuple[str, str]:
        [finding] = access.address(asked(tmp_path, **changes))
        return finding.status, finding.detail

    assert told(region="cn") == ("ok", "wss://dashscope.aliyuncs.com, region cn")
    assert told(workspace="ws-1")[1].endswith("region intl, workspace ws-1")
    assert told(endpoint="wss://me:secret@here/x")[1] == "wss://here/x, given by --endpoint"
    variable = {"DASHSCOPE_WEBSOCKET_BASE_URL": "wss://there"}
    assert told(environ=variable)[1] == "wss://there, given by DASHSCOPE_WEBSOCKET_BASE_URL"
    assert told(endpoint="ws://elsewhere")[0] == "fail"
    assert "started for this check" in told(region="local")[1]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({}, "ok", "none"),
        ({"environ": {"HTTPS_PROXY": "http://p:1"}}, "ok", "http://p:1, from HTTPS_PROXY"),
        ({"proxy": "http://me:pass@p:1"}, "ok", "http://p:1, from --proxy, with a password"),
        ({"environ": {"https_proxy": "p:1"}}, "warn", "https_proxy is incomplete and was read as http://p:1"),
        ({"environ": {"ALL_PROXY": "ftp://p"}}, "fail", "ALL_PROXY is not a proxy address"),
        ({"environ": {"ALL_PROXY": "http://p:1"}, "proxy": "none"}, "ok", "none, as --proxy none says"),
        (
            {"environ": {"ALL_PROXY": "http://p:1", "NO_PROXY": "aliyuncs.com"}},
            "ok",
            "none: NO_PROXY excepts it from ALL_PROXY",
        ),
        (
            {"environ": {"ALL_PROXY": "http://p:1"}, "endpoint": "ws://127.0.0.1:1"},
            "ok",
            "none: loopback excepts it from ALL_PROXY",
        ),
    ],
)
def test_the_proxy_is_told_with_who_named_it(tmp_path, changes, status, said):
    [finding] = access.proxy(asked(tmp_path, **changes))
    assert (finding.status, said in finding.detail) == (status, True), finding
    assert "pass@" not in finding.detail


def test_a_socks_proxy_without_its_package_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(access, "_speaks_socks", lambda: False)
    [finding] = access.proxy(asked(tmp_path, proxy="socks5://p:1"))
    assert finding.status == "fail"
    assert "asrcli[socks]" in (finding.fix or "")


def test_certificates_that_are_added_are_told(tmp_path):
    missing = tmp_path / "none.pem"
    assert list(access.authorities(asked(tmp_path))) == []
    [bundle] = access.authorities(asked(tmp_path, ca_bundle=missing))
    [variable] = access.authorities(asked(tmp_path, environ={"SSL_CERT_FILE": str(missing)}))
    assert (bundle.status, variable.status) == ("fail", "fail")
    assert str(missing) in bundle.detail
    assert "unset SSL_CERT_FILE" in (variable.fix or "")
