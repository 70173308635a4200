# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports all that runs on hosts, and runs the tests of it that need no operating system; the value is for exit."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import types
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = ["/versions/site", "/versions/ansible", "/versions"]
sys.stdout.write(f"Python {sys.version.split()[0]} on {sys.platform}\n")
# What WebAssembly has no operating system for. Whatever uses one of these fails.
for name in ("fcntl", "grp", "pwd", "resource", "ssl", "syslog", "termios"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
    sys.modules.setdefault(name, types.ModuleType(name))

root = Path("/versions")
collection = root / "ansible_collections/uc_firewall/pexip_sfb"
imported = 0
for folder in ("modules", "module_utils"):
    for path in sorted((collection / "plugins" / folder).rglob("*.py")):
        importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
        imported += 1
sys.stdout.write(f"{imported} files imported\n")

os.chdir(collection)
os.environ["HYPOTHESIS_PROFILE"] = "quick"
import pytest  # noqa: E402 # not before the stand-ins

tests = "tests/unit/plugins/module_utils"
int(pytest.main(["--quiet", "--capture=sys", "-p", "no:cacheprovider", "-m", "not operating_system", tests]))
