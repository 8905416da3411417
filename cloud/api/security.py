"""One bearer token, from a file. There is no default, and a wrong one leaves an audit row."""

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloud.storage.audit import AuditTrail
from vpp_core.faults import ConfigurationFault

TOKEN_CHARACTERS_MIN = 16

_bearer = HTTPBearer(auto_error=False, description="The token in the operator's token file.")


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        ConfigurationFault: no such file, or too little in it to be a secret.
    """
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"the token file {path} cannot be read ({error}); create it") from error
    if len(token) < TOKEN_CHARACTERS_MIN or any(character.isspace() for character in token):
        raise ConfigurationFault(
            f"the token in {path} must be one word of at least {TOKEN_CHARACTERS_MIN} characters; "
            "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return token


def require_token(token: str, audit: AuditTrail) -> Callable[..., Awaitable[None]]:
    """A dependency that lets nobody pass without the token; compared in constant time."""
    expected = token.encode()

    async def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> None:
        given = credentials.credentials.encode() if credentials else b""
        if hmac.compare_digest(given, expected):
            return
        client = request.client.host if request.client else "unknown"
        reason = "a wrong token" if credentials else "no token"
        audit.record("unauthorized", client, f"{reason} for {request.method} {request.url.path}")
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED,
            "give the operator's token as: Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )

    return check
