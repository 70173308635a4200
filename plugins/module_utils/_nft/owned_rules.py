# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is ours in the kernel's nftables: one table, and in tables of others the sets, chains and jumps with our prefix.

Works on listings as ``nft list`` writes them. Also a program of its own, without Ansible: ``python3 FILE [RULESET …]``
takes all that is ours out and loads each RULESET, in one transaction. The unit of the role and the way back of a change
are that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

TABLE = "table inet pexip_sfb"
PREFIX = "pexip_sfb_"
# Here firewalld keeps ipsets under the names that they have in it, those of ours too. It makes and removes them itself.
FIREWALLD = "table inet firewalld"

# Without elements, with handles: enough to see what is there.
OUTLINE = ("-s", "-t", "-a", "list", "ruleset", "inet")

_HANDLE = r"(?: # handle (\d+))?"
# Behind the brace come the handle and, where a program owns the table as firewalld 2 does, its name.
_TABLE = re.compile(r"(table \S+ \S+) \{(?: # .*)?$")
_BLOCK = re.compile(rf"\t(set|chain) (\S+) \{{{_HANDLE}$")
_HOOK = re.compile(r"\t\ttype \S+ hook (\S+) ")
# A comment cannot hold a quotation mark, so only a verdict at the end of a rule looks like this.
_JUMP = re.compile(rf'\t\t(.*\b(?:jump|goto) {PREFIX}\w+(?: comment "[^"]*")?){_HANDLE}$')
_JOIN = re.compile(rf"insert rule inet (\S+) (\S+) jump {PREFIX}(\w+)$", re.MULTILINE)
_REPLACED = re.compile(rf"^(insert rule inet \S+ \S+ )(?:.*\b)?(?:jump|goto) ({PREFIX}\w+).*$", re.MULTILINE)


class Block(t.NamedTuple):
    """A set or a chain of a table: its *lines* in the listing, from its head to its closing brace."""

    table: str
    kind: str
    name: str
    lines: list[str]

    @property
    def ours(self) -> bool:
        """Whether it is in our table, or has our prefix in one of others but that of firewalld."""
        return self.table == TABLE or (self.table != FIREWALLD and self.name.startswith(PREFIX))

    @property
    def hook(self) -> str:
        """The hook of a base chain; empty for all else."""
        found = (_HOOK.match(line) for line in self.lines)
        return next((match[1] for match in found if match), "")

    def jumps(self) -> list[tuple[str, str]]:
        """Return rule and handle of each jump to a chain of ours, where this is a chain of others."""
        if self.ours or self.kind != "chain":
            return []
        return [(match[1], match[2]) for match in map(_JUMP.match, self.lines) if match]

    @property
    def begins_with_ours(self) -> bool:
        """Whether the first rule of a chain is a jump to one of ours, so that no other comes before our rules."""
        rules = (line for line in self.lines[1:] if not _HOOK.match(line) and not line.startswith('\t\tcomment "'))
        return bool(_JUMP.match(next(rules, "")))


class Join(t.NamedTuple):
    """The chain of others that a ruleset wants a jump in, to our chain for *hook*."""

    table: str
    chain: str
    hook: str


def blocks(listing: str) -> Iterator[Block]:
    """Yield the sets and chains of a listing of one or more tables."""
    table, block = "", None
    for line in listing.splitlines():
        if title := _TABLE.match(line):
            table = title[1]
        elif head := _BLOCK.match(line):
            block = Block(table, head[1], head[2], [])
        if block:
            block.lines.append(line)
            if line == "\t}":
                yield block
                block = None


def titles(listing: str) -> list[str]:
    """Return the titles of the tables in a listing, such as ``table inet filter``."""
    return [match[1] for match in map(_TABLE.match, listing.splitlines()) if match]


def tables_with_ours(outline: str) -> list[str]:
    """Return the titles of the tables that are ours or have something of ours, in the order of *outline*."""
    found = {block.table for block in blocks(outline) if block.ours or block.jumps()}
    return [title for title in titles(outline) if title == TABLE or title in found]


def owned(listing: str) -> str:
    """Return the part of a *listing* that is ours: our table, and of others our sets, our chains and jumps to these."""
    parts = []
    for title, body in _tables(listing):
        if title == TABLE:
            parts.append(in_order(body))
            continue
        lines = [line for block in blocks(in_order(body)) if block.ours for line in block.lines]
        for block in blocks(body):
            behind = "" if block.begins_with_ours else ", behind rules of others"
            lines += [f"\tchain {block.name}: {rule}{behind}" for rule, _handle in block.jumps()]
        if lines:
            parts.append("".join(f"{line}\n" for line in (f"{title} {{", *lines, "}")))
    return "".join(parts)


