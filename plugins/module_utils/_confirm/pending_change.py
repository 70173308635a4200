# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of the host's firewall that the host takes back by itself, unless it is confirmed in time.

What the host needs for the way back is in ``/run/pexip_sfb/pending``, and a timer of systemd starts it: neither needs
the controller, the connection, or the module that made the change. Whether a change is confirmed or taken back is
decided by who renames that directory first. A reboot forgets all of it, together with what was changed in the kernel.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm import lock
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.ssh_connection import ssh_connection

DIRECTORY = Path("/run/pexip_sfb")
UNIT = "pexip-sfb-firewall-go-back"
_LONGEST_WAIT = 300  # seconds; a large change of firewalld takes some twenty

# Starts as a service. The name of the directory decides, so that a confirmation and the timer cannot both win.
_GO_BACK = """\
cd {directory} || exit
mv -T pending taken_back 2>/dev/null || exit 0
echo "The change of the firewall was not confirmed and is taken back."
/bin/sh taken_back/go_back >taken_back/output 2>&1
echo $? >taken_back/result
cat taken_back/output
"""

Outcome = t.Literal["pending", "confirmed", "taken_back", "unknown"]


class PendingChange:
    """The one change that can be pending on a host; *identity* tells ours from that of another run."""

    def __init__(self, module: AnsibleModule, identity: str) -> None:
        self._module = module
        self._identity = identity
        self._lock: t.IO[str] | None = None
        self._pending = DIRECTORY / "pending"

    def take_turn(self) -> None:
        """Wait for the module of another run, and fail where its change is still to be confirmed.

        A change that is being taken back right now is waited for.
        What a dead run left, a change that nothing would take back any more, is taken back here, with a warning.
        """
        self.lock_others_out()
        if not self._pending.exists():
            self._wait_for_go_back()
            return
        if self._is_armed():
            self._module.fail_json(
                msg="Nothing was changed: another change of this host's firewall is waiting for its confirmation, and "
                f"goes back by itself in {round(self.seconds_left())} s without it. Run this again when that is over."
            )
        if not (self._pending / "go_back").exists():  # it died before it could change anything
            shutil.rmtree(self._pending, ignore_errors=True)
            return
        self._run_go_back()
        if self.error():
            self._module.fail_json(msg=f"Nothing was changed: a dead run's change cannot be taken back: {self.error()}")
        self._module.warn(
            "An earlier run died before its change of the firewall was confirmed, and nothing was going to take that "
            "change back. It was taken back now."
        )

    def lock_others_out(self) -> None:
        """Wait for the module of another run, and lock all others out until :meth:`close`."""
        try:
            self._lock = lock.locked(DIRECTORY / "lock", _LONGEST_WAIT)
        except TimeoutError:
            self._module.fail_json(
                msg="This run changed nothing: another one has been at work on this host's firewall for "
                f"{_LONGEST_WAIT} s. See which with: fuser -v {DIRECTORY / 'lock'}"
            )

    def let_others_in(self) -> None:
        """Be done with the lock, and leave no directory for its sake."""
        lock.remove(DIRECTORY / "lock")

    def close(self) -> None:
        """Be done with this change in this process, which may have something else to do that takes the lock."""
        if self._lock:
            self._lock.close()

    def hold(self) -> None:
        """Wait for the module that makes the change, where its connection broke, and for that of another run.

        Until this process ends, no other one makes a change. What goes back by itself has gone when this returns.
        """
        if DIRECTORY.exists():
            self.lock_others_out()
            self._wait_for_go_back()

    def arm(self, timeout: int, way_back: Callable[[Path], str]) -> None:
        """Have the change that comes next taken back after *timeout* seconds.

        :param way_back: writes what it needs into the directory that it gets, and returns the shell script that goes
            back. The script finds that directory under the name ``taken_back``, and starts in its parent.
        """
        for earlier in (DIRECTORY / "taken_back", DIRECTORY / "confirmed"):
            if earlier.exists():
                shutil.rmtree(earlier)
        self._pending.mkdir(mode=0o700)
        about = {"identity": self._identity, "armed": _now(), "timeout": timeout, "connection": ssh_connection()}
        try:
            (DIRECTORY / "go_back").write_text(_GO_BACK.format(directory=DIRECTORY), encoding="utf-8")
            (self._pending / "change.json").write_text(json.dumps(about), encoding="utf-8")
            (self._pending / "go_back").write_text(way_back(self._pending), encoding="utf-8")
            self._start_timer(timeout)
        except OSError as e:
            shutil.rmtree(self._pending)
            # A write that fails does not say where.
            raise OSError(e.errno, e.strerror, e.filename or str(self._pending)) from e
        except BaseException:
            shutil.rmtree(self._pending)
            raise

    def is_asked_over_old_connection(self) -> bool:
        """Tell whether the change is pending, and was made over the connection that this process was started over."""
        made_over = self._about(self._pending).get("connection")
        return self.outcome() == "pending" and bool(made_over) and made_over == ssh_connection()

    def confirm(self) -> bool:
        """Keep the change; False where it is too late for that."""
        if self.outcome() != "pending":
            return False
        try:
            self._pending.rename(DIRECTORY / "confirmed")
        except FileNotFoundError:
            return False
        self._systemctl("stop", f"{UNIT}.timer")
        return True

    def take_back(self) -> None:
        """Take the change back now, and wait for that. Where it cannot be started, the timer is still there."""
        if self.outcome() == "taken_back":
            # The time was over while the change was being made. What came of it since then is taken back, too.
            self._wait_for_go_back()
            (DIRECTORY / "taken_back").rename(self._pending)
            self._run_go_back()
        elif self._systemctl("start", f"{UNIT}.service"):
            self._systemctl("stop", f"{UNIT}.timer")

    def outcome(self) -> Outcome:
        """Return what became of the change."""
        outcomes: tuple[Outcome, ...] = ("pending", "confirmed", "taken_back")
        ours = (name for name in outcomes if self._about(DIRECTORY / name).get("identity") == self._identity)
        return next(ours, "unknown")

    def forget(self) -> None:
        """Remove the directory of all changes, where none is pending. The turn is over with that."""
        for path in DIRECTORY.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()
        self.let_others_in()

    def seconds_left(self) -> float:
        """Return the seconds until the pending change is taken back; 0 where that is over."""
        about = self._about(self._pending)
        return max(0.0, about["armed"] + about["timeout"] - _now()) if about else 0.0

    def waiting(self) -> dict[str, int]:
        """Return how long the pending change has until it goes back, and had; empty without one that goes back."""
        about = self._about(self._pending)
        if not about or not self._is_armed():
            return {}
        return {"seconds_left": round(self.seconds_left()), "timeout": about["timeout"]}

    def error(self) -> str:
        """Return why the way back failed; empty where it did not, or has not been gone."""
        self._wait_for_go_back()
        directory = DIRECTORY / "taken_back"
        result = _text(directory / "result")
        if result == "0" or not directory.exists():
            return ""
        unknown = "no reason given" if result else "something ended it before it was done"
        return _text(directory / "output") or unknown

    def _start_timer(self, timeout: int) -> None:
        systemd_run = self._module.get_bin_path("systemd-run")
        if not systemd_run:
            self._module.fail_json(
                msg="Nothing was changed: systemd-run was not found on this host, and its timer takes changes back"
            )
        # A soft reboot keeps the rules, and stops all units but those that neither a shutdown nor another target stops.
        # After any other reboot the kernel starts anew, without them.
        command = [
            systemd_run, "--quiet", "--collect", f"--unit={UNIT}", f"--on-active={timeout}",
            "--timer-property=AccuracySec=100ms", "--timer-property=DefaultDependencies=no",
            "--timer-property=IgnoreOnIsolate=yes", "--property=DefaultDependencies=no", "--property=Type=oneshot",
            "--description=Take back an unconfirmed change of the firewall", "/bin/sh", str(DIRECTORY / "go_back"),
        ]  # fmt: skip
        rc, _out, err = self._module.run_command(command)
        if rc:
            self._module.fail_json(
                msg=f"Nothing was changed: the timer that takes it back did not start: {err.strip()}"
            )

    def _is_armed(self) -> bool:
        """Tell whether the timer runs, or what it starts."""
        return self._runs(f"{UNIT}.timer", f"{UNIT}.service")

    def _runs(self, *units: str) -> bool:
        _rc, states, _err = self._module.run_command(["systemctl", "is-active", *units])
        return not {"active", "activating"}.isdisjoint(states.split())

    def _run_go_back(self) -> None:
        """Do what the timer would do."""
        self._module.run_command(["/bin/sh", str(DIRECTORY / "go_back")])

    def _wait_for_go_back(self) -> None:
        """Wait while a change is being taken back: what it needs for that must not be replaced meanwhile."""
        directory = DIRECTORY / "taken_back"
        deadline = time.monotonic() + _LONGEST_WAIT
        while directory.exists() and not _text(directory / "result") and self._runs(f"{UNIT}.service"):
            if time.monotonic() > deadline:
                self._module.fail_json(
                    msg="Nothing was changed: the host has been taking an earlier change of its firewall back for "
                    f"{_LONGEST_WAIT} s; see why with: systemctl status {UNIT}.service"
                )
            time.sleep(0.2)

    def _about(self, directory: Path) -> dict[str, t.Any]:
        try:
            return t.cast("dict[str, t.Any]", json.loads((directory / "change.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def _systemctl(self, *arguments: str) -> bool:
        return bool(self._module.run_command(["systemctl", "--quiet", *arguments])[0] == 0)


def _text(path: Path) -> str:
    """Return what is in the file at *path*; empty where there is no such file."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _now() -> float:
    """Seconds of the clock of systemd's timers: it never jumps, and stands still while the host is suspended."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
