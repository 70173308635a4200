# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.problems import failure, problems_of
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

TWO = PortMatrixError("a: 1 is wrong\nb: 2 is wrong")


class WrappedError(Exception):
    """An error of Ansible, as far as it matters here: before 2.19 the cause may be an attribute."""

    orig_exc: BaseException | None = None


def _raised(cause: Exception, *, handled: bool) -> WrappedError:
    error = WrappedError("Finalization of task args failed")
    try:
        if handled:
            try:
                raise cause
            except type(cause):
                raise error  # noqa: B904 # as a context, not as the cause
        raise error from cause
    except WrappedError as e:
        return e


def test_problems_are_found_wherever_the_error_has_them() -> None:
    lines = ["a: 1 is wrong", "b: 2 is wrong"]
    assert problems_of(TWO) == lines
    assert problems_of(_raised(_raised(TWO, handled=False), handled=True)) == lines
    kept = WrappedError()
    kept.orig_exc = TWO
    assert problems_of(kept) == lines


def test_another_error_has_no_problems_of_ours() -> None:
    error = _raised(KeyError("x"), handled=True)
    error.__cause__ = error  # a chain that does not end
    assert problems_of(error) == []


def test_a_failure_has_each_problem_once() -> None:
    result = failure(["a: 1 is wrong"])
    assert result["failed"] is True
    assert result["problems"] == ["a: 1 is wrong"]
    assert result["msg"] == "The input has 1 problem, listed under problems."
    assert failure(["a", "b"])["msg"] == "The input has 2 problems, listed under problems."