def in_order(body: str) -> str:
    """Return the listing of a table with its sets in order of their names, which the kernel lists by age."""
    sets = iter(sorted("\n".join(block.lines) for block in blocks(body) if block.kind == "set"))
    for block in [block for block in blocks(body) if block.kind == "set"]:
        body = body.replace("\n".join(block.lines), f"\0{block.name}\0", 1)
    return re.sub("\0[^\0]*\0", lambda _match: next(sets), body)


def restoring(listing: str) -> tuple[str, str]:
    """Return the rulesets that put back what is ours in a *listing* with counters: our table, and the rest.

    Each is for a kernel that has nothing of ours.
    """
    table, joined = "", []
    for title, body in _tables(listing):
        if title == TABLE:
            table = body
            continue
        ours = [block for block in blocks(body) if block.ours]
        joined += [f"{title} {{", *(line for block in ours for line in block.lines), "}"] if ours else []
        for block in blocks(body):
            rules = [rule for rule, _handle in block.jumps()]
            joined += [f"insert rule {title.partition(' ')[2]} {block.name} {rule}" for rule in reversed(rules)]
    return table, "".join(f"{line}\n" for line in joined)


def removing(outline: str, keep: str = "") -> str:
    """Return the commands of nft that take out what is ours, whether or not there is any.

    The sets of the table with the title *keep* stay, and so does that table where it is ours.
    """
    rules, flushes, deletions = [], [], []
    for block in blocks(outline):
        where = f"{block.table.partition(' ')[2]} {block.name}"
        rules += [f"delete rule {where} handle {handle}" for _rule, handle in block.jumps()]
        stays = block.kind == "set" and block.table == keep
        if block.ours and (block.table != TABLE or keep == TABLE) and not stays:
            # Chains come before the sets that their rules refer to, and are empty by then.
            flushes += [f"flush chain {where}"] if block.kind == "chain" else []
            deletions.append(f"delete {block.kind} {where}")
    # The first line makes the second one work where there is no such table.
    table = [] if keep == TABLE else [TABLE, f"delete {TABLE}"]
    return "".join(f"{command}\n" for command in (*table, *rules, *flushes, *sorted(deletions)))


def joins(ruleset: str) -> list[Join]:
    """Return which chains of others a *ruleset* of ours joins."""
    return [Join(*match) for match in _JOIN.findall(ruleset)]


def plain(ruleset: str) -> str:
    """Return a *ruleset* of :func:`restoring` without what somebody added to the jumps to our chains.

    That can need what only a table of theirs has.
    """
    return _REPLACED.sub(r"\1jump \2", ruleset)


def obstacle(join: Join, outline: str) -> str:
    """Say why the host's tables do not have what *join* needs; empty where they have it."""
    chains = {f"{block.table.split()[2]} {block.name}": block for block in blocks(outline) if block.kind == "chain"}
    chain = chains.get(f"{join.table} {join.chain}")
    if chain and chain.hook in ("", join.hook):
        return ""
    fitting = sorted(name for name, other in chains.items() if other.hook == join.hook and not other.ours)
    accepted = f"table and chain of the family inet with hook {join.hook}: {', '.join(fitting) or 'this host has none'}"
    what = f"has hook {chain.hook}" if chain else "is not there"
    return f"chain {join.chain} of the table inet {join.table} {what}; accepted: {accepted}"


def skeleton(wanted: Iterable[Join]) -> str:
    """Return a ruleset with just the chains that are to be joined."""
    return "".join(f"table inet {join.table} {{ chain {join.chain} {{ }}; }}\n" for join in wanted)


def _tables(listing: str) -> Iterator[tuple[str, str]]:
    """Yield title and whole text of each table."""
    title = ""
    lines: list[str] = []
    for line in listing.splitlines(keepends=True):
        if match := _TABLE.match(line):
            title, lines = match[1], []
        lines.append(line)
        if line == "}\n":
            yield title, "".join(lines)


def main(paths: list[str], run: Callable[..., str]) -> None:
    """Take all that is ours out and load the files, with *run*, which runs nft and returns its output."""
    wanted = "".join(Path(path).read_text(encoding="utf-8") for path in paths)
    run("-f", "-", data=removing(run(*OUTLINE)) + wanted)


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
    main(sys.argv[1:], _run_nft)
