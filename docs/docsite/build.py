# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes web pages of the guide and of the documentation of plugins and roles: ``make html`` runs it.

The Markdown pages keep their places, so that their links hold; ``docs/index.md`` becomes the start page. antsibull-docs
writes the rest. Any warning is an error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SOURCE, HTML = TOP / ".build/docs-source", TOP / ".build/html"
PAGES = ("*.md", "docs/*.md", "docs/*.svg", "docs/*.png", "roles/*/README.md", "extensions/*/README.md")


def start_page(contents: str) -> str:
    """Return the start page: *contents* (docs/index.md), with what each of its sections lists in the navigation."""
    moved = re.sub(r"\]\((?!\.\./|https:)", "](docs/", contents).replace("](../", "](")
    trees = []
    for section in moved.split("\n## ")[1:]:
        # What the package leaves out is linked to where it is in the repository, and is a page here all the same.
        listed = re.findall(r"\]\((?:https://[\w./-]+/blob/main/)?([\w./-]+)\.md\)", section)
        trees.append(
            "\n".join(["```{toctree}", ":hidden:", f":caption: {section.splitlines()[0]}", "", *listed, "```"])
        )
    plugins = "```{toctree}\n:hidden:\n:caption: Reference\n\nPlugins and roles <collection/index>\n```"
    return "\n\n".join([moved, *trees, plugins, ""])


def main() -> int:
    """Build the pages below ``.build/html``. Return the exit code of the program that failed, or 0."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(HTML, ignore_errors=True)
    for pattern in PAGES:
        for path in sorted(TOP.glob(pattern)):
            copy = SOURCE / path.relative_to(TOP)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    contents = SOURCE / "docs/index.md"
    (SOURCE / "index.md").write_text(start_page(contents.read_text(encoding="utf-8")), encoding="utf-8")
    contents.unlink()
    readme = SOURCE / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("(docs/index.md)", "(index.md)"), encoding="utf-8")
    generated = SOURCE / "collection"
    generated.mkdir(mode=0o755)  # antsibull-docs wants a directory that nobody else can write to
    programs = Path(sys.executable).parent
    commands: tuple[list[str | Path], ...] = (
        [programs / "antsibull-docs", f"--config-file={HERE}/antsibull-docs.cfg", "collection", "--use-current",
         "--squash-hierarchy", "--fail-on-error", f"--dest-dir={generated}", "uc_firewall.pexip_sfb"],
        [programs / "sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-c", HERE, "-d", SOURCE / ".doctrees",
         SOURCE, HTML],
    )  # fmt: skip
    for command in commands:
        if code := subprocess.run(command, cwd=TOP, check=False).returncode:
            return code
    print(f"{HTML}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
