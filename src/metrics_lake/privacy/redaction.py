"""What may be written of names and settings that hold an address: names with keyed marks, rules encrypted, messages without.

The marks and the seal have keys of their own, which follow from the deployment's secret.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from metrics_lake.config.secrets import read_secret
from metrics_lake.config.settings import Rules, SettingsError
from metrics_lake.privacy.salts import derived

_COLONS = r"[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*|(?:[0-9A-Fa-f]{1,4}:){4,}[0-9A-Fa-f:.]+"
_IN_TEXT = re.compile(rf"(?P<own>(?<=://)127\.0\.0\.1(?=[:/]))|[0-9]+(?:[._-][0-9]+){{3,}}|{_COLONS}")
# In names numbers count too, as decimal or hex; what is escaped may be anything, so all of it goes.
_IN_NAME = re.compile(
    rf"[^\s/]*(?:%|#|\\x|\\u)[0-9A-Fa-f]{{2}}[^\s/]*|[0-9]+(?:[^A-Za-z0-9\s/:]{{1,3}}[0-9]+){{3,}}|{_COLONS}"
    r"|(?<![0-9A-Za-z])[0-9A-Fa-f]{1,4}(?:-[0-9A-Fa-f]{0,4}){5,}|(?:[0-9A-Fa-f]{2}[:-]){3,}[0-9A-Fa-f]{2}"
    r"|0[xX][0-9A-Fa-f]{6,}|[0-9A-Fa-f]{8,}"
)
_DATE = re.compile(  # with or without a time of day; no part of a longer row of numbers, but eight digits are no part of one
    r"(?<![0-9A-Fa-f])(?:(?<![0-9][-_.])|(?=[0-9]{8}(?![0-9])))((?:19|20)[0-9]{2}[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[-_.]?[0-2][0-9](?:[-_.]?[0-5][0-9]){0,2}|[-_.][0-9])?)(?![-_.]?[0-9]|[A-Fa-f])"
)
# The name that Apple gives a report of sales: S_D_<vendor number>_<day>.
_APPLE_REPORT = re.compile(r"S_[DWMY]_[0-9]{8}_(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9](?![0-9])")
_LONGEST_NAME = 255  # of a file or folder, by every file system


class Names:
    """Names of files, folders and machines as they may be kept: what may be an address in one becomes a keyed mark.

    The same name always gets the same mark and another name another, so that what has a name is known again by it.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = name_key(secret)

    def __repr__(self) -> str:
        return "Names(…)"

    def __reduce__(self) -> str:
        raise TypeError("Names hold a key and stay in their process")

    def redact_path(self, name: str) -> str:
        """A name or path with `<address:…>` in place of whatever may be an address; dates stay."""
        return "/".join(map(self._part, name.split("/")))

    def _part(self, name: str) -> str:
        if len(name) > _LONGEST_NAME:
            return self._mark(name)
        report = _APPLE_REPORT.match(name)
        kept = report[0] if report else ""
        pieces = _DATE.split(name[len(kept) :])  # every second one is a date
        pieces[::2] = [_IN_NAME.sub(lambda match: self._mark(match[0]), piece) for piece in pieces[::2]]
        return kept + "".join(pieces)

    def _mark(self, text: str) -> str:
        raw = text.encode(errors="surrogateescape")
        return f"<address:{hmac.digest(self._key, raw, 'sha256')[:6].hex()}>"


def holds_address(name: str) -> bool:
    """Whether a part of a name may be an address, in any spelling."""
    return bool(_IN_NAME.search(name[:_LONGEST_NAME]))


def name_key(secret: bytes) -> bytes:
    """The key of the marks in names."""
    return derived(secret, "metrics_lake/name", 32)


def rules_key(secret: bytes) -> bytes:
    """The key under which rules are sealed."""
    return derived(secret, "metrics_lake/rules", 32)


def rules_mark(secret: bytes, rules: object) -> str:
    """A keyed digest of rules, 12 hex digits: whoever lacks the secret can't test a guess of what they name."""
    text = json.dumps(rules, sort_keys=True, default=str)
    return hmac.digest(derived(secret, "metrics_lake/rules_mark", 32), text.encode(), "sha256")[:6].hex()


def encrypted(rules: Rules) -> dict[str, str]:
    """Rules as they may be written: they name proxies, own networks and hosts, so only who has the secret reads them."""
    nonce = os.urandom(12)
    content = AESGCM(rules_key(read_secret(rules.privacy.secret_file))).encrypt(
        nonce, rules.model_dump_json().encode(), None
    )
    return {"secret_file": rules.privacy.secret_file, "sealed": base64.b64encode(nonce + content).decode()}


def decrypted(written: Mapping[str, str], secret: bytes | None = None) -> Rules:
    """The rules that were sealed under this secret, or that of the file that they name; SettingsError under another one."""
    content = base64.b64decode(written["sealed"])
    key = rules_key(secret or read_secret(written["secret_file"]))
    try:
        return Rules.model_validate_json(AESGCM(key).decrypt(content[:12], content[12:], None))
    except InvalidTag:
        raise SettingsError(
            "a batch that was planned under another secret can't be read: put that secret back, or delete the last file "
            "of _checkpoints/ingest_haproxy/manifest below the lake"
        ) from None


def without_addresses(text: str) -> str:
    """A message or a place for people, with whatever is written like an address left out, but URLs of this machine itself."""
    return _IN_TEXT.sub(lambda match: match["own"] or "<address>", text)
