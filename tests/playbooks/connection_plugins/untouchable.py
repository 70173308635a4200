# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection that says so when a host is touched, for tests of plays that must end before that."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: untouchable
short_description: Fails when it is used
description: Fails when it is used.
author: uc_firewall maintainers
options: {}
"""


class Connection(ConnectionBase):
    """Fails when it is used."""

    transport = "untouchable"

    def _connect(self) -> t.Any:
        raise AnsibleError("a host was touched")

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> t.Any:
        """Fail."""
        raise AnsibleError("a host was touched")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Fail."""
        raise AnsibleError("a host was touched")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Fail."""
        raise AnsibleError("a host was touched")

    def close(self) -> None:
        """Do nothing."""
