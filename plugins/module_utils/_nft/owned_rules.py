# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is ours in the kernel's nftables: one table, and in tables of others the sets, chains and jumps with our prefix.

It is told from nft's JSON and from nothing else, as what is told here is deleted: in nft's text, a comment of somebody
else can look like a rule. Also a program of its own, without Ansible: ``python3 FILE [RULESET …]`` takes all that is
ours out and loads each RULESET, in one transaction. The unit of the role and the way back of a change are that.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

# All tables are of the family inet.
TABLE = "pexip_sfb"
PREFIX = "pexip_sfb_"
# Here firewalld keeps ipsets under the names that they have in it, those of ours too. It makes and removes them itself.
FIREWALLD = "firewalld"

# Without elements, and never a table: for its flags, nft up to 1.0.6 prints memory that it has freed, or dies.
OUTLINE = ("-j", "-t", "list chains inet; list sets inet")

# A name that a ruleset can have. Through JSON, a table or chain can get any other as well.
_NAME = re.compile(r"[A-Za-z_.][\w./-]*", re.ASCII)
_JOIN = re.compile(rf"insert rule inet (\S+) (\S+) jump {PREFIX}(\w+)$", re.MULTILINE)

Item = dict[str, t.Any]


class UnreadableError(ValueError):
    """It cannot be told what is ours, so nothing is to be deleted."""


class Part(t.NamedTuple):
    """A set or a chain, and what nft's JSON says about it."""

    kind: str
    table: str
    name: str
    about: Item

    @property
    def ours(self) -> bool:
        """Whether it is in our table, or has our prefix in one of others but that of firewalld."""
        return _is_ours(self.table, self.name)

    @property
    def hook(self) -> str:
        """The hook of a base chain; empty for all else."""
        return str(self.about.get("hook", ""))


class Jump(t.NamedTuple):
    """A rule in a chain of others that jumps to *target*, which is ours.

    *plain* tells whether that is all that is in it, and *leads* whether the first rule of its chain is such a jump, so
    that no other comes before our rules.
    """

    table: str
    chain: str
    handle: int
    target: str
    plain: bool
    leads: bool


class Join(t.NamedTuple):
    """The chain of others that a ruleset wants a jump in, to our chain for *hook*."""

    table: str
    chain: str
    hook: str


class Outline:
    """The sets and chains of all tables, and the jumps of others to our chains, from what nft printed as JSON.

    :param outputs: of one or more calls of nft; a set or chain may be in several.
    :raises UnreadableError: if one is not the JSON of nft
    """

    def __init__(self, *outputs: str) -> None:
        parts: dict[tuple[str, str, str], Part] = {}
        self.rules: dict[tuple[str, str], list[Item]] = {}  # by table and chain
        found = [item for output in outputs for item in items(output)]
        try:
            for kind, about in found:
                if kind in ("set", "chain") and about["family"] == "inet":
                    part = Part(kind, str(about["table"]), str(about["name"]), about)
                    parts[part[:3]] = part
                elif kind == "rule" and about["family"] == "inet":
                    self.rules.setdefault((str(about["table"]), str(about["chain"])), []).append(about)
            self.jumps = [jump for place, rules in sorted(self.rules.items()) for jump in _jumps(*place, rules)]
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise _unreadable(e) from e
        self.parts = list(parts.values())

    def owned(self, table: str) -> list[Part]:
        """Return the sets and chains of *table* that are ours."""
        return [part for part in self.parts if part.ours and part.table == table]

    def tables(self) -> list[str]:
        """Return the tables that have something of ours, and our own where that has anything in it."""
        return list(dict.fromkeys(part.table for part in self.parts if part.ours or part.table == TABLE))


def read(run: Callable[..., str]) -> Outline:
    """Read what is there with *run*, which runs nft and returns its output.

    The rules of others are read only where they may jump to ours: there can be many, and nft dies of one that names an
    interface in another encoding than UTF-8.
    """
    chains_and_sets = run(*OUTLINE)
    outline = Outline(chains_and_sets)
    joined = set(outline.tables()) - {TABLE}
    chains = [part for part in outline.parts if part.kind == "chain" and part.table in joined]
    return Outline(chains_and_sets, *rules_of(chains, run))


def rules_of(chains: Iterable[Part], run: Callable[..., str]) -> Iterator[str]:
    """List the rules of *chains* as JSON, for an :class:`Outline`.

    A chain with a name that no command can have is left out. What it jumps to, the kernel does not let go.
    """
    for chain in chains:
        if _NAME.fullmatch(chain.name):
            yield run("-j", "-t", "list", "chain", "inet", chain.table, chain.name)


