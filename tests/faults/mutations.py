#!/usr/bin/env python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes each protection out of a copy of the collection, one at a time, and expects the test of its fault to fail.

The same test has to pass right before, with the protection in: a lab that is broken fails every test, and so would
prove every protection. For the same reason an error in what a test needs does not count as the test failing.

``make mutations`` makes the lab for it. ``mutations.py LAB [NAME …]`` runs all, or those named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
SHIPPED = ("meta", "playbooks", "plugins", "roles", "galaxy.yml")
PREFIX = "pexip-sfb-molecule-faults-"
# Whatever a host without protection was left with.
RESET = """
systemctl stop pexip-sfb-firewall-go-back.timer pexip-sfb-firewall.service
nft delete table inet pexip_sfb
rm -rf /run/pexip_sfb /etc/pexip_sfb
find /etc/firewalld -name '*pexip_sfb*' -delete
systemctl is-active --quiet firewalld && firewall-cmd --reload
true
"""


class Mutation(t.NamedTuple):
    """A protection: the *text* in the *file* that is it, what stands there instead, and the *test* that misses it."""

    name: str
    file: str
    text: str
    without: str
    test: str


MUTATIONS = (
    Mutation(
        "a new connection",
        "plugins/module_utils/_confirm/steps.py",
        "pending.is_asked_over_old_connection()",
        "False",
        "test_lockout.py::test_a_connection_that_cannot_be_closed_confirms_nothing",
    ),
    Mutation(
        "the timer",
        "plugins/module_utils/_confirm/pending_change.py",
        "            self._start_timer(timeout)\n",
        "",
        "test_dead_controller.py::test_the_host_goes_back_without_its_controller[nftables-killed]",
    ),
    Mutation(
        "a soft reboot",
        "plugins/module_utils/_confirm/pending_change.py",
        '"--timer-property=IgnoreOnIsolate=yes", ',
        "",
        "test_dead_controller.py::test_a_soft_reboot_before_the_confirmation_keeps_the_timer",
    ),
    Mutation(
        "what lasts is written last",
        "plugins/module_utils/_confirm/steps.py",
        "    if timeout:\n        return",
        "    if timeout:\n        change.keep()\n        return",
        "test_dead_controller.py::test_a_reboot_before_the_confirmation_brings_what_was_confirmed",
    ),
    Mutation(
        "the staged file goes with the change",
        "plugins/module_utils/_modules/nftables_table.py",
        '"".join(file.forgetting() for file in self._files) + ',
        "",
        "test_dead_controller.py::test_the_host_goes_back_without_its_controller[nftables-killed]",
    ),
    Mutation(
        "Ansible's own connection",
        "plugins/filter/nftables_ruleset.py",
        '        check_lets_in(policy, used, "linux_firewall_management")\n',
        "        pass\n",
        "test_lockout.py::test_the_role_refuses_a_ruleset_that_would_cut_it_off",
    ),
    Mutation(
        "counters",
        "plugins/module_utils/_nft/program.py",
        "live = self.live()",
        'live = self.live("-s")',
        "test_lockout.py::test_counters_come_back_too",
    ),
    Mutation(
        "one pending change",
        "plugins/module_utils/_confirm/pending_change.py",
        "if self._is_armed():",
        "if False:",
        "test_two_controllers.py::test_one_change_at_a_time",
    ),
    Mutation(
        "leftovers are taken back",
        "plugins/module_utils/_confirm/pending_change.py",
        '        self._module.run_command(["/bin/sh", str(DIRECTORY / "go_back")])\n',
        "",
        "test_leftovers.py::test_a_change_that_nothing_would_take_back_is_taken_back",
    ),
    Mutation(
        "leftovers are removed",
        "plugins/module_utils/_confirm/pending_change.py",
        'if not (self._pending / "go_back").exists():',
        "if False:",
        "test_leftovers.py::test_a_run_that_died_before_it_changed_anything_is_no_obstacle",
    ),
    Mutation(
        "the file is part of the state",
        "plugins/module_utils/_modules/nftables_table.py",
        "        changes += [_change(str(file.path), file.current(), file.wanted()) for file in self._files]\n",
        "",
        "test_leftovers.py::test_a_broken_file_is_seen_and_repaired",
    ),
    Mutation(
        "what cannot be replaced",
        "plugins/module_utils/_confirm/boot_file.py",
        "if self.path.is_dir():",
        "if False:",
        "test_leftovers.py::test_what_cannot_be_replaced_stops_the_change",
    ),
    Mutation(
        "the disk is tried first",
        "plugins/module_utils/_confirm/steps.py",
        "        change.stage()\n",
        "        pass\n",
        "test_full_disk.py::test_the_file_for_the_next_boot_does_not_fit",
    ),
    Mutation(
        "no room for the way back",
        "plugins/module_utils/_confirm/steps.py",
        "            pending.arm(timeout, change.way_back)\n    except OSError as e:\n",
        "            try:\n                pending.arm(timeout, change.way_back)\n            except OSError:\n"
        "                pass\n    except OSError as e:\n",
        "test_full_disk.py::test_the_way_back_does_not_fit",
    ),
    Mutation(
        "checks before",
        "plugins/module_utils/_confirm/steps.py",
        'silent(module.params["confirm_checks"], "target", patient=False) if timeout else []',
        "[]",
        "test_checks.py::test_a_check_that_fails_beforehand_stops_the_change[nftables-target]",
    ),
    Mutation(
        "checks after, from the host",
        "plugins/module_utils/_confirm/steps.py",
        'silent(module.params["confirm_checks"], "target", patient=True)',
        "[]",
        "test_checks.py::test_a_check_from_the_host_that_fails_afterwards_takes_the_change_back",
    ),
    Mutation(
        "checks after, from the controller",
        "plugins/plugin_utils/_glue/confirmation.py",
        'silent(self._checks, "controller", patient=True) if step == "confirm" else []',
        "[]",
        "test_checks.py::test_a_check_from_the_controller_that_fails_afterwards_takes_the_change_back",
    ),
)


