"""Where the HTTP API is."""

from __future__ import annotations

import pytest

from asrcli.settings.endpoints import api_url
from asrcli.values.errors import UsageError

HTTP, WS = "DASHSCOPE_HTTP_BASE_URL", "DASHSCOPE_WEBSOCKET_BASE_URL"


@pytest.mark.parametrize(
    ("region", "workspace", "endpoint", "environ", "url"),
    [
        (None, None, None, {}, "https://dashscope-intl.aliyuncs.com/api/v1"),
        ("cn", None, None, {}, "https://dashscope.aliyuncs.com/api/v1"),
        ("cn", "ws-1", None, {}, "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1"),
        (None, "ws-1", None, {}, "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1"),
        (None, None, "ws://127.0.0.1:8765", {}, "http://127.0.0.1:8765/api/v1"),
        (None, None, "ws://[::1]:8765/api-ws/v1/inference", {}, "http://[::1]:8765/api/v1"),
        (None, None, "wss://service.example", {}, "https://service.example/api/v1"),
        (None, None, "https://service.example/", {}, "https://service.example/api/v1"),
        (None, None, "https://service.example/base/api/v1/", {}, "https://service.example/base/api/v1"),
        (None, None, None, {HTTP: "http://localhost:1/api/v1", WS: "ws://localhost:2"}, "http://localhost:1/api/v1"),
        (None, None, None, {WS: "wss://gate.example/api-ws/v1/inference"}, "https://gate.example/api/v1"),
        ("cn", None, None, {HTTP: "http://localhost:1/api/v1"}, "https://dashscope.aliyuncs.com/api/v1"),
    ],
)
def test_it_is_found_as_the_websocket_is(region, workspace, endpoint, environ, url):
    assert api_url(region, workspace, endpoint, environ) == url


@pytest.mark.parametrize("endpoint", ["http://service.example", "https://", "httpx://x", "ftp://x", "https://a b"])
def test_an_address_that_cannot_work_is_refused(endpoint):
    with pytest.raises(UsageError):
        api_url(None, None, endpoint, {})
