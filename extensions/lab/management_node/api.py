# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in answers: lists in pages, who may read them, and what goes wrong on demand.

The forms are those of public SDKs of the Management API. It shares no code with the client of the collection.
"""

from __future__ import annotations

import asyncio
import base64
import json
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

PREFIX = "/api/admin/configuration/v1/"
TOKEN = "/oauth/token/"  # noqa: S105 # a path
FAULTS = (
    "too_many_requests", "error", "redirect", "cut", "cut_chunk", "wrong_json", "wrong_shape", "slow", "drip",
    "endless", "repeated", "elsewhere", "short", "huge",
)  # fmt: skip


@dataclass
class ManagementNode:
    """One Management Node. *resources* has what it lists: resource → objects, each with an ``id``.

    ``fault`` is what goes wrong with the page ``fault_page`` of the resource ``fault_resource``; ``fault_times`` is how
    often, for a rate limit that is over at some point. ``requests`` has what was asked, in order.
    """

    resources: Mapping[str, list[dict[str, t.Any]]]
    username: str = "inventory"
    password: str = ""
    client_id: str = ""
    client_key: str = ""
    most: int = 20
    fault: str = ""
    fault_resource: str = "worker_vm"
    fault_page: int = 1
    fault_times: int = 1_000_000
    retry_after: str = "7"
    requests: list[tuple[str, str]] = field(default_factory=list)
    _assertions: set[str] = field(default_factory=set)
    _token: str = "token-of-the-stand-in"  # noqa: S105 # of nothing

    def app(self) -> web.Application:
        """Return the server's application."""
        app = web.Application()
        app.router.add_get(PREFIX + "{resource}/", self._list)
        app.router.add_post(TOKEN, self._give_token)
        return app

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        if not self._may_read(request.headers.get("Authorization", "")):
            # What was sent comes back, as in some error pages: it must not come up anywhere.
            return web.Response(status=401, text=f"{request.headers.get('Authorization')} is wrong")
        resource = request.match_info["resource"]
        if resource not in self.resources:
            return web.Response(status=404)
        objects = [{"resource_uri": f"{PREFIX}{resource}/{item['id']}/", **item} for item in self.resources[resource]]
        limit = min(self.most, int(request.query.get("limit", 20)) or self.most)
        offset = int(request.query.get("offset", 0))
        following: str | None = f"{PREFIX}{resource}/?limit={limit}&offset={offset + limit}"
        page = {
            "meta": {
                "limit": limit,
                "offset": offset,
                "total_count": len(objects),
                "next": following if offset + limit < len(objects) else None,
                "previous": None
                if offset == 0
                else f"{PREFIX}{resource}/?limit={limit}&offset={max(0, offset - limit)}",
            },
            "objects": objects[offset : offset + limit],
        }
        if (
            self.fault
            and (resource, offset // limit + 1) == (self.fault_resource, self.fault_page)
            and self.fault_times
        ):
            self.fault_times -= 1
            return await self._faulty(request, page, following)
        return web.json_response(page)

    def _may_read(self, header: str) -> bool:
        if self.client_id:
            return header == f"Bearer {self._token}"
        return header == "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    async def _faulty(self, request: web.Request, page: dict[str, t.Any], following: str | None) -> web.StreamResponse:
        simple: dict[str, web.Response] = {
            "too_many_requests": web.Response(status=429, headers={"Retry-After": self.retry_after}),
            "error": web.Response(status=500, text="Traceback"),
            "redirect": web.Response(status=302, headers={"Location": "https://elsewhere.example/"}),
            "wrong_json": web.Response(text='{"meta": ', content_type="application/json"),
            "wrong_shape": web.json_response({"objects": page["objects"]}),
            "huge": web.Response(body=b" " * (33 * 2**20)),
        }
        if self.fault in simple:
            return simple[self.fault]
        if self.fault in ("cut", "cut_chunk", "slow", "drip"):
            return await self._unfinished(request, json.dumps(page).encode())
        if self.fault == "short":
            page["meta"]["total_count"] += 1
        elif self.fault == "repeated":
            page["meta"]["next"] = request.path_qs
        elif self.fault == "elsewhere":
            page["meta"]["next"] = f"https://elsewhere.example{following}"
        elif self.fault == "endless":
            # Each page has objects that were on none.
            first = int(request.query.get("offset", 0))
            made = [{**self.resources[self.fault_resource][0], "resource_uri": f"{first + n}/"} for n in (0, 1)]
            page["objects"] = made
            self.fault_page += 1
            page["meta"]["next"] = following
        return web.json_response(page)

    async def _unfinished(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Begin an answer that is not all there, or takes for ever."""
        response = web.StreamResponse()
        if self.fault == "cut_chunk":
            response.enable_chunked_encoding()
        else:
            response.content_length = len(body)
        await response.prepare(request)
        if self.fault == "slow":
            await asyncio.Event().wait()
        if self.fault == "drip":
            for number in range(len(body)):
                await response.write(body[number : number + 1])
                await asyncio.sleep(0.05)
        await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.close()
        return response

    async def _give_token(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path_qs))
        form = {key: str(value) for key, value in (await request.post()).items()}
        wanted = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "scope": "is_admin use_api",
        }
        claims = self._claims(form.pop("client_assertion", ""))
        url = f"https://{request.host}{TOKEN}"
        if form != wanted or claims is None or claims["aud"] != url or claims["jti"] in self._assertions:
            return web.Response(status=400, text=f"invalid_client {claims}")
        if {claims["iss"], claims["sub"]} != {self.client_id} or not 0 < claims["exp"] - claims["iat"] <= 3600:
            return web.Response(status=400, text=f"invalid_client {claims}")
        self._assertions.add(claims["jti"])
        return web.json_response({"access_token": self._token, "token_type": "Bearer", "expires_in": 3600})

    def _claims(self, assertion: str) -> dict[str, t.Any] | None:
        """Return what a JSON Web Token claims, where the client's key signed it with ES256."""
        try:
            header, claims, signature = (_unpacked(part) for part in assertion.split("."))
            key = serialization.load_pem_public_key(self.client_key.encode())
            assert isinstance(key, ec.EllipticCurvePublicKey)
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            signed = assertion.rpartition(".")[0].encode()
            key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        except (ValueError, InvalidSignature):
            return None
        return t.cast("dict[str, t.Any]", json.loads(claims)) if json.loads(header)["alg"] == "ES256" else None


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
