# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the tables of the documentation from what they describe: matrix data, roles, plugins, the demo's inventory.

Run it from the top of the checkout: ``python docs/generate_tables.py``. With ``--check`` it changes nothing and ends
with 1 where a page is not up to date.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import typing as t
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / ".build"))

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.port_matrix import (  # noqa: E402
    NUMBERED_GROUPS,
    ROW_GROUPS,
    PortMatrix,
    load_port_matrix,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.reasons import (  # noqa: E402
    GROUP_TITLES,
    REASONS,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.protocols import protocol_text  # noqa: E402
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import format_ports  # noqa: E402

ROLES = (
    "port_matrix",
    "linux_firewall",
    "windows_firewall",
    "port_matrix_report",
    "port_matrix_verify",
    "port_matrix_observed",
)
PAGES = (
    "README.md",
    "docs/demo.md",
    "docs/port-matrix.md",
    "docs/reference.md",
    "docs/report.md",
    "docs/rows.md",
    *(f"roles/{role}/README.md" for role in ROLES),
)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def rows_of(matrix: PortMatrix, groups: Sequence[str]) -> list[tuple[str, t.Mapping[str, t.Any]]]:
    """The rows of *groups*, each with its number, which is empty beyond the vendor's numbered table."""
    numbers = {row["id"]: str(n) for n, row in enumerate(matrix.rows, start=1) if row["group"] in NUMBERED_GROUPS}
    return [(numbers.get(row["id"], ""), row) for row in matrix.rows if row["group"] in groups]


def numbered(header: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table of rows with their numbers, where they have some."""
    lines = list(rows)
    if any(number for number, _cells in lines):
        return markdown_table(("#", *header), ((number, *cells) for number, cells in lines))
    return markdown_table(header, (cells for _number, cells in lines))


def rows_table(matrix: PortMatrix, groups: Sequence[str]) -> str:
    """The rows of *groups*, as people read a port table."""
    ports = {name: " and ".join(format_ports(r.ports)) for name, r in matrix.ranges.items()}

    def shown(names: Sequence[str]) -> str:
        return " and ".join(f"{ports[name]} (`{name}`)" if name in ports else str(name) for name in names) or "none"

    def parties(names: Sequence[str]) -> str:
        return " or ".join(matrix.endpoints[name].title for name in names)

    def cells(row: t.Mapping[str, t.Any]) -> Sequence[str]:
        by_name = " (off unless it is named)" if row["id"] in matrix.only_by_name else ""
        return (
            f"`{row['id']}`{by_name}",
            parties(row["source"]),
            parties(row["destination"]) + (" (both directions)" if row.get("bidirectional") else ""),
            row["purpose"],
            " and ".join(map(protocol_text, row["protocols"])) + (" (TLS)" if row.get("tls") else ""),
            shown(row.get("source_ports", ())),
            shown(row.get("destination_ports", ())),
        )

    header = ("row", "from", "to", "purpose", "protocol", "source ports", "destination ports")
    return numbered(header, ((number, cells(row)) for number, row in rows_of(matrix, groups)))


def groups_table(matrix: PortMatrix) -> str:
    """The row groups that a site can switch on, and the pages that their rows are from."""

    def sources(group: str) -> str:
        return ", ".join(dict.fromkeys(f"<{row['reference']}>" for row in matrix.rows if row["group"] == group))

    def count(group: str) -> str:
        return str(sum(row["group"] == group for row in matrix.rows))

    return markdown_table(
        ("group", "what it is", "rows", "from"),
        ((f"`{group}`", GROUP_TITLES[group], count(group), sources(group)) for group in ROW_GROUPS),
    )


def ranges_table(matrix: PortMatrix) -> str:
    """The named port ranges."""
    return markdown_table(
        ("range", "default", "what sets it", "accepted"),
        (
            (
                f"`{port_range.name}`",
                ", ".join(format_ports(port_range.ports)),
                port_range.set_by,
                f"within {format_ports(port_range.within)[0]}, at least {port_range.at_least}"
                if port_range.within
                else "any port",
            )
            for port_range in matrix.ranges.values()
        ),
    )


def endpoints_table(matrix: PortMatrix) -> str:
    """The endpoints and where their addresses come from."""

    def groups(names: Sequence[str]) -> str:
        return ", ".join(f"`{name}`" for name in names)

    def addresses(interface: str | None) -> str:
        if interface is None:
            return "the host's addresses"
        return "all its interfaces" if interface == "*" else f"interface `{interface}`"

    return markdown_table(
        ("endpoint", "who", "inventory groups", "addresses used"),
        (
            (
                f"`{endpoint.name}`",
                endpoint.title,
                groups(endpoint.groups)
                + ("; may have no host" if endpoint.may_be_empty else "")
                + (f"; if that has no hosts: those of {groups(endpoint.fallback)}" if endpoint.fallback else ""),
                addresses(endpoint.interface),
            )
            for endpoint in matrix.endpoints.values()
        ),
    )


def reasons_table(matrix: PortMatrix, groups: Sequence[str]) -> str:
    """The rows of *groups*, and why each of them is needed."""
    rows = rows_of(matrix, groups)
    return numbered(
        ("row", "what it is for"), ((number, (f"`{row['id']}`", REASONS[row["id"]])) for number, row in rows)
    )


def plain(text: object) -> str:
    """*text* of documentation, a string or a list of paragraphs, with Markdown in place of Ansible's markup.

    :raises TypeError: for anything else, such as the mapping that a colon makes of a sentence in YAML.
    """
    paragraphs: list[t.Any] = text if isinstance(text, list) else [text]
    return re.sub(r"[OCVIBP]\(([^)#]+)(?:#\w+)?\)", r"`\1`", " ".join(paragraphs))


def documentation(path: Path) -> dict[str, t.Any]:
    """What the Python file of a plugin has in ``DOCUMENTATION``, at its top or in its class."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            found: dict[str, t.Any] = yaml.safe_load(ast.literal_eval(node.value))
            return found
    raise ValueError(f"{path}: has no DOCUMENTATION")


def plugins_table() -> str:
    """All plugins, each with what ``ansible-doc`` says in one line."""
    folders = (("inventory", "inventory"), ("filter", "filter"), ("test", "test"), ("module", "modules"))
    return markdown_table(
        ("plugin", "kind", "what it does"),
        (
            (f"`{path.stem}`", kind, documentation(path)["short_description"])
            for kind, folder in folders
            for path in sorted((TOP / "plugins" / folder).glob("*.py"))
        ),
    )


def question_table() -> str:
    """The variables of the playbook ``query``, from the options of the filter that it hands them to."""
    options = documentation(TOP / "plugins/doc_fragments/question.py")["options"]
    playbook = (TOP / "playbooks/query.yml").read_text(encoding="utf-8")
    return markdown_table(
        ("variable", "what it is"),
        (
            (f"`query_{name}`", plain(option["description"]))
            for name, option in options.items()
            if f"query_{name} " in playbook
        ),
    )


def argument_spec(role: str) -> dict[str, t.Any]:
    """The argument specification of one role."""
    spec = yaml.safe_load((TOP / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    main: dict[str, t.Any] = spec["argument_specs"]["main"]
    return main


def roles_table(top: str = "") -> str:
    """The roles, each with a link to its page; *top* leads from the page with the table to the top of the checkout."""
    return markdown_table(
        ("role", "what it does"),
        ((f"[{role}]({top}roles/{role}/README.md)", argument_spec(role)["short_description"]) for role in ROLES),
    )


def variables_table(role: str) -> str:
    """The variables of one role, from its argument specification."""
    options = argument_spec(role)["options"]

    def default(option: dict[str, object]) -> str:
        if "default" not in option:
            return "see there"
        if option["default"] == "":
            return "empty"
        return f"`{str(option['default']).lower() if isinstance(option['default'], bool) else option['default']}`"

    def described(option: dict[str, object]) -> str:
        text = option["description"]
        return plain(text[0] if isinstance(text, list) else text)

    return markdown_table(
        ("variable", "default", "what it is"),
        ((f"`{name}`", default(option), described(option)) for name, option in options.items()),
    )


def inventory_listing() -> str:
    """The demo's inventory, as it is."""
    text = (TOP / "extensions/lab/demo/inventory/site.yml").read_text(encoding="utf-8")
    return f"```yaml\n{text}```"


def generated(matrix: PortMatrix) -> dict[str, str]:
    """Marker name → the text that stands between its markers."""
    return {
        "rows": rows_table(matrix, NUMBERED_GROUPS),
        **{f"{group} rows": rows_table(matrix, [group]) for group in ROW_GROUPS},
        "row groups": groups_table(matrix),
        "ranges": ranges_table(matrix),
        "endpoints": endpoints_table(matrix),
        **{f"{group} reasons": reasons_table(matrix, [group]) for group in ROW_GROUPS},
        "roles": roles_table(),
        "role pages": roles_table("../"),
        **{f"{role} variables": variables_table(role) for role in ROLES},
        "plugins": plugins_table(),
        "question": question_table(),
        "demo inventory": inventory_listing(),
    }


def fill(page: str, texts: dict[str, str]) -> str:
    """Put each text between its markers in *page*.

    :raises KeyError: for a marker that has no text.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- generated: {name} -->\n\n{texts[name]}\n\n<!-- end: {name} -->"

    pattern = r"<!-- generated: (?P<name>[^>]+?) -->.*?<!-- end: (?P=name) -->"
    return re.sub(pattern, replaced, page, flags=re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Fill all pages, or with ``--check`` compare them. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 where a page is out of date")
    check = parser.parse_args(arguments).check
    texts = generated(load_port_matrix())
    stale = []
    for name in PAGES:
        path = TOP / name
        page = path.read_text(encoding="utf-8")
        filled = fill(page, texts)
        if filled != page:
            stale.append(name)
            if not check:
                path.write_text(filled, encoding="utf-8")
    if check and stale:
        print(f"Not up to date: {', '.join(stale)}. Run: python docs/generate_tables.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
