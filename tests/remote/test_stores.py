"""Objects of stores: S3 on loopback, and those in memory."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from asrcli.remote import stores
from asrcli.remote.base import Halt, NothingThere, RemoteError, Way
from asrcli.remote.places import listed
from asrcli.remote.store_errors import translated
from asrcli.remote.stores import Entry, Stored, open_remote
from asrcli.values.errors import DecodeError
from tests.support.looping import PATIENCE_S, threads_left
from tests.support.object_store import SECRET
from tests.support.object_store import s3 as s3
from tests.support.object_store import s3_endpoint as s3_endpoint


class Said(Exception):  # noqa: N818 - it stands for those of several libraries
    """What a library raises, with what the store has answered."""

    def __init__(self, response: dict[str, object] | None = None, status: int | None = None) -> None:
        super().__init__("some\nwords")
        self.response = response
        self.status = status


def looked(address: str) -> Stored:
    return open_remote(address, Way(), Halt())


@pytest.fixture(params=["s3", "memory"])
def place(request):
    """The address of a store, with nothing in it."""
    if request.param == "s3":
        return request.getfixturevalue("s3")
    file_system, _ = stores._at("memory://")
    file_system.store.clear()
    return "memory://a-bucket"


def test_an_object_is_read_from_anywhere(place):
    content = bytes(range(256)) * 3000
    stores.put(f"{place}/talk.wav", content)
    found = looked(f"{place}/talk.wav")
    assert (found.size_bytes, found.has_ranges) == (len(content), True)
    assert found.identity
    blocks = list(found.read_from(0))
    assert len(blocks) > 1
    assert b"".join(blocks) == content
    assert b"".join(found.read_from(700_000)) == content[700_000:]
    assert b"".join(found.read_from(len(content))) == b""


def test_what_is_there_is_known_by_what_it_is(place):
    stores.put(f"{place}/a", b"one")
    first = looked(f"{place}/a").identity
    assert looked(f"{place}/a").identity == first
    stores.put(f"{place}/a", b"two")
    assert looked(f"{place}/a").identity != first


@pytest.mark.parametrize("moment", ["before", "meanwhile", "in the end"])
def test_an_object_that_changes_is_not_read_as_if_it_were_one(place, moment):
    stores.put(f"{place}/a", b"a" * 600_000)
    found = looked(f"{place}/a")
    if moment == "before":
        stores.put(f"{place}/a", b"b" * 600_000)
    reading = found.read_from(0)
    with pytest.raises(DecodeError, match="changed while it was read"):
        next(reading)
        if moment == "in the end":
            next(reading)
            next(reading)
        stores.put(f"{place}/a", b"b" * 600_000)
        list(reading)


def test_an_object_that_ends_early_is_not_read_as_if_it_were_whole(place, monkeypatch):
    stores.put(f"{place}/a", b"abc")
    found = looked(f"{place}/a")
    found.size_bytes = 4
    with pytest.raises(RemoteError, match="ends after 3 of 4 bytes") as raised:
        list(found.read_from(0))
    assert raised.value.retryable
    with pytest.raises(RemoteError, match="ends after 3 of 4 bytes"):
        stores.get(Entry(f"{place}/a", 4))


def test_nothing_and_folders_are_told_apart(place):
    stores.put(f"{place}/talks/a.wav", b"a")
    with pytest.raises(NothingThere, match=f"there is nothing at {place}/none"):
        looked(f"{place}/none")
    with pytest.raises(RemoteError, match="is a folder") as raised:
        looked(f"{place}/talks")
    assert not isinstance(raised.value, NothingThere)
    names = ["talks", "talks/", "talks/a.wav", "none"]
    assert [stores.is_folder(f"{place}/{name}") for name in names] == [True, True, False, False]


def test_folders_and_patterns_are_the_objects_in_them(place):
    for name in ("talks/b.wav", "talks/a.wav", "talks/c.txt", "talks/deep/d.wav", "e.wav"):
        stores.put(f"{place}/{name}", b"x" * len(name))
    in_talks = [f"{place}/talks/{name}" for name in ("a.wav", "b.wav", "c.txt")]
    assert [each.address for each in stores.in_folder(f"{place}/talks/")] == in_talks
    assert stores.in_folder(f"{place}/talks")[0] == Entry(in_talks[0], 11)
    assert stores.in_folder(f"{place}/none/") == []
    assert stores.matching(f"{place}/*/*.wav") == in_talks[:2]
    assert len(stores.matching(f"{place}/**/*.wav")) == 4
    # Where it matches folders alone they are meant.
    assert stores.matching(f"{place}/talk*") == [f"{place}/talks/"]
    assert stores.matching(f"{place}/none*") == []


def test_a_list_tells_of_many_objects_what_each_of_them_would(s3):
    names = [f"{s3}/many/{number}.wav" for number in range(22)]
    for name in names:
        stores.put(name, name.encode())
    alone = f"{s3}/alone.wav"
    stores.put(alone, b"")
    found = listed([*names[:20], f"{s3}/many/none.wav", alone, "https://host/a.wav"])
    assert found == {name: looked(name).identity for name in names[:20]}
    # Where nobody answers, nothing is known.
    assert listed(f"s3://no-bucket/{number}" for number in range(30)) == {}


def test_files_go_there_and_objects_go_away(place, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"content")
    stores.put_file(f"{place}/a", file)
    assert stores.get(Entry(f"{place}/a", 7)) == b"content"
    assert stores.get(Entry(f"{place}/empty", 0)) == b""
    stores.remove(f"{place}/a")
    with pytest.raises(NothingThere):
        looked(f"{place}/a")


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_is_named(s3):
    for use in (
        lambda: looked("s3://no-bucket/a"),
        lambda: stores.put("s3://no-bucket/a", b""),
        lambda: stores.in_folder("s3://no-bucket/a/"),
        lambda: stores.matching("s3://no-bucket/a/*.wav"),
    ):
        with pytest.raises(RemoteError, match="there is no bucket of that name: s3://no-bucket/") as raised:
            use()
        assert not raised.value.retryable


def test_where_nothing_answers_it_is_told_where(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(stores, "_file_systems", {})
    with pytest.raises(RemoteError) as raised:
        looked(f"{s3}/a")
    assert raised.value.message == f"the store of {s3}/a cannot be reached at 127.0.0.1:9: Connection refused"
    assert raised.value.retryable
    assert raised.value.unreached


def test_without_credentials_it_is_told_which_to_set(s3, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name)
        monkeypatch.setattr(stores, "_file_systems", {})
        with pytest.raises(RemoteError, match=f"there are no credentials for {s3}/a: ") as raised:
            looked(f"{s3}/a")
        assert "AWS_SECRET_ACCESS_KEY" in raised.value.hint
        assert not raised.value.retryable


def test_nobody_waits_for_a_store_that_keeps_silent_when_it_is_to_end(monkeypatch):
    answer, halt = threading.Event(), Halt()

    class Silent:
        def invalidate_cache(self, path: str) -> None:
            halt.set()

        def info(self, path: str) -> None:
            assert answer.wait(PATIENCE_S)

    monkeypatch.setattr(stores, "_at", lambda address: (Silent(), address))
    with pytest.raises(RemoteError, match="nobody waits"):
        open_remote("s3://a-bucket/a", Way(), halt)
    answer.set()
    assert threads_left("store") == []


@pytest.mark.parametrize(
    ("raised", "told", "retryable"),
    [
        (Said({"Error": {"Code": "SlowDown"}}), "the store of s3://b/a is too busy: some words", True),
        (Said({"ResponseMetadata": {"HTTPStatusCode": 503}}), "the store of s3://b/a is too busy: some words", True),
        (Said({"ResponseMetadata": {"HTTPStatusCode": 403}}), "s3://b/a may not be written: some words", False),
        (PermissionError("Access Denied"), "s3://b/a may not be written: Access Denied", False),
        (Said(status=404), "there is nothing at s3://b/a", False),
        (
            ConnectionResetError(104, "x"),
            "the connection to the store of s3://b/a broke: Connection reset by peer",
            True,
        ),
        (TimeoutError(), "the connection to the store of s3://b/a broke: TimeoutError", True),
        (
            OSError(28, "No space left on device"),
            "s3://b/a cannot be written: [Errno 28] No space left on device",
            False,
        ),
        (ValueError("see http://h/?X-Sig=aaa"), "s3://b/a cannot be written: see http://h/?X-Sig=***", False),
    ],
)
def test_what_a_library_raises_is_told_in_one_line(raised, told, retryable):
    error = translated(raised, "s3://b/a", "write")
    assert (error.message, error.retryable) == (told, retryable)


def test_a_library_that_is_missing_is_named(s3, monkeypatch):
    for module, address, line in (
        ("ossfs", "oss://a-bucket/a", "pip install ossfs"),
        ("gcsfs", "gs://a-bucket/a", "pip install gcsfs"),
        ("paramiko", "sftp://host/a", "pip install paramiko"),
        ("s3fs", "s3a://a-bucket/a", "pip install 'asrcli[remote]'"),
        ("fsspec", "s3://a-bucket/a", "pip install 'asrcli[remote]'"),
    ):
        with monkeypatch.context() as patched:
            # Those that were loaded are remembered.
            registry = importlib.import_module("fsspec.registry")
            patched.delitem(registry._registry, address.partition(":")[0], raising=False)
            patched.setitem(sys.modules, module, None)
            with pytest.raises(RemoteError, match="is not installed") as raised:
                looked(address)
        assert module in raised.value.message
        assert raised.value.hint == line


def test_a_library_of_another_store_is_told_its_credentials_and_where_the_store_is(monkeypatch):
    """ossfs looks for neither of them where the vendor's own tools do."""
    given: dict[str, object] = {}

    class Other:
        def __init__(self, **options: object) -> None:
            given.update(options)

        @staticmethod
        def _get_kwargs_from_urls(address: str) -> dict[str, object]:
            return {}

        @staticmethod
        def _strip_protocol(address: str) -> str:
            return address.removeprefix("oss:/")

        def invalidate_cache(self, path: str) -> None:
            pass

        def info(self, path: str) -> None:
            raise ValueError("endpoint is required")

    monkeypatch.setattr("fsspec.get_filesystem_class", lambda scheme: Other)
    monkeypatch.setattr(stores, "_file_systems", {})
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "two")
    with pytest.raises(RemoteError, match="oss://b/a cannot be read: endpoint is required") as raised:
        looked("oss://b/a")
    assert "OSS_ENDPOINT" in raised.value.hint
    assert (given["key"], given["secret"]) == ("one", "two")


def test_an_address_of_no_kind_is_refused():
    with pytest.raises(RemoteError, match="addresses that begin with nosuch:// are not known"):
        looked("nosuch://a/b")


_QUIET = """
import sys
from asrcli.remote import stores
from asrcli.remote.base import Halt
from asrcli.__main__ import main
for address in sys.argv[1:3]:
    print(b"".join(stores.Stored(address, Halt()).read_from(0)).decode())
sys.argv[1:] = ["--version"]
main()
"""


def test_nothing_is_said_in_the_end(s3):
    stores.put(f"{s3}/a", b"one")
    stores.put(f"{s3}/b", b"two")
    line = [sys.executable, "-W", "default", "-c", _QUIET, f"{s3}/a", f"{s3}/b"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("one\ntwo\n")
    assert done.stderr == ""
    assert SECRET not in done.stdout


def test_what_needs_no_store_loads_none():
    loads = "import sys, asrcli.remote.stores, asrcli.remote.stored_lines; print('fsspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
    assert Path(stores.__file__).exists()
