from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from asrcli.remote.base import Way
from tests.support.tls_proxy import server_context
from tests.support.web_server import WebServer, web_server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def way(authority: trustme.CA, tmp_path: Path) -> Way:
    """The way to `web`."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return Way(ca_bundle=path, retries=5)


@pytest.fixture
def web(authority: trustme.CA) -> Iterator[WebServer]:
    """A server that speaks TLS."""
    with web_server(server_context(authority)) as server:
        yield server


@pytest.fixture
def plain_web() -> Iterator[WebServer]:
    """A server that speaks plain HTTP."""
    with web_server() as server:
        yield server
