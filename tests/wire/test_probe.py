"""The way to a service step by step: each step by itself, and where it breaks off."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import trustme

from asrcli.output.wording import words
from asrcli.values.errors import AuthError, LinkError, UsageError
from asrcli.values.messages import ConnectRequest
from asrcli.wire.certificates import holds
from asrcli.wire.dial import Network, look_up
from asrcli.wire.probe import Patience, Probe, Step
from asrcli.wire.proxies import Proxy
from tests.support.scripted_server import scripted_server, silent_port
from tests.support.tls_proxy import server_context, target, tls_proxy

COMPANY = "Company Proxy Authority"
PATIENCE = Patience(step_s=10, all_s=20)
SHORT = Patience(step_s=0.1, all_s=20)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name=COMPANY)


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def steps(url: str, network: Network | None = None, patience: Patience = PATIENCE, find=look_up) -> list[Step]:
    return list(Probe(ConnectRequest(url), network or Network(), patience, find=find).steps(shakes_hands=True))


def said(step: Step) -> str:
    assert step.error is not None
    return words(step.error)


def kinds(found: list[Step]) -> list[str]:
    return [step.kind for step in found]


def test_each_step_is_told_with_its_time_and_what_it_found(authority, bundle):
    with target(server_context(authority)) as url:
        dns, tcp, tls, upgrade = found = steps(url, Network(ca_bundle=bundle))
    assert kinds(found) == ["dns", "tcp", "tls", "upgrade"]
    assert all(step.error is None and step.ms is not None for step in found)
    assert "127.0.0.1" in dns.found
    assert tcp.found.endswith(url.rpartition(":")[2])
    assert tls.found.startswith("TLSv1.")
    assert (tls.issuer, holds(bundle, COMPANY), holds(bundle, "another")) == (COMPANY, True, False)
    assert "GMT" in upgrade.headers["date"]


def test_without_the_handshake_nothing_is_said_to_the_service():
    with silent_port() as url:
        found = list(Probe(ConnectRequest(url), Network(), PATIENCE).steps(shakes_hands=False))
    assert kinds(found) == ["dns", "tcp"]


def test_a_name_that_nobody_answers_for_ends_the_waiting_and_not_the_program():
    never = threading.Event()

    def hanging(url: str) -> list[tuple[object, ...]]:
        never.wait()
        return []

    [dns] = steps("wss://name.invalid", patience=SHORT, find=hanging)
    assert isinstance(dns.error, LinkError)
    assert "no answer to where wss://name.invalid is, within 0.1 s" in dns.error.message
    assert "name server" in dns.error.hint
    never.set()


def test_a_name_that_there_is_not_is_told():
    [dns] = steps("ws://asrcli.invalid")
    assert dns.kind == "dns"
    assert "cannot find the address of ws://asrcli.invalid" in said(dns)


def test_a_port_where_nobody_listens_is_told(dead_port):
    _, tcp = steps(f"ws://127.0.0.1:{dead_port}")
    assert tcp.kind == "tcp"
    assert "nothing answers there" in said(tcp)


def test_who_is_silent_is_waited_for_no_longer_than_a_step():
    with silent_port() as url:
        assert kinds(steps(url, patience=SHORT)) == ["dns", "tcp", "upgrade"]
        *_, tls = steps(url.replace("ws://", "wss://"), patience=SHORT)
    assert tls.kind == "tls"
    assert "no sign of life" in said(tls)


def test_the_certificate_of_a_company_is_told_with_its_name(authority):
    with target(server_context(authority)) as url:
        *_, tls = steps(url)
    assert tls.kind == "tls"
    assert f"signed by '{COMPANY}' is not trusted" in said(tls)
    assert "--ca-bundle" in tls.error.hint


def test_a_key_that_is_refused_comes_with_the_time_of_the_answer():
    with scripted_server(lambda talk: None, refuse=401, body='{"code": "InvalidApiKey", "message": "no"}') as url:
        *_, upgrade = steps(url)
    assert isinstance(upgrade.error, AuthError)
    assert (upgrade.error.http_status, upgrade.error.service_code) == (401, "InvalidApiKey")
    assert "GMT" in upgrade.headers["date"]


def test_a_proxy_is_reached_first_and_the_certificate_behind_it_is_told(authority, bundle):
    with tls_proxy(None) as proxy, target(server_context(authority)) as url:
        _, tcp, tls, upgrade = found = steps(url, Network(Proxy("http", "127.0.0.1", proxy.port), bundle))
    assert kinds(found) == ["dns", "tcp", "tls", "upgrade"]
    assert tcp.found == f"127.0.0.1:{proxy.port}"
    assert (tls.issuer, tls.ms) == (COMPANY, None)
    assert upgrade.error is None


def test_a_certificate_behind_a_proxy_that_is_not_trusted_is_a_fault_of_tls(authority):
    with tls_proxy(None) as proxy, target(server_context(authority)) as url:
        *_, last = steps(url, Network(Proxy("http", "127.0.0.1", proxy.port)))
    assert last.kind == "tls"
    assert "is not trusted" in said(last)


def test_a_proxy_with_tls_is_gone_through(authority, bundle):
    with tls_proxy(server_context(authority)) as proxy, target(server_context(authority)) as url:
        found = steps(url, Network(Proxy("https", "localhost", proxy.port), bundle))
    assert kinds(found) == ["dns", "tcp", "upgrade"]
    assert found[-1].error is None


def test_a_proxy_that_asks_for_a_password_says_how_to_give_one():
    with tls_proxy(None, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        *_, upgrade = steps("wss://localhost:1", Network(Proxy("http", "127.0.0.1", proxy.port)))
        *_, again = steps("wss://localhost:1", Network(Proxy("http", "127.0.0.1", proxy.port, "me", "wrong")))
    assert "407" in upgrade.error.message
    assert upgrade.error.hint == "it wants http://user:password@host:port"
    assert again.error.hint == "check the proxy's user and password"
    assert "wrong" not in said(again)


def test_a_proxy_that_is_dead_is_named(dead_port):
    _, tcp = steps("wss://localhost:1", Network(Proxy("http", "127.0.0.1", dead_port)))
    assert tcp.error.message == f"cannot connect to the proxy http://127.0.0.1:{dead_port}: nothing answers there"


def test_a_bundle_that_cannot_be_used_is_an_error_of_the_user(tmp_path):
    with silent_port() as url:
        *_, tls = steps(url.replace("ws://", "wss://"), Network(ca_bundle=tmp_path / "none.pem"))
    assert isinstance(tls.error, UsageError)
