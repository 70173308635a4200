# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of the documentation, for tests that take what a page shows and run it."""

from __future__ import annotations

import json
import os
import re
import typing as t
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from warm_ansible import ansible_playbook

TOP = Path(__file__).resolve().parent.parent.parent


# Where the files are that the package leaves out.
REPOSITORY = "https://github.com/uc-firewall/pexip_sfb/blob/main/"


def page(name: str, top: Path = TOP) -> str:
    """The text of the page *name*, a path from the top of the checkout, or of what is made of it."""
    return (top / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """*text* without its code: what looks like a link in there is none."""
    without_blocks = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: "`" + "x" * (len(code[0]) - 2) + "`", without_blocks)


def links(name: str, top: Path = TOP) -> list[str]:
    """The targets of all links and pictures of a page."""
    return re.findall(r"\]\(\s*([^)\s]+)\s*\)", prose(page(name, top)))


def anchors(name: str, top: Path = TOP) -> set[str]:
    """The anchors that a page has by its headings, as they are made of them on the web."""
    text = re.sub(r"^ *```.*?^ *```", "", page(name, top), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        kept = "".join(c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
        slug, number = kept.replace(" ", "-"), 0
        while slug in found:
            number += 1
            slug = f"{kept.replace(' ', '-')}-{number}"
        found.add(slug)
    return found


def dead_links(name: str, top: Path = TOP) -> Iterator[str]:
    """The links of a page to files or headings below *top* that are not there."""
    here = (top / name).parent
    for target in links(name, top):
        path, _hash, anchor = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        file = (here / path).resolve() if path else top / name
        inside = file.exists() and top in [file, *file.parents]
        if not inside or (anchor and (file.suffix != ".md" or anchor not in anchors(str(file.relative_to(top)), top))):
            yield target


def examples(name: str, kind: str) -> dict[str, str]:
    """Title → YAML of the examples on a page that are marked as being of *kind*: inventory, playbook, variables."""
    marked = rf"<!-- {kind}: (.+?) -->\n\n```yaml\n(.*?)```"
    return dict(re.findall(marked, page(name), re.DOTALL))


def ten_line_inventory() -> str:
    """The inventory that the README shows."""
    match = re.search(r"```yaml\n(all:\n  children:\n.*?)```", page("README.md"), re.DOTALL)
    assert match is not None
    return match[1]


def run_playbook(directory: Path, inventory: str, playbook: str, *arguments: str, **variables: t.Any) -> str:
    """Run a playbook in *directory* as a user does, and return what it says.

    A host of the inventory that is connected to answers with "a host was touched", where the variable
    ``ansible_connection`` is ``untouchable``.
    """
    (directory / "inventory.yml").write_text(inventory, encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(TOP / "tests/playbooks/connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "COLUMNS": "10000",
    }
    command = ["-i", "inventory.yml", playbook, *arguments, "-e", json.dumps(variables)]
    done = ansible_playbook(command, cwd=directory, env=environment)
    return done.stdout + done.stderr
