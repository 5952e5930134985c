"""What each step on the way says, and what the handshake says of the key; nobody is asked but the local service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from asrcli.doctor.findings import Finding
from asrcli.doctor.way import clock, way
from asrcli.service.faults.kinds import parse_fault
from asrcli.settings.endpoints import other_regions
from asrcli.values.errors import AuthError, LinkError
from asrcli.values.messages import ConnectRequest
from asrcli.values.recognition import Endpoint
from asrcli.wire.dial import Network
from asrcli.wire.probe import Patience, Step
from tests.doctor.test_access import KEY, asked
from tests.support.service import running_service

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
DATE = "Thu, 26 Nov 2026 08:00:00 GMT"
REFUSED = AuthError("Invalid API-key provided.", service_code="InvalidApiKey", http_status=401, refused_by="it")
WAY = [Step("dns", 1.0, "192.0.2.1"), Step("tcp", 20.0, "192.0.2.1:443"), Step("tls", 30.0, "TLSv1.3", "An Authority")]


class Service:
    """Stands for the hosts of the vendor: which of them let in, refuse or fail. `asked`: what came there."""

    def __init__(self, **answers: Exception | None) -> None:
        self._answers = {f"{host.replace('_', '-')}.aliyuncs.com": answer for host, answer in answers.items()}
        self.requests: list[ConnectRequest] = []

    def steps(self, request: ConnectRequest, network: Network, shakes: bool, patience: Patience) -> Iterator[Step]:
        yield from WAY
        if shakes:
            self.requests.append(request)
            answer = self._answers[request.url.split("/")[2]]
            assert answer is None or isinstance(answer, AuthError | LinkError)
            yield Step("upgrade", 40.0, headers={"date": DATE}, error=answer)


def never():
    raise AssertionError("no service is to be started")


def found(tmp_path: Path, service: Service, **changes) -> dict[str, Finding]:
    about = asked(tmp_path, **{"environ": {"DASHSCOPE_API_KEY": KEY}, **changes})
    return {each.id: each for each in way(about, "agent", never, lambda: NOW, service.steps)}


def test_a_key_that_is_let_in_is_told_after_each_step_with_its_time(tmp_path):
    service = Service(dashscope_intl=None)
    told = found(tmp_path, service)
    assert [(each.id, each.status, each.ms) for each in told.values()] == [
        ("dns", "ok", 1),
        ("tcp", "ok", 20),
        ("tls", "ok", 30),
        ("upgrade", "ok", 40),
        ("key-tried", "ok", None),
        ("clock", "ok", None),
    ]
    assert told["tls"].detail == "TLSv1.3, certificate signed by 'An Authority'"
    [request] = service.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"


def test_a_key_of_another_region_names_that_region_and_switches_nobody(tmp_path):
    service = Service(dashscope_intl=REFUSED, dashscope=None)
    told = found(tmp_path, service)
    assert (told["upgrade"].status, told["upgrade"].detail) == ("ok", "answered, with HTTP 401")
    tried = told["key-tried"]
    assert (tried.status, tried.fix) == ("fail", "--region cn")
    assert tried.detail == "refused: HTTP 401, InvalidApiKey: Invalid API-key provided.; region cn takes it"
    assert [request.url.split("/")[2] for request in service.requests] == [
        "dashscope-intl.aliyuncs.com",
        "dashscope.aliyuncs.com",
    ]


@pytest.mark.parametrize(
    ("elsewhere", "said"), [(REFUSED, "refuses it too"), (LinkError("nobody there"), "could not be asked")]
)
def test_a_key_that_nobody_takes_is_told_with_who_was_asked(tmp_path, elsewhere, said):
    tried = found(tmp_path, Service(dashscope=REFUSED, dashscope_intl=elsewhere), region="cn")["key-tried"]
    assert tried.status == "fail"
    assert tried.detail.endswith(f"region intl {said}")
    assert "--region" not in (tried.fix or "")


def test_a_key_is_shown_to_nobody_else_where_an_address_was_given(tmp_path):
    service = Service(elsewhere=REFUSED)
    tried = found(tmp_path, service, endpoint="wss://elsewhere.aliyuncs.com")["key-tried"]
    assert tried.status == "fail"
    assert len(service.requests) == 1


def test_a_workspace_stays_behind_when_the_other_region_is_asked(tmp_path):
    service = Service(dashscope=REFUSED, **{"ws-1.ap-southeast-1.maas": REFUSED})
    tried = found(tmp_path, service, workspace="ws-1")["key-tried"]
    assert "workspace ws-1" in (tried.fix or "")
    first, second = service.requests
    assert first.headers["X-DashScope-WorkSpace"] == "ws-1"
    assert "X-DashScope-WorkSpace" not in second.headers


def test_without_a_key_one_comes_as_far_as_the_door(tmp_path):
    service = Service()
    assert list(found(tmp_path, service, environ={})) == ["dns", "tcp", "tls"]
    assert service.requests == []


def test_a_companys_certificate_is_told_as_such(tmp_path):
    authority, bundle = trustme.CA(organization_name="An Authority"), tmp_path / "company.pem"
    authority.cert_pem.write_to_path(bundle)
    told = found(tmp_path, Service(dashscope_intl=None), ca_bundle=bundle)
    assert told["tls"].detail.endswith(f"signed by 'An Authority', an authority of --ca-bundle {bundle}")


@pytest.mark.parametrize(
    ("region", "others"),
    [("intl", ("cn",)), ("cn", ("intl",)), ("qwen-cn", ("qwen-intl",)), ("custom", ()), ("local", ())],
)
def test_a_key_is_shown_to_regions_of_its_own_cloud_only(region, others):
    assert other_regions(region) == others


def test_a_step_that_fails_is_the_last(tmp_path):
    def steps(*_: object) -> Iterator[Step]:
        yield WAY[0]
        yield Step("tcp", 3000.4, error=LinkError("nothing answers", hint="check it"))

    about = asked(tmp_path, environ={"DASHSCOPE_API_KEY": KEY})
    _, tcp = way(about, "agent", never, lambda: NOW, steps)
    assert (tcp.status, tcp.detail, tcp.fix, tcp.ms) == ("fail", "nothing answers", "check it", 3000)


@pytest.mark.parametrize("changes", [{"endpoint": "ws://elsewhere"}, {"proxy": "ftp://x"}])
def test_what_was_told_before_is_not_told_again(tmp_path, changes):
    assert found(tmp_path, Service(), **changes) == {}


@pytest.mark.parametrize(
    ("ahead", "status", "said"),
    [(0.4, "ok", "within 1 s"), (119, "ok", "within 119 s"), (-7200, "warn", "7200 s behind"), (300, "warn", "ahead")],
)
def test_a_clock_that_goes_wrong_is_told(ahead, status, said):
    [finding] = clock(DATE, NOW + timedelta(seconds=ahead))
    assert (finding.status, said in finding.detail) == (status, True)


@pytest.mark.parametrize("date", [None, "", "soon", "Thu, 99 Nov 2026 08:00:00 GMT"])
def test_without_a_date_nothing_is_said_of_the_clock(date):
    assert list(clock(date, NOW)) == []


def test_the_local_service_is_started_and_tried(tmp_path):
    with running_service(required_key="its own", faults=(parse_fault("refuse=403:1"),)) as service:

        class Started:
            def endpoint(self) -> Endpoint:
                return Endpoint(service.url, "its own")

        def told() -> dict[str, Finding]:
            about = asked(tmp_path, region="local")
            ways = way(about, "agent", lambda: contextlib.nullcontext(Started()), lambda: datetime.now(UTC))
            return {each.id: each for each in ways}

        refused, accepted = told(), told()
    assert refused["key-tried"].detail == "refused: HTTP 403, AccessDenied: A fault on demand."
    assert refused["key-tried"].affects == "--region local"
    assert [each.status for each in accepted.values()] == ["ok"] * 5
    assert "nothing was recognised" in accepted["key-tried"].detail


def test_a_local_service_that_does_not_start_is_told(tmp_path):
    class Broken:
        def endpoint(self) -> Endpoint:
            raise LinkError("the local service did not start: no")

    [finding] = way(asked(tmp_path, region="local"), "agent", lambda: contextlib.nullcontext(Broken()), lambda: NOW)
    assert (finding.id, finding.status) == ("way", "fail")