def items(output: str) -> Iterator[tuple[str, Item]]:
    """Yield kind and content of each item that nft printed as JSON, in one document for each command.

    :raises UnreadableError: if that is something else.
    """
    rest = output.strip()
    if not rest:
        raise UnreadableError("nft printed nothing")
    while rest:
        try:
            document, end = json.JSONDecoder().raw_decode(rest)
            yield from (one for item in document["nftables"] for one in item.items())
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise _unreadable(e) from e
        rest = rest[end:].lstrip()


def removing(outline: Outline, keep: str = "") -> str:
    """Return the commands of nft that take out what is ours, whether or not there is any.

    The sets of the table *keep* stay, and so does that table where it is ours.
    """
    rules = [f"delete rule inet {jump.table} {jump.chain} handle {jump.handle}" for jump in outline.jumps]
    flushes, deletions = [], []
    for part in outline.parts:
        stays = part.kind == "set" and part.table == keep
        if part.ours and (part.table != TABLE or keep == TABLE) and not stays:
            # Chains come before the sets that their rules refer to, and are empty by then.
            flushes += [f"flush chain inet {part.table} {part.name}"] if part.kind == "chain" else []
            deletions.append(f"delete {part.kind} inet {part.table} {part.name}")
    # The first line makes the second one work where there is no such table.
    table = [] if keep == TABLE else [f"table inet {TABLE}", f"delete table inet {TABLE}"]
    return "".join(f"{command}\n" for command in (*table, *rules, *flushes, *sorted(deletions)))


def joins(ruleset: str) -> list[Join]:
    """Return which chains of others a *ruleset* of ours joins."""
    return [Join(*match) for match in _JOIN.findall(ruleset)]


def obstacle(join: Join, outline: Outline) -> str:
    """Say why the host's tables do not have what *join* needs; empty where they have it."""
    chains = {f"{part.table} {part.name}": part for part in outline.parts if part.kind == "chain"}
    chain = chains.get(f"{join.table} {join.chain}")
    if chain and chain.hook in ("", join.hook):
        return ""
    fitting = sorted(name for name, other in chains.items() if other.hook == join.hook and not other.ours)
    accepted = f"table and chain of the family inet with hook {join.hook}: {', '.join(fitting) or 'this host has none'}"
    what = f"has hook {chain.hook}" if chain else "is not there"
    return f"chain {join.chain} of the table inet {join.table} {what}; accepted: {accepted}"


def skeleton(wanted: Iterable[Join | Jump]) -> str:
    """Return a ruleset with just the chains that are to be joined."""
    return "".join(f"table inet {join.table} {{ chain {join.chain} {{ }}; }}\n" for join in wanted)


def _is_ours(table: str, name: str) -> bool:
    theirs = table == FIREWALLD or not name.startswith(PREFIX)
    return bool(_NAME.fullmatch(table) and _NAME.fullmatch(name)) and (table == TABLE or not theirs)


def _jumps(table: str, chain: str, rules: list[Item]) -> Iterator[Jump]:
    if table in (TABLE, FIREWALLD) or _is_ours(table, chain):
        return
    for rule in rules:
        if target := _target(table, rule):
            plain = rule["expr"] == [{"jump": {"target": target}}] and "comment" not in rule
            yield Jump(table, chain, int(rule["handle"]), target, plain, bool(_target(table, rules[0])))


def _target(table: str, rule: Item) -> str:
    """Return the chain of ours that a rule ends in; empty where there is none. A map of verdicts is of others."""
    for statement in rule["expr"]:
        verdict = (statement.get("jump") or statement.get("goto")) if isinstance(statement, dict) else None
        if verdict and _is_ours(table, verdict["target"]):
            return str(verdict["target"])
    return ""


def _unreadable(e: Exception) -> UnreadableError:
    return UnreadableError(f"nft printed no JSON that it is known to print ({type(e).__name__}: {e})")


def main(paths: list[str], run: Callable[..., str]) -> None:
    """Take all that is ours out and load the files, with *run*, which runs nft and returns its output."""
    wanted = "".join(Path(path).read_text(encoding="utf-8", errors="surrogateescape") for path in paths)
    run("-f", "-", data=removing(read(run)) + wanted)


def _run_nft(*arguments: str, data: str | None = None) -> str:
    # The comments of others can be of any encoding, and must not keep ours from being put back.
    done = subprocess.run(
        ["nft", *arguments],
        input=data,
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"},
    )
    return done.stdout


if __name__ == "__main__":
    try:
        main(sys.argv[1:], _run_nft)
    except (UnreadableError, subprocess.CalledProcessError) as e:
        raise SystemExit(f"Nothing was changed: {e}") from e
