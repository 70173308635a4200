# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection ``simulated_windows``: for tests and the demo only."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase
from simulated_windows.host import ConnectionLostError, SimulatedHost
from simulated_windows.payload import read_call

DOCUMENTATION = """
name: simulated_windows
short_description: A Windows host that is a file
description:
  - Everything up to the connection is what a real host gets. What the host does with it is simulated.
author: uc_firewall maintainers
options:
  host:
    description: Name of the host.
    type: str
    vars: [{name: inventory_hostname}]
  directory:
    description: Where the states and logs of the hosts are.
    type: path
    required: true
    vars: [{name: simulated_windows_directory}]
"""


class Connection(ConnectionBase):
    """Runs each module that arrives on the host's file."""

    transport = "simulated_windows"
    module_implementation_preferences = (".ps1", ".exe", "")
    has_pipelining = True
    always_pipeline_modules = True
    allow_executable = False

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        self._shell_type = "powershell"
        super().__init__(*args, **kwargs)

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run the module in *in_data*."""
        module, arguments = read_call(in_data or b"")
        host = SimulatedHost(Path(self.get_option("directory")), self.get_option("host"))
        try:
            result = host.run(module, arguments)
        except ConnectionLostError as e:
            raise AnsibleConnectionFailure(str(e)) from e
        return int(bool(result.get("failed"))), json.dumps(result).encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Fail: no module that has a stand-in needs it."""
        raise AnsibleError("the simulated Windows host takes no files")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Fail: no module that has a stand-in needs it."""
        raise AnsibleError("the simulated Windows host has no files")

    def close(self) -> None:
        """Do nothing."""
        self._connected = False
