# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a client of the Management API says who it is: with a password, or with an OAuth2 token for a signed assertion.

The assertion is that of RFC 7523 with ES256 (RFC 7518, 3.4). Its claims, and the scope, are those that public clients
of the Management API send: the issuer and subject are the client, and the audience is the address of the token.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import urlencode

from .._values.errors import PortMatrixError
from .client import Send, as_json

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPE = "is_admin use_api"
_SECONDS = 300
_KEY_ACCEPTED = "an unencrypted EC private key on P-256, as PEM text"


def basic(username: str, password: str) -> str:
    """Return the header for HTTP Basic."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def bearer(send: Send, base: str, client_id: str, private_key: str, now: float, identity: str) -> str:
    """Get a token, and return the header for it. *identity* makes this assertion different from all others.

    :raises PortMatrixError: if the key is none, or the Management Node gives no token. No message shows either.
    """
    url = f"{base}/oauth/token/"
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": url,
        "iat": int(now),
        "exp": int(now) + _SECONDS,
        "jti": identity,
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": _ASSERTION,
        "client_assertion": signed(claims, private_key),
        "scope": _SCOPE,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = send("POST", url, headers, urlencode(form).encode())
    if answer.status != 200:
        raise PortMatrixError.at(
            url,
            f"the answer is {answer.status}, and no token",
            "a client_id and its private_key, on a Management Node with OAuth2 switched on",
        )
    token = as_json(answer, url).get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise PortMatrixError.at(url, "the answer has no access_token")
    return f"Bearer {token}"


def signed(claims: Mapping[str, object], private_key: str) -> str:
    """Return *claims* as a JSON Web Token, signed with ES256.

    :raises PortMatrixError: if the key is none for that, or the library cryptography is missing.
    """
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, utils
    except ImportError:
        raise PortMatrixError.at(
            "private_key", "the Python library cryptography is missing on the controller"
        ) from None
    try:
        key = serialization.load_pem_private_key(private_key.encode(), password=None)
    except Exception:  # it has a dozen reasons, with types of its own, and each may quote what it read
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise PortMatrixError.at("private_key", "is not a key for ES256", _KEY_ACCEPTED)
    text = b".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "ES256", "typ": "JWT"}, claims))
    r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return b".".join((text, _base64(r.to_bytes(32, "big") + s.to_bytes(32, "big")))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
