# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nft is run for real, with a terminal as the module's standard input, as it is where Ansible does not pipeline."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

RUN = """
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft
with patch_module_args({}):
    nft = Nft(AnsibleModule({}), "nft")
"""


@pytest.mark.parametrize("call", ["nft.in_scratch_namespace('', 'x')", "nft.run('-c', '-f', '-', data='')"])
def test_nothing_to_load_does_not_wait_for_a_terminal(call: str) -> None:
    keyboard, terminal = pty.openpty()
    try:
        command = ["unshare", "--net", sys.executable, "-c", f"{RUN}    assert {call} == ''"]
        subprocess.run(command, stdin=terminal, check=True, timeout=900)
    finally:
        os.close(keyboard)
        os.close(terminal)
