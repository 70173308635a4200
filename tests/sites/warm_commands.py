# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command, such as Molecule's, in which ``ansible-playbook`` is a fork of a process that has loaded Ansible.

The command finds another program of that name first, which hands its arguments, its environment and its output over to
us, and ends as the play does; see warm_ansible.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from warm_ansible import Run, start

# What a shell sets by itself does not say how Ansible is to run, and differs each time: each would be loaded anew.
_PROGRAM = """#!{python} -IS
import json, os, socket, sys
environment = {{name: value for name, value in os.environ.items() if name not in ("_", "OLDPWD", "PWD", "SHLVL")}}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [b"."], [1, 2])
    connection.sendall(json.dumps([sys.argv[1:], environment, os.getcwd()]).encode() + b"\\n")
    with connection.makefile() as answer:
        code = int(answer.read())
sys.exit(code if code >= 0 else 128 - code)
"""

_one_at_a_time = threading.Lock()


def run(command: Sequence[str]) -> int:
    """Run *command*; return its exit code."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        address = str(Path(directory, "socket"))
        listener.bind(address)
        listener.listen()
        program = Path(directory, "bin/ansible-playbook")
        program.parent.mkdir()
        program.write_text(_PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
        program.chmod(0o755)
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        return subprocess.run(command, env=environment, check=False).returncode


def _serve(listener: socket.socket) -> None:
    """Answer the program, as often as it is called."""
    while True:
        call, _address = listener.accept()
        threading.Thread(target=_play, args=(call,), daemon=False).start()


def _play(connection: socket.socket) -> None:
    """Do what one call is for. Where that is ended before its play, so is the play."""
    with connection, contextlib.suppress(OSError, ValueError):  # it may be ended at any time
        play = _started(connection)
        while (code := play.wait(1)) is None:
            if select.select([connection], [], [], 0)[0]:
                os.killpg(play.pid, signal.SIGKILL)
        connection.sendall(f"{code}".encode())


def _started(connection: socket.socket) -> Run:
    _dot, (stdout, stderr), *_rest = socket.recv_fds(connection, 1, 2)
    with open(stdout, "w", encoding="utf-8") as output, open(stderr, "w", encoding="utf-8") as errors:
        with connection.makefile(encoding="utf-8") as request:
            arguments, environment, directory = json.loads(request.readline())
        with _one_at_a_time:  # what is loaded for an environment is to be loaded once
            return start("playbook", arguments, stdout=output, stderr=errors, env=environment, cwd=Path(directory))


if __name__ == "__main__":
    # It goes to the command, too, which ends by itself.
    signal.signal(signal.SIGINT, lambda *_signal: None)
    sys.exit(run(sys.argv[1:]))