def reset(lab_host: str) -> None:
    """Make a host of the lab what it was before the first run."""
    subprocess.run(["podman", "exec", f"{PREFIX}{lab_host}", "sh", "-c", RESET], capture_output=True, check=True)


def mutated(mutation: Mutation) -> str:
    """The file of *mutation* without its protection, which is still a program."""
    path = ROOT / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.text) != 1:
        sys.exit(f"{mutation.name}: {mutation.file} has its text {text.count(mutation.text)} times; accepted: once")
    without = text.replace(mutation.text, mutation.without)
    try:
        compile(without, path, "exec")
    except SyntaxError as e:
        sys.exit(f"{mutation.name}: {mutation.file} cannot be loaded without it: {e}")
    return without


def outcome(report: Path) -> str:
    """What the *report* (JUnit) says of a run of one test: passed, failed, or error where the test itself did not run.

    What goes wrong in taking things down again after a test that failed is part of its failure.
    """
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    errors = [str(error.get("message")) for case in cases for error in case.iter("error")]
    failed = any(case.find("failure") is not None for case in cases)
    if not cases or any(case.find("skipped") is not None for case in cases):
        return "error"
    if any(not (failed and error.startswith("failed on teardown")) for error in errors):
        return "error"
    return "failed" if failed else "passed"


def run_test(mutation: Mutation, lab: str, text: str | None) -> tuple[str, str]:
    """Run the test of *mutation* on a copy of the collection, in which its file has *text* (None: as it is).

    Returns its outcome and what pytest said.
    """
    for lab_host in ("turn_nft", "turn_fd"):
        reset(lab_host)
    with tempfile.TemporaryDirectory() as parent:
        collection = Path(parent) / "ansible_collections/uc_firewall/pexip_sfb"
        collection.mkdir(parents=True)
        for name in SHIPPED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, collection / name)
        if text is not None:
            (collection / mutation.file).write_text(text, encoding="utf-8")
        report = Path(parent) / "report.xml"
        command = [
            "pytest", "--quiet", "-x", f"--lab={lab}", f"--junitxml={report}", f"tests/faults/{mutation.test}",
        ]  # fmt: skip
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": parent}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        return ("error" if done.returncode not in (0, 1) else outcome(report)), said


def verdict(mutation: Mutation, lab: str) -> tuple[bool, str]:
    """Whether the test of *mutation* passes with its protection and fails without it, and what to say of that."""
    without = mutated(mutation)
    found, said = run_test(mutation, lab, None)
    if found != "passed":
        return False, f"{found.upper()} WITH THE PROTECTION: {mutation.test}\n{said}"
    found, said = run_test(mutation, lab, without)
    if found == "failed":
        return True, f"missed by {mutation.test}"
    return False, f"NOT MISSED ({found}) by {mutation.test}\n{said}"


def main() -> None:
    """Try the mutations; exit with 1 where a test did not miss its protection."""
    lab, *names = sys.argv[1:]
    known = [mutation.name for mutation in MUTATIONS]
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no mutation is called {', '.join(unknown)}; accepted: {', '.join(known)}")
    passed = failed = 0
    for mutation in MUTATIONS:
        if names and mutation.name not in names:
            continue
        started = time.monotonic()
        missed, text = verdict(mutation, lab)
        passed, failed = passed + missed, failed + (not missed)
        print(f"{mutation.name} ({time.monotonic() - started:.0f} s): {text}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
