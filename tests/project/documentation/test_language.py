# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that users read: the guide stays short, and says nothing in a way that no native speaker would.

Each rule is a fault that was in these texts: the pages, the names of tasks, the documentation of roles and plugins, and
every string of the plugins that may become a message. What only contributors read is left to reviews.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
import yaml
from pages import TOP, page, prose

# A pattern of what is not said, and what is.
RULES = {
    r"\bbelongs? into\b": "belongs in",
    r"\blook whether\b": "check whether",
    r"\bbeside\b": "next to, or besides",
    # "There is no host", "it is no longer" and "is no more than" are English.
    r"(?<!\bthere )\b(?:is|are) no (?!longer\b|more\b|news\b|danger\b|use\b|need\b|proof\b)\w+": "is not a",
    r"\bdoes instead of\b": "replaces, or is enough instead of",
    r"\banyhow\b": "anyway",
    r"\bin the end\b": "at the end, or finally",
    r"\bsomething else than\b": "something other than",
    r"\bshall\b": "is to, or must",
    r"\bstands? (?:twice|there)\b": "occurs twice, or is there",
    r"\bhas to be there\b": "has to be installed",
    r"\ball else\b": "everything else",
    r"\bmeant (?:to be )?so\b": "intended",
    r"\bof whom (?:that|this|it|they)\b": "whose that is",
    r"\b(?:a|one) (?:node|host|address|rule|row|group) more\b": "one more",
    r"\bwhere that is so\b": "if so",
    r"\bso many (?!\w+ that\b)\w+": "how many",
    r"\bexcepted\b": "except",
    r"\bpass by themselves\b": "pass on their own",
    r"\bsees to (?:it|that)\b": "does, or takes care of",
    r"\bneeds? a yes of\b": "has to be accepted by",
    r"\bturns? \w+ \w+ round\b": "reverses it",
    r"\btakes root\b": "needs root",
    r"\bdoes not tell (?:where|when|whether|what)\b": "does not say",
    r"\bno effect have\b": "have no effect",
}
# The guide is what users read from the first line to the last. The others are for contributors.
NOT_OF_THE_GUIDE = {"architecture.md", "demo.md", "index.md", "windows-testing.md"}
MOST_WORDS = 15_000


def unsaid(text: str) -> Iterator[str]:
    """What is in *text* that a rule has, with what to say instead."""
    words = re.sub(r"\s+", " ", text)
    for pattern, better in RULES.items():
        yield from (f"{found[0]!r}: say {better}" for found in re.finditer(pattern, words, re.IGNORECASE))


def names_of_tasks(content: object) -> Iterator[str]:
    """The names of plays, blocks and tasks, at any depth of what a YAML file has."""
    if isinstance(content, list):
        for one in content:
            yield from names_of_tasks(one)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in {"name", "fail_msg", "success_msg", "msg"} and isinstance(value, str):
                yield value
            else:
                yield from names_of_tasks(value)


def descriptions(content: object) -> Iterator[str]:
    """All texts of an argument specification."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for one in content:
            yield from descriptions(one)
    elif isinstance(content, dict):
        for value in content.values():
            yield from descriptions(value)


def strings(code: str) -> Iterator[str]:
    """The strings of a Python file that are not docstrings, such as messages, and DOCUMENTATION; comments are none."""
    tree = ast.parse(code)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def texts() -> Iterator[tuple[str, str]]:
    """Each file that has texts for users, and these."""
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/*.md", "roles/*/README.md"):
        for path in sorted(TOP.glob(pattern)):
            name = str(path.relative_to(TOP))
            yield name, prose(page(name))
    for pattern in ("roles/*/tasks/**/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml"):
        for path in sorted(TOP.glob(pattern)):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            yield str(path.relative_to(TOP)), " | ".join(names_of_tasks(content))
    for path in sorted(TOP.glob("roles/*/meta/argument_specs.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield str(path.relative_to(TOP)), " | ".join(descriptions(content))
    for path in sorted(TOP.glob("plugins/**/*.py")):
        yield str(path.relative_to(TOP)), " | ".join(strings(path.read_text(encoding="utf-8")))


TEXTS = dict(texts())


def words(name: str) -> int:
    """How many words of a page are read from first to last: without code, tables, and what is generated."""
    text = re.sub(r"<!-- generated: ([^>]+?) -->.*?<!-- end: \1 -->", "", page(name), flags=re.DOTALL)
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return len(re.sub(r"^\|.*$", "", text, flags=re.MULTILINE).split())


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_said_as_nobody_says_it(name: str) -> None:
    assert list(unsaid(TEXTS[name])) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A firewall belongs into that group.", ["'belongs into': say belongs in"]),
        ("fe9 is no host of this play", ["'is no host': say is not a"]),
        ("There is no host, it is no longer one, and that is no more than one.", []),
        ("Look\nwhether it is there", ["'Look whether': say check whether"]),
    ],
)
def test_a_fault_is_found_and_english_is_not(text: str, found: list[str]) -> None:
    assert list(unsaid(text)) == found


def test_the_guide_is_short() -> None:
    pages = ["README.md", *(f"docs/{p.name}" for p in (TOP / "docs").glob("*.md") if p.name not in NOT_OF_THE_GUIDE)]
    counted = {name: words(name) for name in pages}
    assert sum(counted.values()) <= MOST_WORDS, counted
