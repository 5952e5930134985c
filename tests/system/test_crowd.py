"""What many streams need of the machine: room for their files, and memory that is shared."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from asrcli.system import crowd
from asrcli.values.errors import UsageError


def test_a_limit_of_open_files_is_found_at_once(monkeypatch) -> None:
    monkeypatch.setattr("asrcli.system.crowd.allow_many", lambda: 1024)
    assert crowd.make_room(100) == 1024 - 664
    with pytest.raises(UsageError, match=r"--jobs 1000 needs about \d+ open files.*1024.*--jobs 160"):
        crowd.make_room(1000)


_HEAPS = """
import ctypes, sys, threading
from asrcli.system.crowd import make_room
make_room(int(sys.argv[1]))
libc, together = ctypes.CDLL(None), threading.Barrier(4)
def work():
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
report = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, report)
libc.fclose(report)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps of threads are glibc's")
@pytest.mark.parametrize("jobs", [1, 100])
def test_the_threads_of_many_jobs_take_their_memory_from_one_heap(jobs: int, tmp_path) -> None:
    report = tmp_path / "report.xml"
    subprocess.run([sys.executable, "-c", _HEAPS, str(jobs), str(report)], check=True)
    heaps = report.read_text().count("<heap ")
    assert heaps == 1 if jobs > 1 else heaps > 1
