# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import (
    PortMatrixError,
    ProblemList,
    names,
    nearest,
    nearest_text,
    shown,
    unknown,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted


def _fail(text: str) -> None:
    raise PortMatrixError(text)


def test_message_says_where_what_and_what_is_accepted() -> None:
    assert str(PortMatrixError.at("row x", "is wrong", "right")) == "row x: is wrong; accepted: right"


def test_message_without_alternatives_ends_after_the_problem() -> None:
    assert str(PortMatrixError.at("row x", "is wrong")) == "row x: is wrong"


def test_input_errors_are_value_errors() -> None:
    assert issubclass(PortMatrixError, ValueError)


def test_problem_list_reports_every_problem_once_in_order() -> None:
    problems = ProblemList()
    assert problems.attempt(_fail, "second\nfirst") is None
    assert problems.attempt(_fail, "first") is None
    problems.add("third")
    with pytest.raises(PortMatrixError) as caught:
        problems.raise_if_any()
    assert str(caught.value) == "second\nfirst\nthird"


class _Line(str):
    """A message of one line that counts how often it is compared with another."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared: t.ClassVar[list[str]] = []

    def __eq__(self, other: object) -> bool:
        self.compared.append(self)
        return super().__eq__(other)

    def splitlines(self, keepends: bool = False) -> list[str]:
        return [self]


def test_a_problem_is_not_compared_with_all_others() -> None:
    problems = ProblemList()
    for number in range(1000):
        problems.add(_Line(f"host {number} has no address"))
    assert len(_Line.compared) < 1000


def test_problem_list_hands_results_on_and_is_silent_without_problems() -> None:
    problems = ProblemList()
    assert problems.attempt(int, "7") == 7
    problems.raise_if_any()


def test_problem_list_does_not_swallow_other_errors() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        ProblemList().attempt(int, "seven")


def test_names_are_sorted() -> None:
    assert names(["b", "a"]) == "a, b"


@pytest.mark.parametrize("value", ["a\nb", "\u202ereversed", "\x1b[31mred", "quote \" and '", {"a\nb": "\r"}])
def test_shown_is_one_line_of_ascii(value: object) -> None:
    text = shown(value)
    assert text.isascii()
    assert text.isprintable()


def test_shown_is_short() -> None:
    assert shown("x" * 118) == "'" + "x" * 118 + "'"
    assert shown("x" * 119) == "'" + "x" * 116 + "..."


def test_a_name_that_is_not_known_is_said_with_the_nearest_and_not_with_thousands() -> None:
    known = [f"host{number:04}" for number in range(1000)]
    problem, accepted = unknown("hots0007", known)
    assert problem == "'hots0007' is not known, the nearest is host0007"
    assert accepted.endswith("host0029 and 970 more")
    assert unknown("x", ["alpha"]) == ("'x' is not known", "alpha")


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("egde", ["edge", "client"], "edge"),
        ("fe1", ["fe1.contoso.example", "fe12.contoso.example"], "fe1.contoso.example"),
        ("FE1.contoso.example", ["fe1", "fe2"], "fe1"),
        ("fe1", ["fe1.oslo.example", "fe1.nyc.example"], ""),  # either may be meant
        ("avatar", ["conference_avatar", "web_app"], "conference_avatar"),
        ("edge", ["edge_av", "edge_internal"], ""),
        ("x", ["alpha"], ""),
        (5, ["5"], ""),
        (Vaulted("egde"), ["edge"], ""),  # what is near to a secret says what it is
    ],
)
def test_the_nearest_is_a_typing_error_or_a_name_without_its_domain(name: object, known: list[str], near: str) -> None:
    assert nearest(name, known) == near


def test_a_nearest_name_that_does_not_print_is_written_out() -> None:
    assert nearest_text("edge_", ["edge\n"]) == ", the nearest is 'edge\\n'"
    assert nearest_text("x", ["alpha"]) == ""
