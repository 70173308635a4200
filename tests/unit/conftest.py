# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit tests share: options, the profiles of hypothesis, and a network namespace that rulesets load into."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from hypothesis import settings

# What the tests use besides the collection. Not left to the settings of pytest, as ansible-test has its own.
_TOP = Path(__file__).parents[2]
sys.path += [str(_TOP / place) for place in ("extensions/lab", "extensions/bench", "tests/sites")]

# The same examples on every run, so that a red run is red again. HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=10)
settings.register_profile("search", deadline=None, max_examples=2000)
# ansible-test, which sets this variable, runs the same tests once more, and lets no variable of ours through.
_OTHERWISE = "quick" if "ANSIBLE_CONTROLLER_MIN_PYTHON_VERSION" in os.environ else "ci"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", _OTHERWISE))


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known to ansible-test as well, which has its own settings of pytest."""
    config.addinivalue_line(
        "markers", "large: takes long where it is watched which lines it covers, and covers none that others do not"
    )
    config.addinivalue_line("markers", "no_cover: known to pytest-cov, which is not everywhere")
    config.addinivalue_line(
        "markers", "operating_system: starts processes, opens sockets or locks files; not for Python in WebAssembly"
    )


@pytest.hookimpl(trylast=True)  # Hypothesis has marked its tests by then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep random examples, and what takes long, from being watched and from covering anything.

    A branch that only they reach needs a test of its own, and watching them would take minutes.
    """
    for item in items:
        if item.get_closest_marker("hypothesis") or item.get_closest_marker("large"):
            item.add_marker(pytest.mark.no_cover)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden rulesets instead of comparing them")


class Loaded(t.NamedTuple):
    """A table as the kernel lists it, and the seconds of a processor that loading it took, on a busy machine too."""

    objects: list[dict[str, t.Any]]
    seconds: float

    def of_kind(self, kind: str) -> list[dict[str, t.Any]]:
        return [item[kind] for item in self.objects if kind in item]


class Kernel:
    """Loads rulesets into a network namespace of their own, where they are gone again after the last command."""

    def __init__(self, directory: Path) -> None:
        missing = [tool for tool in ("nft", "unshare") if not shutil.which(tool)]
        if missing:
            pytest.fail(f"{' and '.join(missing)} not found; install the packages nftables and util-linux")
        self._directory = directory
        self._namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]

    def load(self, *rulesets: str) -> Loaded:
        """Load *rulesets* one after the other into one fresh namespace; return what the last one left."""
        commands = []
        for number, ruleset in enumerate(rulesets):
            path = self._directory / f"{number}.nft"
            path.write_text(ruleset, encoding="utf-8")
            commands.append(f"nft -f {path}")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._run(" && ".join(commands))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        listing = self._run(" && ".join([*commands, "nft -s -j list ruleset"]))
        return Loaded(json.loads(listing)["nftables"], seconds)

    def _run(self, script: str) -> str:
        done = subprocess.run([*self._namespace, "sh", "-c", script], capture_output=True, text=True, check=False)
        if "unshare failed" in done.stderr:
            pytest.fail(f"no network namespace ({done.stderr.strip()}); run as root or allow user namespaces")
        assert done.returncode == 0, done.stderr[:2000]
        return done.stdout


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)
