# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the Management API on answers that a test makes up: pages, waits, refusals, and tokens.

What a real server and a real network add is tried in tests/playbooks.
"""

from __future__ import annotations

import base64
import json
import sys
import typing as t
from collections.abc import Mapping
from urllib.parse import parse_qs

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.client import (
    Answer,
    Client,
    base_url,
    retry_after,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.oauth import basic, bearer, signed
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

BASE = "https://manager.example"
LIST = "/api/admin/configuration/v1/worker_vm/"
SECRET = "correct horse"


def page(*identities: int, total: int | None = None, following: object = None) -> Answer:
    objects = [{"id": identity, "resource_uri": f"{LIST}{identity}/"} for identity in identities]
    meta = {"total_count": len(objects) if total is None else total, "next": following}
    return answer({"meta": meta, "objects": objects})


def answer(document: object, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(document).encode()
    )


class Server:
    """Gives the answers that a test has for it, one after the other, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], bytes | None]] = []
        self.waits: list[float] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        self.requests.append((method, url, dict(headers), body))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def objects(self) -> list[t.Any]:
        client = Client(BASE, self, lambda: basic("inventory", SECRET), self.waits.append, lambda: 0.0)
        return [item["id"] for item in client.objects("worker_vm")]


def refusal(*answers: Answer) -> str:
    with pytest.raises(PortMatrixError) as raised:
        Server(*answers).objects()
    return str(raised.value)


def test_a_list_of_one_page() -> None:
    server = Server(page(1, 2))
    assert server.objects() == [1, 2]
    ((method, url, headers, body),) = server.requests
    assert (method, url, body) == ("GET", f"{BASE}{LIST}?limit=100", None)
    assert headers == {"Authorization": "Basic aW52ZW50b3J5OmNvcnJlY3QgaG9yc2U=", "Accept": "application/json"}


def test_pages_are_followed() -> None:
    server = Server(page(1, 2, total=3, following=f"{LIST}?limit=2&offset=2"), page(3, total=3))
    assert server.objects() == [1, 2, 3]
    assert server.requests[1][1] == f"{BASE}{LIST}?limit=2&offset=2"


def test_an_empty_list_is_one() -> None:
    assert Server(page()).objects() == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://other.example" + LIST,
        "http://manager.example" + LIST,
        "//other.example/",
        "/api/admin/command/v1/x/",
        "x",
    ],
)
def test_a_next_page_somewhere_else_is_not_asked_for(elsewhere: str) -> None:
    server = Server(page(1, total=2, following=elsewhere))
    with pytest.raises(PortMatrixError, match=r"its next page is somewhere else, and is not requested$"):
        server.objects()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([page(1, total=2, following=f"{LIST}?limit=100")], f"lists '{LIST}1/' twice. Was it changed meanwhile?"),
        ([page(1, total=2)], "lists 1 of the 2 that it says there are"),
        ([page(1, 2, total=1)], "lists more than the 1 that it says there are, without an end"),
        ([page(following=LIST)], "has a next page after nothing"),
        ([page(1, following=7)], "or one that is not an address"),
        ([answer([])], "answers with something other than a JSON object"),
        ([Answer(200, {}, b"[" * 100_000)], "answers with something other than a JSON object"),
        ([Answer(200, {}, b"\xff")], "answers with something other than a JSON object"),
        (
            [answer({"objects": []})],
            "is not a list of the Management API; accepted: meta with total_count, and objects",
        ),
        ([answer({"meta": {"total_count": True}, "objects": []})], "is not a list of the Management API"),
        ([answer({"meta": {"total_count": 1}, "objects": {}})], "is not a list of the Management API"),
        ([answer({"meta": {"total_count": 1}, "objects": [7]})], "lists something that is not an object"),
        ([answer({"meta": {"total_count": 1}, "objects": [{}]})], "lists something without a resource_uri"),
        ([answer({}, 401)], "the answer is 401 (the credentials are not accepted)"),
        ([answer({}, 403)], "the answer is 403 (the account may not read this"),
        ([answer({}, 404)], "the answer is 404 (there is nothing: is this the Management Node"),
        ([answer({}, 500)], "the answer is 500 (Internal Server Error)"),
        ([answer({}, 302)], "the answer is 302 (a redirect, which is not followed"),
        ([answer({}, 599)], "the answer is 599 (unknown)"),
        ([answer({}, 429, retry_after="121")], "It asks to wait 121 s, and 120 s are the most"),
        ([answer({}, 429, retry_after="1")], "the answer is 429 (too many requests)"),
    ],
)
def test_an_answer_that_is_no_list_is_an_error(answers: list[Answer], message: str) -> None:
    text = refusal(*answers)
    assert text.startswith(f"{BASE}{LIST}")
    assert message in text
    assert len(text.splitlines()) == 1


