# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts pip into a new environment, as the script get-pip.py does, and fetches nothing but the wanted release of pip."""

from __future__ import annotations

import subprocess
import sys

PIP = [sys.executable, "-m", "pip"]
NOT_KNOWN_TO_PIP = ("--no-setuptools", "--no-wheel")

subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
wanted = [argument for argument in sys.argv[1:] if argument not in NOT_KNOWN_TO_PIP]
subprocess.run([*PIP, "install", *wanted], check=True)
if "--no-setuptools" in sys.argv:
    subprocess.run([*PIP, "uninstall", "--yes", "--quiet", "setuptools"], check=True)
