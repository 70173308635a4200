# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.mapping import (
    IDENTIFIER_ACCEPTED,
    as_choice,
    as_date,
    as_document,
    as_flag,
    as_identifier,
    as_lines,
    as_list,
    as_mapping,
    as_strings,
    as_text,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (
            lambda v: as_mapping(v, "W", ("a", "b")),
            ["a"],
            "W: ['a'] is not a mapping; accepted: a mapping with the keys a, b",
        ),
        (lambda v: as_mapping(v, "W", ("b", "a")), {"a": 1, "c": 2}, "W: unknown key 'c'; accepted: a, b"),
        (lambda v: as_mapping(v, "W", ("a",)), {1: 2}, "W: unknown key 1; accepted: a"),
        (lambda v: as_mapping(v, "W"), 5, "W: 5 is not a mapping; accepted: a mapping"),
        (lambda v: as_list(v, "W"), "['ab'", "W: \"['ab'\" is not a list; accepted: a list"),
        (lambda v: as_mapping(v, "W"), "a=1 b", "W: 'a=1 b' is not a mapping; accepted: a mapping"),
        (lambda v: as_mapping(v, "W"), "{'a'", "W: \"{'a'\" is not a mapping; accepted: a mapping"),
        (lambda v: as_mapping(v, "W"), "", "W: '' is not a mapping; accepted: a mapping"),
        (lambda v: as_list(v, "W"), {"a": 1}, "W: {'a': 1} is not a list; accepted: a list"),
        (lambda v: as_strings(v, "W"), True, "W: True is not a list; accepted: a list"),
        (
            lambda v: as_strings(v, "W"),
            ["a", None],
            "W: ['a', None] holds something that is not a string; accepted: a list of strings",
        ),
        (lambda v: as_flag(v, "W"), "maybe", "W: 'maybe' is not a boolean; accepted: true or false"),
        (lambda v: as_flag(v, "W"), 2, "W: 2 is not a boolean; accepted: true or false"),
        (lambda v: as_text(v, "W"), True, "W: True is not a string; accepted: one line of text"),
        (lambda v: as_text(v, "W"), "a\x1bb", "W: 'a\\x1bb' holds a control character; accepted: one line of text"),
        (lambda v: as_lines(v, "W"), True, "W: True is not a string; accepted: one line of text"),
        (lambda v: as_lines(v, "W"), ["a", {}], "W: {} is not a string; accepted: one line of text"),
        (lambda v: as_lines(v, "W"), "a\n\x1bb", "W: '\\x1bb' holds a control character; accepted: one line of text"),
        (lambda v: as_date(v, "W"), "2027-02-29", "W: '2027-02-29' is not a day; accepted: one such as 2027-03-31"),
        (lambda v: as_date(v, "W"), "20270331", "W: '20270331' is not a day; accepted: one such as 2027-03-31"),
        (lambda v: as_date(v, "W"), 2027, "W: 2027 is not a day; accepted: one such as 2027-03-31"),
        (lambda v: as_choice(v, "W", ("b", "a")), "c", "W: unknown value 'c'; accepted: a, b"),
        (lambda v: as_choice(v, "W", ("b", "a")), ["a"], "W: unknown value ['a']; accepted: a, b"),
    ],
)
def test_refuses_with_place_value_and_what_is_accepted(
    read: Callable[[object], object], value: object, message: str
) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value",
    [
        "", "A", "1a", "_a", "a-b", "a b", "ä", "a\n", "a" * 64, 5, None, ["a"],
        'a" accept', "a;", "a}", "a{", "a|b", "a'b", "a\\b", "a\nflush ruleset", "\u0430", "a$", "a@b", "a#b",
    ],
)  # fmt: skip
def test_identifier_refuses_whatever_could_end_a_name(value: object) -> None:
    with pytest.raises(PortMatrixError) as caught:
        as_identifier(value, "W")
    assert str(caught.value) == f"W: {value!a} cannot be an id; accepted: {IDENTIFIER_ACCEPTED}"


@pytest.mark.parametrize("value", ["a", "sip_signaling", "a1_", "a" * 63])
def test_identifier_accepts(value: str) -> None:
    assert as_identifier(value, "W") == value


