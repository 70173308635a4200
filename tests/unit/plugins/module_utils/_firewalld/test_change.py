# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a firewalld that stops in the middle is left with. With one that does not: the Molecule scenario firewalld."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.steps import NotKeptError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.change import ObjectsChange
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.host import FirewalldError

WANTED: dict[str, dict[str, t.Any]] = {"ipsets": {}, "policies": {}}


class Firewalld:
    """Fails after the first object that is written, and when it is restored if *for_good*."""

    refusals = (FirewalldError,)
    prefix = "pexip_sfb_"

    def __init__(self, for_good: bool) -> None:
        self.has = "old"
        self._for_good = for_good

    def permanent(self) -> dict[str, dict[str, t.Any]]:
        return WANTED

    runtime = permanent

    def raw_permanent(self) -> str:
        return self.has

    def write_permanent(self, _plan: object, _wanted: object) -> None:
        self.has = "a part"
        raise FirewalldError("no space left")

    def restore_permanent(self, raw: str) -> None:
        if self._for_good:
            raise FirewalldError("still none")
        self.has = raw


@pytest.mark.parametrize(
    ("for_good", "has", "says"),
    [
        (False, "old", "no space left. The next boot brings what was there before."),
        (
            True,
            "a part",
            "no space left; undoing that failed, too: still none. The permanent configuration has a part of it; "
            "run this again.",
        ),
    ],
)
def test_the_permanent_configuration_is_all_of_it_or_what_was_there(for_good: bool, has: str, says: str) -> None:
    firewalld = Firewalld(for_good)
    with pytest.raises(NotKeptError) as raised:
        ObjectsChange(t.cast("t.Any", None), t.cast("t.Any", firewalld), WANTED).keep()
    assert (firewalld.has, str(raised.value)) == (has, says)


class Reloading(Firewalld):
    """Takes what is written, and gives others something back when it reloads."""

    def write_permanent(self, _plan: object, _wanted: object) -> None:
        self.has = "new"

    def change_runtime(self, _plan: object, _wanted: object) -> None: ...

    def reload(self) -> list[str]:
        return ["zone public: ports 9443/tcp", "policy theirs: masquerade"]


class Module:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def test_what_others_got_back_and_what_opens_something_is_named() -> None:
    module = Module()
    change = ObjectsChange(t.cast("t.Any", module), t.cast("t.Any", Reloading(for_good=False)), WANTED)
    change.make()
    assert module.warnings == []
    change.plan.reload.append("one is new")
    change.make()
    assert module.warnings[0].endswith("Look at: zone public: ports 9443/tcp; policy theirs: masquerade")


@pytest.mark.parametrize(
    ("was", "narrowed"),
    [
        (["192.0.2.1"], False),
        (["192.0.2.1", "192.0.2.2"], True),
        ([], False),
    ],
)
def test_an_entry_that_goes_makes_it_narrower(was: list[str], narrowed: bool) -> None:
    def objects(entries: list[str]) -> dict[str, dict[str, t.Any]]:
        return {"ipsets": {"pexip_sfb_a": {"type": "hash:net", "entries": entries}}, "policies": {}}

    class Having(Firewalld):
        def permanent(self) -> dict[str, dict[str, t.Any]]:
            return objects(was)

        runtime = permanent

    change = ObjectsChange(t.cast("t.Any", None), t.cast("t.Any", Having(for_good=False)), objects(["192.0.2.1"]))
    assert change.narrowed() is narrowed
