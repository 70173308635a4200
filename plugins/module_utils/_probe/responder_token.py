# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe says to a responder, and what that answers: as many bytes, so that nobody can be flooded by it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

LENGTH = 32


def new_token() -> str:
    """Return a token that nobody guesses while a responder lives."""
    return secrets.token_hex(LENGTH // 2)


def reply_to(token: str) -> bytes:
    """Return what only somebody who knows *token* answers, and what no echo does."""
    return hashlib.sha256(b"pexip_sfb responder " + token.encode("ascii")).hexdigest()[:LENGTH].encode("ascii")


def is_token(data: bytes, token: str) -> bool:
    """Tell whether *data* is the token and nothing else."""
    return hmac.compare_digest(data, token.encode("ascii"))
