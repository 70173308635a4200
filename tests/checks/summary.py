# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in a few lines why a check failed: ``summary.py LOG`` reads what the check printed.

Of pytest: each test that failed, and what it asserted. Of Ansible and Molecule: each task that failed, and its message.
Of anything else: its last lines. Where a scenario runs pytest, the result of a task has its output, and that says more.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence, Sized
from pathlib import Path

MOST_FAILURES = 4
MOST_LINES = 6  # of one failure
LAST_LINES = 10
WIDTH = 240

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# pytest's output may be a list in YAML or stand in its block, so it may be indented, with a dash or a quote before it.
_QUOTED = r"""^\s*(?:- )?['"]?"""
_TEST = re.compile(_QUOTED + r"(FAILED|ERROR) (\S+\.py(?:::.*?)?)(?: - (.*))?$")
_SECTION = re.compile(_QUOTED + r"_{2,} (?:ERROR (?:at \w+ of|collecting) )?(\S.*?) _{2,}['\"]?$")
_ASSERTION = re.compile(_QUOTED + r"E {2,}(\S.*)$")
_COVERAGE = re.compile(r"^FAIL Required test coverage.*")
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\] \**$")
_FATAL = re.compile(
    r"^(?:fatal|failed): \[(.*?)\](?:: (?:FAILED|UNREACHABLE)!| \((?P<item>.*?)\))? => ?(?P<result>.*)$"
)
_HEADING = re.compile(r"^== ")
_TELLING = ("msg", "module_stderr", "stderr", "stdout")


def main() -> int:
    """Print the summary of the log that is named as the only argument."""
    (log,) = sys.argv[1:]
    text = Path(log).read_text("utf-8", "replace")
    for line in summary(_COLOUR.sub("", text).splitlines()):
        print(line[:WIDTH])
    return 0


def summary(lines: Sequence[str]) -> list[str]:
    """Return why the check failed that printed *lines*."""
    return _of_pytest(lines) or _of_ansible(lines) or _of_anything(lines)


def _of_pytest(lines: Sequence[str]) -> list[str]:
    tests = {found[2]: (found[1], found[3] or "") for line in lines if (found := _TEST.match(line))}
    said = _assertions(lines)
    text = [line for line in lines if _COVERAGE.match(line)]
    # An error often follows from a failure before it, and pytest names the errors first.
    failures = sorted(tests.items(), key=lambda test: test[1][0] == "ERROR")
    for test, (what, message) in failures[:MOST_FAILURES]:
        text.append(f"{what} {test}")
        asserted = said.get(test.partition("::")[2].replace("::", "."), []) or said.get(test, []) or [message]
        text += _shortened([line for line in asserted if line])
    return text + _rest(tests)


def _assertions(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return test to its lines that begin with an E: what it asserted, and what was there instead."""
    said: dict[str, list[str]] = {}
    test = ""
    for line in lines:
        if section := _SECTION.match(line):
            test = section[1]
        elif asserted := _ASSERTION.match(line):
            said.setdefault(test, []).append(asserted[1])
    # The result of a task has the output of pytest twice: as a text and as a list.
    return {test: list(dict.fromkeys(text)) for test, text in said.items()}


def _of_ansible(lines: Sequence[str]) -> list[str]:
    failures = list(_failures(lines))
    text: list[str] = []
    task = ""
    for failed, who, message in failures[:MOST_FAILURES]:
        text += [f"TASK [{failed}]"] if failed != task else []
        task = failed
        text += [f"  {who}: {message[0]}", *_shortened(message[1:])]
    return text + _rest(failures)


def _failures(lines: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield task, host and message of each failure that was not to be ignored."""
    for task, said in _tasks(lines):
        if "...ignoring" in said:
            continue
        for number, line in enumerate(said):
            if found := _FATAL.match(line):
                item = f" ({found['item']})" if found["item"] else ""
                result = [found["result"], *_indented(said[number + 1 :])]
                yield task, found[1] + item, _message(result) or ["no message"]


def _tasks(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each task with the lines that follow its own."""
    task, said = "", list[str]()
    for line in lines:
        if found := _TASK.match(line):
            yield task, said
            task, said = found[1], []
        else:
            said.append(line)
    yield task, said


def _indented(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a result that is not in one line: in YAML, or in JSON, which ends with a brace."""
    for line in lines:
        if line and not line.startswith((" ", "}")):
            return
        yield line


def _message(result: Sequence[str]) -> list[str]:
    """Return what the result of a task says: ``msg``, and the errors of a program that failed, or its last words."""
    told = {key: [line for line in _told(key, result) if line.strip()] for key in _TELLING}
    last = told.pop("stdout")[-LAST_LINES:]
    text = [line for lines in told.values() for line in lines]
    return text if len(text) > 1 else text + last


def _told(key: str, result: Sequence[str]) -> list[str]:
    """Return the lines of the value of *key* in a result."""
    if not result[0].startswith("{"):
        return list(_value(key, result))
    try:
        values, _end = json.JSONDecoder().raw_decode("\n".join(result))
    except ValueError:
        return [result[0]] if key == "msg" else []
    return str(values.get(key, "")).splitlines()


def _value(key: str, block: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the value of *key* in a mapping in YAML: in its own line, or indented below it."""
    depth: int | None = None
    for line in block:
        indent = len(line) - len(line.lstrip())
        if depth is not None and line and indent <= depth:
            return
        if depth is not None:
            yield line.strip()
        elif found := re.match(rf"\s*{key}: ?(.*)$", line):
            depth = indent
            if not re.fullmatch(r"[|>][-+0-9]*", found[1]):
                yield found[1].strip("'\"")


def _of_anything(lines: Sequence[str]) -> list[str]:
    """Return the last lines; not a heading that nothing follows, which is what was done after the failure."""
    told = [line for line in lines if line.strip()]
    while told and _HEADING.match(told[-1]):
        told.pop()
    return told[-LAST_LINES:] or ["It printed nothing."]


def _shortened(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return [f"    {line}" for line in lines[:MOST_LINES]] + ([f"    ({more} lines more)"] if more > 0 else [])


def _rest(failures: Sized) -> list[str]:
    more = len(failures) - MOST_FAILURES
    return [f"({more} more failed)"] if more > 0 else []


if __name__ == "__main__":
    sys.exit(main())
