# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages: links lead somewhere, and tables written by hand agree with what they are about."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import load_port_matrix
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.progress import batches
from pages import REPOSITORY, TOP, dead_links, examples, links, page


def tracked(pattern: str) -> list[str]:
    """The files of the checkout that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (TOP / name).is_file()]


PAGES = [name for name in tracked("*.md") if not name.startswith("tests/golden")]
HEADINGS = [
    "Description", "Requirements", "Installation", "Use Cases", "Testing", "Contributing", "Support",
    "Release Notes and Roadmap", "Related Information", "License",
]  # fmt: skip


def table(name: str, marker: str) -> list[list[str]]:
    """The cells of the rows of a marked table."""
    block = re.search(rf"<!-- {marker} -->\n(.*?)<!-- end -->", page(name), re.DOTALL)
    assert block is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block[1].splitlines()[2:]]


@pytest.mark.parametrize("name", PAGES)
def test_links_within_the_repository_lead_somewhere(name: str) -> None:
    assert list(dead_links(name)) == []


def test_links_to_the_repository_name_files_of_it() -> None:
    """They are for those who have the package, where these files are not."""
    named = {target.removeprefix(REPOSITORY) for name in PAGES for target in links(name) if REPOSITORY in target}
    assert named
    assert [path for path in named if not (TOP / path).exists()] == []


def test_links_to_elsewhere_are_few_and_secure(capsys: pytest.CaptureFixture[str]) -> None:
    """They are listed and not followed, as CI may have no network: pytest -s shows them."""
    external = sorted({(target, name) for name in PAGES for target in links(name) if re.match(r"[a-z]+:", target)})
    with capsys.disabled():
        for target, name in external:
            print(f"\n{name}: {target}", end="")
    assert all(target.startswith("https://") for target, _where in external)


def test_every_page_of_the_guide_is_in_its_contents() -> None:
    guide = {name.removeprefix("docs/") for name in PAGES if re.fullmatch(r"docs/[^/]+\.md", name)}
    assert guide - {"index.md"} <= {target.partition("#")[0] for target in links("docs/index.md")}


def test_the_readme_has_the_headings_of_certified_collections() -> None:
    assert re.findall(r"^## (.+)$", page("README.md"), re.MULTILINE) == HEADINGS
    assert page("README.md").count("```shell\nmake demo\nmake test\n```") == 1


def test_each_role_has_a_page_with_an_example_and_its_variables() -> None:
    for role in (path.name for path in (TOP / "roles").iterdir()):
        text = page(f"roles/{role}/README.md")
        assert text.startswith(f"# Role {role}\n")
        assert f"uc_firewall.pexip_sfb.{role}" in text
        assert f"<!-- generated: {role} variables -->" in text


def test_symptoms_lead_to_every_row_and_to_no_other() -> None:
    named = [re.findall(r"`(\w+)`", cells[1]) for cells in table("docs/rows.md", "symptoms")]
    assert all(named)
    assert {row for rows in named for row in rows} == {row["id"] for row in load_port_matrix().rows}


def test_the_checks_of_the_pages_can_fail() -> None:
    """A gateway judges nothing that it sends itself, so a check from there would confirm any ruleset."""
    blocks = [
        block
        for name in PAGES
        for block in re.findall(r"^```yaml\n(.*?)^```", page(name), re.DOTALL | re.MULTILINE)
        if "linux_firewall_confirm_checks:" in block
    ]
    checks = [check for block in blocks for check in re.findall(r"- \{host: .*?\}", block)]
    assert len(checks) >= len(blocks) >= 3
    assert [check for check in checks if "from: controller" not in check] == []


def test_what_the_page_says_of_counters_holds_of_the_rules() -> None:
    """Established traffic first, and of the rows that permit the same packet the one that the page names."""
    text = page("tests/golden/transit_judged_nodes/ruleset.nft")
    rules = re.findall(r'^\t\t(.*) counter accept comment "(\w+)"$', text, re.MULTILINE)
    names = [name for _match, name in rules]
    assert names[0] == "established"
    matches = {name: match for match, name in reversed(rules)}  # the first rule of a row
    for counts, stays_0, narrowed, wide in (
        ("psom_content", "https_content", "dport { 443, 8057 }", "dport 443"),
        ("media_edge_to_nodes", "strict_edge_media", "tcp sport 50000-59999 ", ""),
    ):
        assert names.index(counts) < names.index(stays_0)
        assert matches[counts].replace(narrowed, wide) == matches[stays_0]
        assert counts in page("docs/rows.md")


def test_the_line_of_progress_is_one_that_is_printed() -> None:
    probes = [
        {"row": "sip_signaling", "destination_host": f"node{number}", "protocol": "tcp", "destination_port": 5061}
        for number in range(1, 133)
    ]
    lines = [f"fe1: {line}\n" for _part, line in batches(probes, 40)]
    assert lines[1] in page("docs/verify.md")


def test_a_file_of_requirements_that_a_page_speaks_of_is_one_that_its_reader_has() -> None:
    """Whoever installed the collection does not have the repository's, which does not name the collection anyway."""
    named = [name for name in PAGES if "install -r requirements.yml" in page(name)]
    for name in named:
        shown = "".join(examples(name, "requirements").values())
        assert "name: uc_firewall.pexip_sfb\n" in shown, name
    assert named


def test_the_page_of_the_architecture_has_every_folder_of_tests() -> None:
    folders = {path.parts[1] for path in map(Path, tracked("tests/*/*"))}
    programs_and_data = {"checks", "golden", "golden_aerleon", "golden_report", "sites"}
    assert folders - programs_and_data == set(
        re.findall(r"^\| `tests/(\w+)`", page("docs/architecture.md"), re.MULTILINE)
    )


def test_the_page_of_the_architecture_has_every_package_with_what_it_imports() -> None:
    """By folder, as two packages may have one name."""
    for folder, heading in (
        ("plugin_utils", "In `plugins/plugin_utils`"),
        ("module_utils", "In `plugins/module_utils`"),
    ):
        text = page("docs/architecture.md").partition(heading)[2].partition("\n\n|")[2].partition("\n\n")[0]
        shown = re.findall(r"^\| `(\w+)` \| .* \| (.*) \| .* \|$", text, re.MULTILINE)
        found = {}
        for package in sorted((TOP / "plugins" / folder).glob("*/__init__.py")):
            code = "\n".join(path.read_text(encoding="utf-8") for path in package.parent.glob("*.py"))
            names = set(re.findall(rf"^from (?:\.\.|.*\b{folder}\.)(_\w+)", code, re.MULTILINE))
            found[package.parent.name] = ", ".join(f"`{name}`" for name in sorted(names - {package.parent.name}))
        assert {name: imports.replace("nothing", "") for name, imports in shown} == found


def product_text() -> str:
    """All texts of the product that may become messages, with strings joined that stand in several lines."""
    texts = []
    for pattern in (
        "plugins/**/*.py",
        "plugins/**/*.ps1",
        "roles/**/*.yml",
        "playbooks/*.yml",
        "tests/prepare-machine",
        "extensions/lab/**/*.yml",
    ):
        texts += [path.read_text(encoding="utf-8") for path in sorted(TOP.glob(pattern))]
    return re.sub(r"\s+", " ", re.sub(r"\"\s*\n\s*f?\"", "", "\n".join(texts)))


@pytest.mark.parametrize("cells", table("docs/troubleshooting.md", "messages"), ids=lambda cells: cells[0])
def test_the_messages_that_are_explained_do_exist(cells: list[str]) -> None:
    message = cells[0].strip("`")
    for part in re.split(r"…|`, `", message):
        assert part.strip() in product_text()