def test_mapping_returns_what_it_was_given() -> None:
    assert as_mapping({"a": 1}, "W", ("a", "b")) == {"a": 1}
    assert as_mapping({"whatever": 1}, "W") == {"whatever": 1}


@pytest.mark.parametrize(
    ("value", "strings"),
    [("a", ("a",)), (["b", "a"], ("b", "a")), ((), ()), (5, ("5",)), (["a", 4711, 1.5], ("a", "4711", "1.5"))],
)
def test_strings_take_one_or_a_list(value: object, strings: tuple[str, ...]) -> None:
    assert as_strings(value, "W") == strings


def test_a_number_is_text_where_text_is_wanted() -> None:
    assert as_text(4711, "W") == "4711"


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((value, True) for value in (True, "True", "yes", "on", 1, "1")),
        *((value, False) for value in (False, "False", "no", "OFF", 0, "0")),
    ],
)
def test_flag_is_what_ansible_takes_for_one(value: object, flag: bool) -> None:
    assert as_flag(value, "W") is flag


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("a, b,c", ["a", "b", "c"]),
        (" ['a', {'b': 1}] ", ["a", {"b": 1}]),
        ('["a", true]', ["a", True]),
        ("", []),
    ],
)
def test_a_list_may_be_text(value: str, items: list[object]) -> None:
    assert as_list(value, "W") == items


@pytest.mark.parametrize("value", ["{'a': [1], 'b': 'x'}", '{"a": [1], "b": "x"}'])
def test_a_mapping_may_be_text(value: str) -> None:
    assert as_mapping(value, "W") == {"a": [1], "b": "x"}


@pytest.mark.parametrize("value", ["a=1 b=x", "a=1, b=x"])
def test_a_mapping_may_be_text_of_pairs(value: str) -> None:
    assert as_mapping(value, "W", ("a", "b")) == {"a": "1", "b": "x"}


@pytest.mark.parametrize(
    "value", ["['192.0.2.1', {'address': '192.0.2.1'}, 5]", '["192.0.2.1", {"address": "192.0.2.1"}, 5]']
)
def test_what_is_read_out_of_a_vaulted_text_is_vaulted(value: str) -> None:
    assert repr(as_list(Vaulted(value), "W")) == "[a vaulted value, {'address': a vaulted value}, 5]"
    assert repr(as_list(Vaulted("a,b"), "W")) == "[a vaulted value, a vaulted value]"


def test_a_text_that_python_cannot_take_apart_is_no_list() -> None:
    with pytest.raises(PortMatrixError, match="is not a list"):
        as_list("[" * 5000, "W")


def test_list_takes_tuples_too() -> None:
    assert as_list((1, 2), "W") == (1, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [("RTP/RTCP media", "RTP/RTCP media"), ("  a\n\tb  ", "a b"), ("a\u2028b", "a b"), ("Größe", "Größe"), ("", "")],
)
def test_text_is_folded_into_one_line(value: str, text: str) -> None:
    assert as_text(value, "W") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("", ""), ("a\n\n b\tc\n\n", "a\n\nb c"), ("a\r\nb", "a\nb"), (["a", "b\nc"], "a\nb\nc"), ([], "")],
)
def test_lines_stay_lines(value: object, text: str) -> None:
    assert as_lines(value, "W") == text


@pytest.mark.parametrize(("value", "day"), [("2027-03-31", datetime.date(2027, 3, 31)), ("", None), (None, None)])
def test_a_day_may_be_left_empty(value: object, day: datetime.date | None) -> None:
    assert as_date(value, "W") == day


def test_choice_is_the_value() -> None:
    assert as_choice("a", "W", ("b", "a")) == "a"


def test_a_document_is_parsed_where_it_is_text() -> None:
    assert as_document('{"a": [1]}', "x", "JSON") == {"a": [1]}
    assert as_document({"a": 1}, "x", "JSON") == {"a": 1}
    with pytest.raises(PortMatrixError, match=r"^x: is not JSON \(.*\); accepted: the file$"):
        as_document("no", "x", "the file")
