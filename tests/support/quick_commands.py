"""`asrcli` for scripts of a shell, at a tenth of its price: each command is forked from a process that has imported it.

What is put on the PATH hands its standard streams, folder, variables and arguments to that process, waits for the exit
code, and passes on the signal that ends it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.service import DATA

_STAND_IN = """#!{python} -IS
import json, os, signal, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(link, [b"%d\\n" % len(request)], [0, 1, 2])
link.sendall(request)
answers = link.makefile()
pid = int(next(answers))
signal.signal(signal.SIGTERM, lambda number, _: os.kill(pid, number))
code = int(next(answers))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""
# The modules that look for sound hardware when they are imported are left to the command.
_PARENT = """
import gc, importlib, json, os, pkgutil, signal, socket, sys
import asrcli.cli.app
for module in pkgutil.walk_packages(asrcli.__path__, "asrcli."):
    if "microphone" not in module.name and not module.name.endswith(("__main__", "sphinx.worker")):
        importlib.import_module(module.name)
for line in (["models"], ["file", "--help"], ["file", "no-such-file"]):
    asrcli.cli.app.run(line)
address, prepare = sys.argv[1:]
exec(prepare)
listening = socket.socket(socket.AF_UNIX)
listening.bind(address)
listening.listen(100)
# What is here already is looked through by no child, which would copy it by that.
gc.collect()
gc.freeze()
os.write(1, b"ready\\n")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    link, _ = listening.accept()
    if not os.fork():
        break
    link.close()
listening.close()
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
head, streams, _, _ = socket.recv_fds(link, 100, 3)
size, _, rest = head.partition(b"\\n")
while len(rest) < int(size):
    rest += link.recv(1 << 16)
pid = os.fork()
if pid:
    for each in streams:
        os.close(each)
    link.sendall(b"%d\\n" % pid)
    link.sendall(b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os._exit(0)
link.close()
for number, each in enumerate(streams):
    os.dup2(each, number)
    os.close(each)
arguments, folder, environ = json.loads(rest)
os.chdir(folder)
os.environ.clear()
os.environ.update(environ)
sys.argv = ["asrcli", *arguments]
asrcli.cli.app.main()
"""
_LED = """
from asrcli.settings import endpoints
chosen = endpoints.endpoint_url
def endpoint_url(*where):
    url = chosen(*where)
    return {service!r} if "127.0.0.1" not in url else url
endpoints.endpoint_url = endpoint_url
with_command = asrcli.cli.app.with_command
def with_command_and_pace(*typed):
    arguments = with_command(*typed)
    if arguments[:1] and arguments[0] in ("file", "qwen", "reuse-bench") and "--pace" not in arguments:
        return [arguments[0], "--pace", "fast", *arguments[1:]]
    return arguments
asrcli.cli.app.with_command = with_command_and_pace
"""


def led_to(service: str) -> str:
    """What has the vendor's hosts stand for the address `service`, and sound sent as fast as it is taken."""
    return _LED.format(service=service)


@contextmanager
def quick_commands(folder: Path, prepare: str) -> Iterator[Path]:
    """A folder for the PATH that has `asrcli` in it; `prepare` is Python that is run once, before the first of them."""
    program, address = folder / "asrcli", str(folder.resolve() / "commands")
    program.write_text(_STAND_IN.format(python=sys.executable, address=address), encoding="utf-8")
    program.chmod(0o755)
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, address, prepare],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=DATA.parent.parent,
    )
    with parent:
        try:
            assert parent.stdout is not None
            assert b"ready\n" in parent.stdout
            yield folder
        finally:
            parent.kill()
