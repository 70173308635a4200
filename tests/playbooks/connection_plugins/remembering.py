# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to a host that answers each module with what an inventory says, for tests of what a play makes of it."""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: remembering
short_description: Answers each module with the same
description: Answers each module with the same.
author: uc_firewall maintainers
options:
  answer:
    description: The answer. Empty is a host that cannot be reached.
    type: raw
    vars:
      - name: answer_of_module
"""


class Connection(ConnectionBase):
    """Answers each module with the same."""

    transport = "remembering"
    has_pipelining = True
    always_pipeline_modules = True

    def _connect(self) -> t.Any:
        if not self.get_option("answer"):
            raise AnsibleConnectionFailure("no route to host")
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> t.Any:
        """Answer."""
        self._connect()
        return 0, json.dumps(self.get_option("answer")).encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Fail: modules are pipelined."""
        raise NotImplementedError

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Fail: nothing is fetched."""
        raise NotImplementedError

    def close(self) -> None:
        """Do nothing."""
