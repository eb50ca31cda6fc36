"""The identity that Azure's own tools find on this machine: asked for once, and quiet where there is none."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any


class NoIdentityError(Exception):
    """This machine has no identity that Azure accepts; the message says what to set instead."""


class Identity:
    """A credential whose refusal is final: Azure's package would ask anew at each of its retries, for half a minute."""

    def __init__(self, credential: Any, remedy: str) -> None:
        self._credential, self._remedy, self._is_refused = credential, remedy, False

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """A token. Raises NoIdentityError, from the first refusal on without asking again."""
        from azure.core.exceptions import ClientAuthenticationError

        if not self._is_refused:
            try:
                return self._credential.get_token(*scopes, **options)
            except ClientAuthenticationError:
                self._is_refused = True
        raise NoIdentityError(f"no identity of this machine or principal is accepted; {self._remedy}")


@cache
def default_credential() -> Any:
    """What Azure's package finds. It would warn in dozens of lines of what an error says in one."""
    from azure.identity import DefaultAzureCredential

    for name in ("azure", "msal"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return DefaultAzureCredential()
