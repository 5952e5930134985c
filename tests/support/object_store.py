"""An object store for tests: S3 on loopback, by moto."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from asrcli.remote import stores

SECRET = "a-secret-of-the-store"
BUCKET = "a-bucket"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """Its address, with one empty bucket in it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    # What other tests have left looks elsewhere, and has no key.
    stores._file_systems.clear()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        stores._file_systems.clear()
        server.stop()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a bucket with nothing in it; who looks for a store and its key in the environment finds them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-name-of-a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    # Of a machine in a cloud, which none of ours is.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = f"s3://{BUCKET}"
    file_system, path = stores._at(bucket)
    if file_system.exists(path):
        file_system.rm(path, recursive=True)
    file_system.mkdir(path)
    return bucket
