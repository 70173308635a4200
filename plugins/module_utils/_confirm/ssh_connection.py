# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which SSH connection this process was started over, so that a new one can be told from an old one."""

from __future__ import annotations

import os
from pathlib import Path

_SERVER = "sshd"  # and sshd-session since OpenSSH 9.8


def ssh_connection(process: int | None = None, proc: Path = Path("/proc")) -> str:
    """Return what is the same for all that one connection starts, and differs from each other connection.

    That is the server's process for the connection, as its ancestor: variables of the environment do not pass ``sudo``.

    :param process: begins with this process; with this one itself where not given.
    :returns: empty where no SSH server is an ancestor, as with another kind of connection.
    """
    current = os.getpid() if process is None else process
    while current > 0:
        try:
            text = (proc / str(current) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        # The name is in parentheses and may have some of its own. After it: state, parent, …, and 20th the start.
        name, _bracket, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        if name.startswith(_SERVER):
            return f"{current} {fields[19]}"
        current = int(fields[1])
    return ""
