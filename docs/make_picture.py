# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes ``docs/report.png``, the picture in the README: the top of a real report, as a browser shows it.

Run it from the top of the checkout: ``python docs/make_picture.py``. It takes Debian's Chromium. No test compares the
picture, as each Chromium draws letters a little differently.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SITE, PICTURE = HERE / "examples" / "three-locations.yml", HERE / "report.png"
WINDOW = "1100,900"  # the heading and the drawing of the site


def main() -> int:
    """Write the report of the example, and take its picture. Return the exit code of the program that failed, or 0."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "port-matrix-report" / "port-matrix.html"
        commands: tuple[list[str | Path], ...] = (
            [Path(sys.executable).parent / "ansible-playbook", "-i", SITE, "uc_firewall.pexip_sfb.report"],
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={folder}", f"--window-size={WINDOW}", f"--screenshot={PICTURE}", page.as_uri()],
        )  # fmt: skip
        for command in commands:
            if code := subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL).returncode:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
