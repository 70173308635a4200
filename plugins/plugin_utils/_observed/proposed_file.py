# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file ``proposed.yml``: variables for ``group_vars/all``, with the evidence as comments."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence

import yaml

from .._values.mapping import as_list, as_mapping
from .._values.vaulted import Vaulted
from .._values.words import display
from .findings import Finding, gather
from .judgement import Part
from .observation import Observation
from .proposal import Proposal

_EVIDENCE = 20  # comments on one thing; observed.json has the others
_TEMPLATE_MARKS = ("{{", "{%", "{#")
_HEAD = (
    "Proposed by port_matrix_observed: what would permit what was seen. Where it permits more than that, it says so.",
    "Source ports are not remembered, so a row that is added permits any.",
    "Read it before you use it: what was seen is not what is right. Each variable is complete: it stands in place of",
    "the one that the site has, with everything that is in there.",
)
_VAULTED = "{} has values out of a vault, which are not written here. To the variable that the site has, add:"


class _Unsafe(str):
    """Text that is no template, although it looks like one."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes text with the marks of a template so that Ansible takes it as it is."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 # PyYAML's
        """Indent lists, as yamllint wants it."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 # PyYAML's
        """Write everything out."""
        return True


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def proposed_yaml(observation: Observation) -> str:
    """Write the file."""
    proposal, explain = observation.proposal, observation.finding
    after = proposal.after
    not_proposed = comment_lines("", (f"Not proposed: {problem}" for problem in proposal.problems))
    lines = ["---", *comment_lines("", _HEAD), *not_proposed, ""]
    if not proposal:
        return "\n".join([*lines[:2], *not_proposed, "# Nothing is proposed.", "{}", ""])
    if proposal.switches:
        lines += _row_groups(proposal, explain)
    if proposal.additions or proposal.rows:
        lines += _variable("port_matrix_endpoints", after.endpoints, _on_endpoints(proposal, explain))
    if proposal.rows:
        name = "port_matrix_extra_rows" if after.rows is None else "port_matrix_rows"
        rows = as_list(after.extra_rows if after.rows is None else after.rows, name)
        lines += _variable(name, rows, _on_rows(proposal, explain))
    return "\n".join(lines)


def _row_groups(proposal: Proposal, explain: t.Callable[[Part], Finding]) -> list[str]:
    lines: list[str] = []
    for switch, parts in proposal.switches.items():
        lines += comment_lines("", [proposal.wider_switch(switch), *_evidence(parts, explain)])
    return [*lines, *_yaml({"port_matrix_row_groups": proposal.after.chosen_groups()}, 0), ""]


def _on_endpoints(proposal: Proposal, explain: t.Callable[[Part], Finding]) -> dict[str, list[str]]:
    comments: dict[str, list[str]] = {}
    for endpoint in proposal.endpoints():
        said = [f"New: {', '.join(one.cidr() for one in proposal.additions if one.endpoint == endpoint)}"]
        said.append(proposal.wider_endpoint(endpoint))
        for one, parts in proposal.additions.items():
            if one.endpoint == endpoint:
                said += [*filter(None, [one.wider()]), *_evidence(parts, explain)]
        comments[endpoint] = said
    return comments


def _on_rows(proposal: Proposal, explain: t.Callable[[Part], Finding]) -> dict[str, list[str]]:
    return {str(one.row["id"]): [*one.wider, *_evidence(one.parts, explain)] for one in proposal.rows}


def _evidence(parts: Sequence[Part], explain: t.Callable[[Part], Finding]) -> list[str]:
    said = [f"{one.what()}: {one.how_much()}" for one, _places in gather([explain(part) for part in parts])]
    rest = len(said) - _EVIDENCE
    return said[:_EVIDENCE] + ([f"and {rest:,} more, which observed.json has"] if rest > 0 else [])


def _variable(name: str, value: object, comments: Mapping[str, Sequence[str]]) -> list[str]:
    """Write a variable, each item with its comments. One with a secret in it is written as a comment, without that."""
    items: list[tuple[str, object]]
    if isinstance(value, Mapping):
        items = [(str(key), {key: item}) for key, item in value.items()]
    else:
        items = [(str(as_mapping(item, name).get("id")), [item]) for item in as_list(value, name)]
    secret = _has_secret(value)
    lines = [*(comment_lines("", [_VAULTED.format(name)]) if secret else ()), f"{name}:"]
    for key, item in items:
        if not secret or key in comments:
            lines += comment_lines("  ", comments.get(key, ()))
            lines += [] if _has_secret(item) else _yaml(item, 2)
    if secret:
        lines = [line if line.startswith("#") else f"# {line}" for line in lines]
    return [*lines, ""]


def comment_lines(indent: str, lines: Iterable[str]) -> list[str]:
    """Write *lines* as comments, of which no text gets out."""
    return [f"{indent}# {display(line)}" for line in lines]


def _yaml(value: object, indent: int) -> list[str]:
    text = yaml.dump(_plain(value), Dumper=_Dumper, sort_keys=False, width=100, default_flow_style=None)
    return [" " * indent + line for line in text.splitlines()]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return _Unsafe(value) if any(mark in value for mark in _TEMPLATE_MARKS) else str(value)
    return value


def _has_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_secret(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return any(_has_secret(item) for item in value)
    return isinstance(value, Vaulted)
