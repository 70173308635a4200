# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of Ansible without the time that they take to load: a third of a second, in hundreds of tests.

A process loads Ansible, with the environment of the test, and each run is a fork of it. So the code that runs is that
of the command, from its ``main`` on. Each environment has a process of its own, as Ansible reads its settings while it
loads.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import hashlib
import importlib
import json
import marshal
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

_OF_ANSIBLE = (
    "cli.inventory", "cli.playbook", "executor.playbook_executor", "executor.task_executor",
    "playbook.handler_task_include", "plugins.action.normal", "plugins.strategy.linear",
)  # fmt: skip

_loaded: dict[tuple[tuple[str, str], ...], tuple[subprocess.Popen[bytes], socket.socket]] = {}


class Run:
    """A command under way, in a session and a process group of its own.

    :ivar pid: its process, and its group.
    """

    def __init__(self, status: t.TextIO) -> None:
        self._status = status
        self.pid = int(status.readline())
        self._code: int | None = None

    def wait(self, timeout: float) -> int | None:
        """Wait for its end; return its exit code, negative where a signal ended it, or None after *timeout* seconds."""
        if self._code is None and select.select([self._status], [], [], timeout)[0]:
            with self._status:
                self._code = int(self._status.readline())
        return self._code


def ansible_playbook(arguments: Sequence[str | Path], **how: t.Any) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook; see run."""
    return run("playbook", arguments, **how)


def run(
    command: t.Literal["inventory", "playbook"],
    arguments: Sequence[str | Path],
    *,
    timeout: int = 900,
    **how: t.Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command of Ansible; return its exit code and what it printed, as subprocess.run does.

    :param timeout: seconds after which it is killed.
    :param how: see start.
    """
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
    ):
        under_way = start(command, arguments, stdout=stdout, stderr=stderr, **how)
        code = under_way.wait(timeout)
        if code is None:
            os.killpg(under_way.pid, signal.SIGKILL)
            code = under_way.wait(timeout)
        assert code is not None
        printed = []
        for file in (stdout, stderr):
            file.seek(0)
            printed.append(file.read())
    return subprocess.CompletedProcess([f"ansible-{command}", *map(str, arguments)], code, *printed)


def start(
    command: t.Literal["inventory", "playbook"],
    arguments: Sequence[str | Path],
    *,
    stdout: t.TextIO,
    stderr: t.TextIO,
    env: Mapping[str, str],
    of_this_run: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Run:
    """Start a command of Ansible.

    :param of_this_run: more of its environment, which Ansible does not read while it loads.
    """
    environment = {name: value for name, value in env.items() if name != "PYTEST_CURRENT_TEST"}
    key = tuple(sorted(environment.items()))
    if key not in _loaded:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen([sys.executable, __file__], stdin=theirs, env=environment, cwd="/")
        _loaded[key] = process, ours
    order = {
        "command": [f"ansible-{command}", *map(str, arguments)],
        "environment": {"PWD": str(cwd or Path.cwd()), **(of_this_run or {})},
    }
    reading, writing = os.pipe()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as written, open(writing, "w", encoding="ascii") as status:
        json.dump(order, written)
        written.flush()
        files = (written, stdout, stderr, status)
        socket.send_fds(_loaded[key][1], [b"."], [file.fileno() for file in files])
    return Run(open(reading, encoding="ascii"))


@atexit.register
def _end() -> None:
    for process, connection in _loaded.values():
        connection.close()
        process.wait()


def _serve(orders: socket.socket) -> None:
    """Load Ansible, and run a command for each order."""
    _load_what_a_run_loads()
    templates = Path(tempfile.mkdtemp())
    _keep_compiled_templates(templates)
    gc.disable()  # no run lasts long enough for it
    gc.freeze()  # what is loaded stays, so nobody who enables it has to look through it
    while files := socket.recv_fds(orders, 1, 4)[1]:
        if not os.fork():
            orders.close()
            _tell(*files)
            os._exit(0)
        for file in files:
            os.close(file)
        with contextlib.suppress(ChildProcessError):  # they are waited for one order later
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
    shutil.rmtree(templates)


def _tell(order: int, stdout: int, stderr: int, status: int) -> None:
    """Run the command of an order; write the number of its process to *status*, and its exit code when it has ended."""
    child = os.fork()
    if not child:
        os.setsid()
        os.write(status, f"{os.getpid()}\n".encode())
        os.close(status)
        os.lseek(order, 0, os.SEEK_SET)
        with open(order, encoding="utf-8") as file:
            _become(json.load(file), stdout, stderr)
        os._exit(_code())
    os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())


def _load_what_a_run_loads() -> None:
    """Import what nearly each run does, or many of its tasks: parts of Ansible, and the collection's plugins."""
    from ansible import constants
    from ansible.plugins import loader
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    constants.DEFAULT_INTERNAL_POLL_INTERVAL = 0.01  # a run asks for results a thousand times a second otherwise
    for name in _OF_ANSIBLE:
        importlib.import_module(f"ansible.{name}")
    loader.init_plugin_loader()
    importlib.import_module("ansible_collections.ansible.builtin")
    # Of the first three, each run reads the options of all that there are. Those of vars are not among them: with them
    # loaded, a run would find no group_vars.
    for kind in ("become", "connection", "shell", "cache", "callback", "inventory", "filter", "test"):
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    try:  # a task that uses one filter loads them all
        packages = [
            importlib.import_module(f"ansible_collections.uc_firewall.pexip_sfb.plugins.{kind}")
            for kind in ("action", "filter")
        ]
        importlib.import_module("ansible_collections.community.windows")
    except ModuleNotFoundError:  # the test may be about a site without the collection
        packages = []
    for package in packages:
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    _AnsibleCollectionFinder._remove()  # a run has its own


def _keep_compiled_templates(directory: Path) -> None:
    """Have each template compiled once. Each task, which is a process, would compile all that it uses."""
    import jinja2

    compile_template = jinja2.Environment.compile

    def kept(environment: jinja2.Environment, source: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
        if not isinstance(source, str):  # parsed already
            return compile_template(environment, source, *arguments, **options)
        settings = [value for value in vars(environment).values() if isinstance(value, (bool, int, str))]
        asked = (type(environment), settings, str(source), arguments, options)
        file = directory / hashlib.sha256(repr(asked).encode()).hexdigest()
        try:
            return marshal.loads(file.read_bytes())
        except FileNotFoundError:
            code = compile_template(environment, source, *arguments, **options)
        written = file.with_suffix(f".{os.getpid()}")
        written.write_bytes(marshal.dumps(code))
        written.rename(file)
        return code

    jinja2.Environment.compile = kept  # type: ignore[method-assign]


def _become(order: Mapping[str, t.Any], stdout: int, stderr: int) -> None:
    """Have the directory, the environment, the arguments, and the input and output of a process of its own."""
    from ansible import constants

    os.environ.update(order["environment"])
    os.chdir(os.environ["PWD"])
    sys.argv = order["command"]
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), stdout, stderr)):
        os.dup2(file, number)
        os.close(file)
    # Ansible makes it while it loads, and removes it when it ends.
    os.makedirs(constants.DEFAULT_LOCAL_TMP, mode=0o700, exist_ok=True)


def _code() -> int:
    """Run the command that the arguments begin with; return its exit code."""
    main = importlib.import_module(f"ansible.cli.{sys.argv[0].removeprefix('ansible-')}").main
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    _serve(socket.socket(fileno=0))
