# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the packages of an image come from: a mirror, or the archive once no mirror has the suite."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[4] / "extensions/lab/build-image"
MIRROR = "--mount mmdebstrap --variant=minbase --include=nftables bullseye out.tar"
ARCHIVE = f"{MIRROR} http://archive.debian.org/debian"


@pytest.mark.parametrize(
    ("failing", "calls", "status"),
    [("none", [MIRROR], 0), ("mirror", [MIRROR, ARCHIVE], 0), ("both", [MIRROR, ARCHIVE], 1)],
)
def test_the_archive_is_asked_where_no_mirror_has_the_suite(
    tmp_path: Path, failing: str, calls: list[str], status: int
) -> None:
    # Stands in for unshare, which would start mmdebstrap.
    program = tmp_path / "unshare"
    program.write_text(
        f"""#!/bin/sh
echo "$@" >>{tmp_path}/calls
case {failing},$* in
none,* | mirror,*archive*) ;;
*) echo "E: nothing at ${{7:-the mirror}}"; exit 25 ;;
esac
"""
    )
    program.chmod(0o755)
    done = subprocess.run(
        [BUILD, "bullseye", "out.tar", "--include=nftables"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "calls").read_text().splitlines() == calls
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.splitlines() == (
        [
            "From a mirror:",
            "E: nothing at the mirror",
            "From the archive:",
            "E: nothing at http://archive.debian.org/debian",
        ]
        if status
        else []
    )
