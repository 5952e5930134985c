"""`--proxy https://…`: what a person behind a proxy with TLS meets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.support.service import TALK_TEXT, TALK_WAV, running_service
from tests.support.tls_proxy import TlsProxy, server_context, tls_proxy

SENTENCES = [line.strip() for line in TALK_TEXT.read_text(encoding="utf-8").splitlines() if line.strip()]
PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def proxy(authority: trustme.CA) -> Iterator[TlsProxy]:
    with tls_proxy(server_context(authority)) as proxy:
        yield proxy


def address(proxy: TlsProxy) -> str:
    return f"https://user:{PASSWORD}@127.0.0.1:{proxy.port}"


def test_a_file_is_transcribed_through_a_proxy_with_tls(asrcli, talk_service, proxy, bundle):
    options = ("--endpoint", talk_service, "--proxy", address(proxy), "--ca-bundle", bundle, "--pace", "fast")
    done = asrcli("file", TALK_WAV, *options)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == SENTENCES
    assert len(proxy.requests) == 1


def test_tls_to_the_service_goes_through_tls_to_the_proxy(asrcli, proxy, bundle):
    with running_service(tls=True) as service:
        assert service.ca_file is not None
        bundle.write_text(bundle.read_text() + service.ca_file.read_text())
        options = ("--endpoint", service.url, "--proxy", address(proxy), "--ca-bundle", bundle, "--pace", "fast")
        done = asrcli("file", TALK_WAV, *options)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == SENTENCES
    assert len(proxy.requests) == 1


def test_a_loopback_service_is_reached_without_the_proxy_of_the_environment(
    asrcli, talk_service, proxy, bundle, monkeypatch
):
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--ca-bundle", bundle, "--pace", "fast")
    assert done.code == 0
    assert proxy.requests == []


def test_a_service_elsewhere_is_reached_through_the_proxy_of_the_environment(asrcli, authority, bundle, monkeypatch):
    """It refuses, which is one line without the password, and a failure of the network."""
    with tls_proxy(server_context(authority), b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", address(proxy))
        monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
        done = asrcli("file", TALK_WAV, "--endpoint", "wss://service.invalid/", "--ca-bundle", bundle)
    assert done.code == 6
    [line] = done.err.splitlines()
    assert f"the proxy https://127.0.0.1:{proxy.port} refused the way to wss://service.invalid/" in line
    assert "HTTP 407" in line
    assert PASSWORD not in done.err + done.out
    assert len(proxy.requests) == 1


def test_a_proxy_that_is_not_trusted_is_a_failure_of_the_network(asrcli, talk_service, proxy):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--proxy", address(proxy))
    assert done.code == 6
    [line] = done.err.splitlines()
    assert "the certificate of the proxy https://127.0.0.1:" in line
    assert PASSWORD not in line
