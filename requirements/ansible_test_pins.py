# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints what ``ansible-test sanity`` of this environment's ansible-core installs for its tests.

Each of its tests has an environment of its own, and a complete file of pins for it without hashes; all of them use the
same releases. Its pip comes from a constant in its source.
"""

from __future__ import annotations

import re
from pathlib import Path

import ansible_test

HEAD = """\
# What `ansible-test sanity` installs for its tests. Written by `make lock` from the pins that ansible-test itself has.
"""


def pins() -> list[str]:
    """Return each pin, such as ``pylint==3.3.7``, once and sorted."""
    (package,) = ansible_test.__path__
    files = sorted(Path(package).glob("_data/requirements/sanity.*.txt"))
    found = {line for file in files for line in file.read_text(encoding="utf-8").splitlines() if re.match(r"\w", line)}
    source = Path(package, "_internal/python_requirements.py").read_text(encoding="utf-8")
    found.update(f"pip=={version}" for version in re.findall(r"\bpip='([\d.]+)'", source))
    return sorted(found, key=str.lower)


if __name__ == "__main__":
    print(HEAD + "\n".join(pins()))
