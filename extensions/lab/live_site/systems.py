# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systems of the demo's site: the stand-in of its Management Node, and the inventory files next to its CA."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from management_node.api import ManagementNode
from management_node.server import context, running

DEMO = Path(__file__).parents[1] / "demo"
# In the order in which Ansible reads them: what somebody wrote is read last, and stays.
FILES = ("manager.pexip_infinity.yml", "site.sfb_topology.yml", "written.yml")


@contextmanager
def systems(directory: Path) -> Iterator[dict[str, str]]:
    """Put the inventory files into *directory*, and run the Management Node on this machine.

    Gives the environment variables that the files need. The password and the certificate authority are new each time.
    """
    shutil.copytree(DEMO / "live", directory, dirs_exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    password = secrets.token_urlsafe()
    resources = json.loads((DEMO / "live/management_node.json").read_text(encoding="utf-8"))
    certificate = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    with certificate.tempfile() as path:
        tls = context(Path(path))
    with running(ManagementNode(resources, password=password), tls) as port:
        yield {"PEXIP_URL": f"https://127.0.0.1:{port}", "PEXIP_PASSWORD": password}
