"""`asrcli doctor` as a person and a script meet it: on this machine, with the local service, with a name that hangs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from asrcli.cli.commands import doctor as doctor_module
from asrcli.service.faults.kinds import parse_fault
from tests.cli.commands.test_file import ROOT
from tests.support.service import running_service

KEY = "sk-0123456789abcdef0123456789abcdef"
GROUPS = ["program", "files", "microphone", "service", "local service", "completion"]

# In a process of its own a name server that never answers, as nothing but its threads will know.
HANGING = """
import socket, sys, threading
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
sys.argv = ["asrcli", "doctor", "--json", "--region", "cn"]
from asrcli.cli.app import main
main()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """No recogniser is loaded, and no configuration is somebody's."""
    monkeypatch.setattr(doctor_module, "_hear", lambda: None)
    monkeypatch.chdir(tmp_path)


def test_with_the_local_service_nothing_fails(asrcli):
    with running_service() as service:
        done = asrcli("doctor", "--endpoint", service.url, "--json")
    told = json.loads(done.out)
    assert (done.code, told["ok"], done.err) == (0, True, "")
    assert list(dict.fromkeys(each["group"] for each in told["checks"])) == GROUPS
    assert set(told["checks"][0]) == {"id", "group", "name", "status", "detail", "fix", "affects", "ms"}
    by_id = {each["id"]: each for each in told["checks"]}
    assert {"dns", "tcp", "upgrade", "key-tried", "clock"} <= set(by_id)
    assert len(by_id) == len(told["checks"])


def test_a_key_that_is_refused_fails_and_is_not_shown(asrcli, monkeypatch):
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    with running_service(faults=(parse_fault("refuse=401"),)) as service:
        done = asrcli("doctor", "--endpoint", service.url)
    assert done.code == 1
    assert "fail  key tried       refused: HTTP 401, InvalidApiKey: A fault on demand." in done.out
    assert "sk-…, 35 characters, from DASHSCOPE_API_KEY" in done.out
    assert KEY not in done.out


def test_offline_asks_nobody_and_a_broken_configuration_does_not_stop_it(asrcli, tmp_path):
    (tmp_path / "asrcli.toml").write_text('regoin = "cn"\n')
    done = asrcli("doctor", "--offline")
    assert done.code == 1
    assert "fail  configuration   asrcli.toml:1: regoin is no option" in done.out
    assert "DNS" not in done.out
    assert "fail  key             no API key" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--region", "moon"], "--region 'moon' is not known"), (["--header", "x"], "--header wants NAME=VALUE")],
)
def test_what_is_typed_wrongly_is_no_finding(asrcli, arguments, said):
    done = asrcli("doctor", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_name_server_that_hangs_holds_up_neither_the_answer_nor_the_end(tmp_path):
    environ = {**os.environ, "DASHSCOPE_API_KEY": KEY, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, cwd=ROOT, env=environ, timeout=30, check=False
    )
    told = {each["id"]: each for each in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert (told["dns"]["status"], "no answer to where" in told["dns"]["detail"]) == ("fail", True)
    assert told["recogniser"]["status"] == "ok"
    assert KEY not in done.stdout
