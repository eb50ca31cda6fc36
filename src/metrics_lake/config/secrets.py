"""Keys and secrets, from the environment or from a mounted file that it names, and from nowhere else.

The error about a malformed key never shows it.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Literal

from metrics_lake.config.loading import SettingsError

SECRET, SECRET_FILE = "METRICS_LAKE_SECRET", "METRICS_LAKE_SECRET_FILE"
COSMOS_KEY = "METRICS_LAKE_COSMOS_KEY"
STORAGE = "METRICS_LAKE_STORAGE"


def deployment_secret(file: str, *, may_create: bool) -> bytes:
    """The deployment's secret, as read_secret reads it. `may_create` writes a new one to `file` if none is configured."""
    if may_create and not (os.environ.get(SECRET) or os.environ.get(SECRET_FILE)):
        _create_secret(Path(file))
    return read_secret(file)


def read_secret(file: str) -> bytes:
    """The secret from the environment, else from the file named there, else from `file`; at least 32 bytes of hex."""
    text, where = os.environ.get(SECRET), f"the environment variable {SECRET}"
    if not text:
        path = Path(os.environ.get(SECRET_FILE) or file)
        where = f"the file {path}"
        if not path.is_file():
            raise SettingsError(
                f"no secret: {where} is not there and {SECRET} is not set; put 32 random bytes as hex into "
                f"{SECRET} or into a file named by {SECRET_FILE} (for example: openssl rand -hex 32)"
            )
        text = _text(path)
    return _checked_secret(text.strip(), where)


def unreadable_secret_file(file: str) -> Path | None:
    """The file from which the secret would be read, where it is there and this user may not read it."""
    path = Path(os.environ.get(SECRET_FILE) or file)
    return path if not os.environ.get(SECRET) and path.exists() and not os.access(path, os.R_OK) else None


def store_key(store: Literal["APP_STORE", "GOOGLE_PLAY"], file: str) -> str:
    """The key to a store's reports: from METRICS_LAKE_<store>_KEY, else a file that …_KEY_FILE or the settings name."""
    name = f"METRICS_LAKE_{store}_KEY"
    text = _key(name, file)
    if text is None:
        raise SettingsError(f"no key: the settings name no key_file; name one there or with {name}_FILE")
    return text


def cosmos_key() -> str | None:
    """Cosmos DB's key from METRICS_LAKE_COSMOS_KEY or the file that …_FILE names; None leaves it to a managed identity."""
    text = (_key(COSMOS_KEY) or "").strip()
    try:
        is_key = not text or len(base64.b64decode(text, validate=True)) >= 32
    except ValueError:
        is_key = False
    if not is_key:
        raise SettingsError(
            f"the key in {COSMOS_KEY}, or the file that {COSMOS_KEY}_FILE names, is none of Cosmos DB: copy the account's "
            "primary key, and nothing else"
        )
    return text or None


def storage_secret() -> tuple[Literal["key", "sas", "identity"], str]:
    """What opens Azure's storage: the account's key or a SAS, from METRICS_LAKE_STORAGE_KEY or _SAS or the file that
    …_FILE names; without either an identity, which azure-identity finds by itself.
    """
    if key := (_key(f"{STORAGE}_KEY") or "").strip():
        if not re.fullmatch(r"[A-Za-z0-9+/]{40,}={0,2}", key):
            raise SettingsError(
                f"the key in {STORAGE}_KEY, or the file that {STORAGE}_KEY_FILE names, is none of a storage account: copy "
                "one of the account's access keys, and nothing else"
            )
        return "key", key
    if sas := (_key(f"{STORAGE}_SAS") or "").strip().lstrip("?"):
        if "sig=" not in sas or "://" in sas:
            raise SettingsError(
                f"the text in {STORAGE}_SAS, or the file that {STORAGE}_SAS_FILE names, is no SAS: copy the token alone, "
                "which has sig= in it, without the address before it"
            )
        return "sas", sas
    return "identity", ""


def azure_identity() -> dict[str, str]:
    """What Azure's own variables say of an identity, by name: TENANT_ID, CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN_FILE
    and AUTHORITY_HOST; those that aren't set are left out.
    """
    names = ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "FEDERATED_TOKEN_FILE", "AUTHORITY_HOST")
    return {name: text for name in names if (text := os.environ.get(f"AZURE_{name}"))}


def _key(name: str, file: str = "") -> str | None:
    """A key from the environment, else the file that its …_FILE names, else `file`; None where neither is named."""
    if text := os.environ.get(name):
        return text
    named = os.environ.get(f"{name}_FILE") or file
    if named and not Path(named).is_file():
        raise SettingsError(
            f"no key: the file {named} is not there; put the key into it, or name its file with {name}_FILE"
        )
    return _text(Path(named)) if named else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except PermissionError:
        raise SettingsError(f"the file {path} can't be read by this user: check its owner and mode") from None


def _checked_secret(text: str, where: str) -> bytes:
    remedy = "make one with: openssl rand -hex 32"
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        raise SettingsError(f"the secret in {where} is not hex; {remedy}") from None
    if len(secret) < 32:
        raise SettingsError(f"the secret in {where} has {len(secret)} bytes, fewer than 32; {remedy}")
    if len(set(secret)) == 1:
        raise SettingsError(f"the secret in {where} is one byte repeated; {remedy}")
    return secret


def _create_secret(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(os.urandom(32).hex() + "\n")
