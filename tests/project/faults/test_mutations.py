# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mutations, as far as they need no lab: each is a program, has a test, and only a test that fails is a miss."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[2] / "faults"
SPEC = importlib.util.spec_from_file_location("mutations", FAULTS / "mutations.py")
assert SPEC is not None
assert SPEC.loader is not None
mutations = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutations)

BY_NAME = pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.name)


@BY_NAME
def test_a_mutation_is_a_program(mutation: mutations.Mutation) -> None:
    assert mutations.mutated(mutation) != (mutations.ROOT / mutation.file).read_text(encoding="utf-8")


@BY_NAME
def test_a_mutation_has_a_test(mutation: mutations.Mutation) -> None:
    file, _colons, name = mutation.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (FAULTS / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "without", "problem"),
    [("sys.exit(", "sys.exit((", "cannot be loaded without it"), ("no such text", "", "has its text 0 times")],
    ids=["no program", "no text"],
)
def test_a_mutation_that_proves_nothing_is_refused(
    text: str, without: str, problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file.py").write_text("import sys\nsys.exit(1)\n", encoding="utf-8")
    monkeypatch.setattr(mutations, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=problem):
        mutations.mutated(mutations.Mutation("name", "file.py", text, without, "test"))


FIXTURES = """
import pytest

@pytest.fixture
def broken():
    raise AssertionError

@pytest.fixture
def not_taken_down():
    yield
    raise AssertionError
"""


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ("def test(): pass", "passed"),
        ("def test(): assert False", "failed"),
        ("def test(broken): assert False", "error"),
        ("def test(not_taken_down): assert False", "failed"),
        ("def test(not_taken_down): pass", "error"),
        ("def test(): pytest.skip()", "error"),
        ("test = 1", "error"),
    ],
)
def test_only_a_test_that_failed_is_a_failure(test: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(f"{FIXTURES}\n{test}\n", encoding="utf-8")
    report = tmp_path / "report.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-x", f"--rootdir={tmp_path}", f"--junitxml={report}", str(tmp_path)],
        check=False, capture_output=True,
        # ansible-test has plugins of its own in it, which look for a collection around each test.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )  # fmt: skip
    assert mutations.outcome(report) == outcome


def test_a_broken_lab_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test fails there, with the protection and without."""
    monkeypatch.setattr(mutations, "run_test", lambda _mutation, _lab, _text: ("failed", ""))
    assert not any(mutations.verdict(mutation, "lab")[0] for mutation in mutations.MUTATIONS)


def test_a_protection_is_missed_where_its_test_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutations, "run_test", lambda _mutation, _lab, text: ("failed" if text else "passed", ""))
    assert all(mutations.verdict(mutation, "lab")[0] for mutation in mutations.MUTATIONS)
