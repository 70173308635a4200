# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module does where firewalld does not run. With a firewalld that does: the Molecule scenario firewalld."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm import pending_change
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.host import Firewalld
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import firewalld_objects


class EndError(Exception):
    """The module ended."""


class Module:
    """What is used of AnsibleModule; *timer* is what systemd says of the timer."""

    check_mode = False

    def __init__(self, timer: str = "inactive") -> None:
        self.params = {"prefix": "pexip_sfb_", "state": "absent", "step": "apply", "change_id": ""}
        self._timer = timer

    def run_command(self, _command: list[str]) -> tuple[int, str, str]:
        return 0, f"{self._timer}\n", ""

    def fail_json(self, msg: str) -> t.NoReturn:
        raise EndError(msg)


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pending_change, "DIRECTORY", tmp_path / "run")
    monkeypatch.setattr(firewalld_objects, "CONFIGURATION", tmp_path)
    (tmp_path / "ipsets").mkdir()
    for name in ("pexip_sfb_a.xml", "pexip_sfb_a.xml.old", "other.xml"):
        (tmp_path / "ipsets" / name).touch()
    return tmp_path / "ipsets"


def remove(module: Module) -> object:
    return firewalld_objects.remove_files(t.cast("t.Any", module))["changed"]


@pytest.mark.operating_system
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the lock, which a process ends with
def test_our_objects_go_and_nothing_is_left_of_it(objects: Path) -> None:
    assert remove(Module()) is True
    assert [path.name for path in objects.iterdir()] == ["other.xml"]
    assert not (objects.parent / "run").exists()


@pytest.mark.operating_system
def test_looking_takes_turns_and_changes_nothing(objects: Path) -> None:
    module = Module()
    module.params["step"] = "look"
    assert remove(module) is True
    assert len(list(objects.iterdir())) == 3
    assert not (objects.parent / "run").exists()
    (objects.parent / "run/pending").mkdir(parents=True)
    waiting = Module("active")
    waiting.params["step"] = "look"
    with pytest.raises(EndError, match="another change of this host's firewall is waiting for its confirmation"):
        remove(waiting)


@pytest.mark.operating_system
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_goes_while_a_change_is_pending_that_would_bring_it_back(objects: Path) -> None:
    (objects.parent / "run/pending").mkdir(parents=True)
    with pytest.raises(EndError, match="another change of this host's firewall is waiting for its confirmation"):
        remove(Module("active"))
    assert len(list(objects.iterdir())) == 3


@pytest.mark.operating_system
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_there_is_nothing_to_remove_from_a_firewalld_without_policies(objects: Path) -> None:
    client = SimpleNamespace(config=lambda: None, get_property=lambda _name: "0.8.2")
    firewalld = Firewalld(client, None, "pexip_sfb_")
    assert firewalld_objects.bring_about(t.cast("t.Any", Module()), firewalld)["changed"] is True
    assert [path.name for path in objects.iterdir()] == ["other.xml"]


@pytest.mark.parametrize("owned", [True, False, None])
def test_without_a_bus_firewalld_does_not_run(owned: bool | None) -> None:
    class NoBusError(Exception):
        pass

    def system_bus(private: bool) -> SimpleNamespace:
        if owned is None:
            raise NoBusError
        return SimpleNamespace(name_has_owner=lambda name: owned and name == firewalld_objects.BUS_NAME)

    library = SimpleNamespace(SystemBus=system_bus, DBusException=NoBusError)
    assert firewalld_objects.is_running(library) is bool(owned)


class Bus(Module):
    """A host whose busctl prints *said*; None: it has no busctl."""

    def __init__(self, said: str | None) -> None:
        super().__init__()
        self._said = said

    def get_bin_path(self, name: str) -> str | None:
        return None if self._said is None else f"/usr/bin/{name}"

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        return (0, self._said or "", "") if "busctl" in command[0] else super().run_command(command)


@pytest.mark.operating_system
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("said", "loads"), [("b false\n", 0), ("b true\n", 2), ("", 2), (None, 2)])
def test_the_library_is_loaded_where_firewalld_may_run(
    objects: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, loads: int
) -> None:
    loaded: list[None] = []
    monkeypatch.setattr(firewalld_objects, "library_or_respawn", lambda: loaded.append(None))
    module = t.cast("t.Any", Bus(said))
    module.params["confirm_timeout"] = 0
    firewalld_objects.prepare(module, present=False)
    assert firewalld_objects.run(module)["changed"] is True
    assert [path.name for path in objects.iterdir()] == ["other.xml"]
    assert len(loaded) == loads
    firewalld_objects.prepare(module, present=True)
    assert len(loaded) == loads + 1
