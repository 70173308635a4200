# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in as a process: ``python -m management_node --resources site.json --certificate node.pem``.

The password, or the public key of an OAuth2 client, comes by the environment. It says where it listens, and runs until
it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path

from .api import FAULTS, ManagementNode
from .server import context, start


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until the process is ended."""
    node = ManagementNode(
        json.loads(arguments.resources.read_text(encoding="utf-8")),
        password=os.environ.get("MANAGEMENT_NODE_PASSWORD", ""),
        client_id=os.environ.get("MANAGEMENT_NODE_CLIENT_ID", ""),
        client_key=os.environ.get("MANAGEMENT_NODE_CLIENT_KEY", ""),
        fault=arguments.fault,
    )
    _runner, port = await start(node, arguments.address, arguments.port, context(arguments.certificate))
    print(f"https://{arguments.address}:{port}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=Path, required=True, help="JSON: resource → list of objects")
    parser.add_argument("--certificate", type=Path, required=True, help="PEM with private key and chain")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", choices=FAULTS, default="")
    asyncio.run(serve(parser.parse_args()))


main()