def test_it_waits_as_long_as_it_is_told() -> None:
    busy = answer({}, 429, retry_after="7")
    server = Server(busy, answer({}, 503), answer({}, 429, retry_after="soon"), page(1))
    assert server.objects() == [1]
    assert server.waits == [7.0, 2.0, 4.0]


def test_it_gives_up_after_some_attempts() -> None:
    server = Server(answer({}, 429, retry_after="0"))
    with pytest.raises(PortMatrixError):
        server.objects()
    assert len(server.requests) == 6


def test_waits_add_up() -> None:
    server = Server(answer({}, 429, retry_after="50"))
    with pytest.raises(PortMatrixError, match="120 s are the most"):
        server.objects()
    assert server.waits == [50.0, 50.0]


def test_a_time_to_retry_may_be_a_date() -> None:
    assert retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 90.0) == 10.0
    assert retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 200.0) == 0.0
    assert retry_after("99999999999999999999 Jan", 0.0) is None


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://manager.example", "https://manager.example"),
        ("https://Manager.example:8443/", "https://manager.example:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_the_address_of_a_management_node(given: str, base: str) -> None:
    assert base_url(given) == base


@pytest.mark.parametrize(
    "given",
    [
        "", None, "manager.example", "http://manager.example", "https://", "https://m.example/api", "https://m.example/?a",
        "https://m.example/#a", "https://m.example:70000", "https://[x", f"https://inventory:{SECRET}@m.example",
    ],
)  # fmt: skip
def test_another_address_is_refused_and_not_shown(given: object) -> None:
    with pytest.raises(PortMatrixError, match=r"^url: .*; accepted: https://, then the name") as raised:
        base_url(given)
    assert SECRET not in str(raised.value)


def pem(key: t.Any) -> str:
    form = serialization.PrivateFormat.PKCS8
    return t.cast("bytes", key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())).decode()


KEY = ec.generate_private_key(ec.SECP256R1())


def test_an_assertion_is_signed_and_claims_what_it_should() -> None:
    server = Server(answer({"access_token": "abc"}))
    assert bearer(server, BASE, "client", pem(KEY), 1000.9, "unique") == "Bearer abc"
    ((method, url, _headers, body),) = server.requests
    assert (method, url) == ("POST", f"{BASE}/oauth/token/")
    form = parse_qs((body or b"").decode())
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert form["scope"] == ["is_admin use_api"]
    header, claims, signature = (base64.urlsafe_b64decode(x + "==") for x in form["client_assertion"][0].split("."))
    assert json.loads(header) == {"alg": "ES256", "typ": "JWT"}
    assert json.loads(claims) == {
        "iss": "client", "sub": "client", "aud": f"{BASE}/oauth/token/", "iat": 1000, "exp": 1300, "jti": "unique",
    }  # fmt: skip
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    text = form["client_assertion"][0].rpartition(".")[0].encode()
    KEY.public_key().verify(utils.encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    "key",
    [
        SECRET, "", pem(rsa.generate_private_key(65537, 2048)), pem(ec.generate_private_key(ec.SECP384R1())),
        pem(KEY).replace("M", "N"),
    ],
)  # fmt: skip
def test_another_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(
        PortMatrixError, match=r"^private_key: is not a key for ES256; accepted: an unencrypted EC"
    ) as raised:
        signed({}, key)
    assert raised.value.__cause__ is None
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer({}, 400), "the answer is 400, and no token; accepted: a client_id and its private_key"),
        (answer({"access_token": 7}), "the answer has no access_token"),
        (answer({"access_token": ""}), "the answer has no access_token"),
        (answer({"access_token": "a\r\nX: y"}), "the answer has no access_token"),
    ],
)
def test_an_answer_without_a_token_is_an_error(given: Answer, message: str) -> None:
    with pytest.raises(PortMatrixError) as raised:
        bearer(Server(given), BASE, "client", pem(KEY), 0.0, "unique")
    assert message in str(raised.value)


def test_without_its_library_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(PortMatrixError, match="the Python library cryptography is missing on the controller"):
        signed({}, pem(KEY))


def test_a_token_is_asked_for_once() -> None:
    asked: list[str] = []

    def authorization() -> str:
        asked.append("a token")
        return "Bearer abc"

    client = Client(BASE, Server(page(1)), authorization, lambda _s: None, lambda: 0.0)
    for _attempt in range(3):
        client.objects("worker_vm")
    assert asked == ["a token"]
