# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook and says in JSON what came of it on each host: what changed, what was said, what failed.

``python -m audit`` takes the arguments of ansible-playbook. Its exit code is 0 where that ran at all: whether hosts
failed is in the answer, ``{host: {"changed": [...], "said": [...], "failed": [...]}}``. Each change is
``{"task": ..., "of": ..., "gone": [...], "new": [...]}``: what differs, and the lines that only one side of it has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from collections import Counter
from collections.abc import Iterator, Mapping

Result = Mapping[str, t.Any]


def main(arguments: list[str]) -> int:
    """Run the playbook and print the answer."""
    environment = {
        **os.environ,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
    }
    run = subprocess.run(["ansible-playbook", *arguments], env=environment, capture_output=True, text=True, check=False)
    try:
        report = json.loads(run.stdout[run.stdout.index("{\n") :])
    except ValueError:
        sys.stderr.write(run.stdout + run.stderr)
        return 1
    print(json.dumps(answer(report), indent=1))
    return 0


def answer(report: Result) -> dict[str, dict[str, list[t.Any]]]:
    """Return the answer to a report of the callback ``ansible.posix.json``."""
    hosts: dict[str, dict[str, list[t.Any]]] = {
        host: {"changed": [], "said": [], "failed": []} for host in report["stats"]
    }
    for task, host, result in _results(report):
        if result.get("failed") or result.get("unreachable"):
            hosts[host]["failed"].append(result.get("msg", ""))
        elif result.get("changed"):
            hosts[host]["changed"] += [{"task": task, **difference} for difference in _differences(result)]
        elif result.get("action") == "ansible.builtin.debug" and "msg" in result:
            hosts[host]["said"].append(result["msg"])
        hosts[host]["said"] += result.get("said", [])
    return hosts


def _results(report: Result) -> Iterator[tuple[str, str, Result]]:
    for play in report["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                yield task["task"]["name"].split(" : ")[-1], host, result


def _differences(result: Result) -> list[dict[str, t.Any]]:
    """Each thing that a result has diffs of, and the lines that only one side of them has."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for item in [result, *result.get("results", [])]:
        diffs = item.get("diff") or []
        for diff in diffs if isinstance(diffs, list) else [diffs]:
            if diff.get("before") != diff.get("after"):
                of = str(diff.get("before_header", "")).partition(" (content)")[0]
                for side, lines in found.setdefault(of, {"before": Counter(), "after": Counter()}).items():
                    lines.update(_side(diff, side))
    if not found:
        return [{"of": "", "gone": [], "new": []}]
    return [
        {"of": of, "gone": sorted(one["before"] - one["after"]), "new": sorted(one["after"] - one["before"])}
        for of, one in found.items()
    ]


def _side(diff: Result, side: str) -> list[str]:
    content = diff.get(side) or ""
    text = content if isinstance(content, str) else json.dumps(content, indent=1, sort_keys=True)
    return [line.strip() for line in text.splitlines()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
