# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts pip into a new environment, as the script get-pip.py does, and fetches nothing.

The release that is asked for is unpacked from where pip's settings say that packages are. To have the one that Python
brings install it takes ten times as long, once for each of ten environments.
"""

from __future__ import annotations

import configparser
import sys
import sysconfig
import zipfile
from pathlib import Path

OPTIONS = {"--disable-pip-version-check", "--no-setuptools", "--no-wheel"}

settings = configparser.ConfigParser()
settings.read(Path.home() / ".config/pip/pip.conf", encoding="utf-8")
(wanted,) = set(sys.argv[1:]) - OPTIONS
name, _equal, release = wanted.partition("==")
wheel = Path(settings["global"]["find-links"], f"{name}-{release}-py3-none-any.whl")
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(sysconfig.get_path("purelib"))
