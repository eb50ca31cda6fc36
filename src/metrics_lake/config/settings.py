"""`conf/`, `--set` and the environment's choice of a folder become one frozen Settings.

Order, later wins: the defaults below (which `conf/base.yaml` repeats with comments), `base.yaml`, `<env>.yaml`,
`--set KEY=VALUE`. Secrets are none of them (secrets.py).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from metrics_lake.config import secrets, storage_urls
from metrics_lake.config.loading import SettingsError as SettingsError  # noqa: PLC0414 (others take it from here)
from metrics_lake.config.loading import checked, merge, override, read_yaml, validated
from metrics_lake.config.paths import FILE_PATH, LocalPath, anchored, home_of
from metrics_lake.config.places import Places
from metrics_lake.config.store_accounts import AppStore, GooglePlay
from metrics_lake.config.tenants import Strict, Tenant, Tenants, Zone, network

UNIX = "unix"  # in the place of an address: the connection came over a socket of the machine
LENGTH_EDGES = (0, 1, 2, 3, 4, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 900, 1080)


Place = Annotated[str, FILE_PATH, AfterValidator(storage_urls.checked)]


class Storage(Strict):
    landing: Place = "data/landing"
    lake: Place = "data/lake"
    rollups: Place = "data/rollups"


def _endpoint(text: str) -> str:
    if text and not re.fullmatch(r"https://[\w.-]+(:\d+)?/?|http://(127\.0\.0\.1|localhost)(:\d+)?/?", text):
        raise ValueError(
            "no endpoint; write it as https://ACCOUNT.documents.azure.com:443/ (its key has no place here)"
        )
    return text


class Documents(Strict):
    store: Literal["sqlite", "cosmos"] = "sqlite"
    path: LocalPath = "data/documents.db"
    endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    database: str = "metrics"


class Privacy(Strict):
    key_rotation: Literal["never", "yearly", "monthly", "daily"] = "never"
    identity: Literal["ip_user_agent", "ip"] = "ip_user_agent"
    minimum_group: Annotated[int, Field(ge=1)] = 5
    secret_file: LocalPath = "data/secret"
    keys_file: LocalPath = "data/keys"  # salts of the epochs' keys, where keys change


def _rising(edges: tuple[int, ...]) -> tuple[int, ...]:
    if not edges or edges[0] != 0 or any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
        raise ValueError("edges are whole minutes that start at 0 and rise")
    return edges


class Sessions(Strict):
    gap_seconds: Annotated[float, Field(ge=0)] = 60
    long_connection_gap_seconds: Annotated[float, Field(ge=0)] = 5
    minimum_seconds: Annotated[float, Field(ge=0)] = 0
    length_edges_minutes: Annotated[tuple[int, ...], AfterValidator(_rising)] = LENGTH_EDGES


# `lasting_id` takes the place of address and agent; `playback_id`, which changes at every load, names nobody.
Header = Literal["host", "referer", "user_agent", "x_forwarded_for", "lasting_id", "playback_id", "other"]
FormatNames = Annotated[tuple[str, ...], BeforeValidator(lambda names: [names] if isinstance(names, str) else names)]
Sample = Literal[Header, "address", "method", "uri", "sni"]


def _unix_or_network(text: str) -> str:
    """A network, or `unix` for what connects over a socket of the machine, however its path follows the @."""
    return UNIX if text.partition("@")[0] in (UNIX, "abns") else network(text)


Proxy = Annotated[str, AfterValidator(_unix_or_network)]


class Haproxy(Strict):
    timezone: Zone = "UTC"
    trusted_proxies: tuple[Proxy, ...] = ()
    captures: dict[str, tuple[Header, ...]] = {}
    formats: dict[str, FormatNames] = {}  # glob on the path below landing: built-in formats, or log-format strings
    samples: dict[str, Sample] = {}  # a sample expression of those strings: what it is
    address_mode: Literal["plain", "hashed"] = "plain"
    expected_proxies: tuple[str, ...] = ()  # whose files complete_through waits for; without names all that ever sent
    proxy_from: Literal["folder", "header"] | None = None  # what names the proxy that logged a line


class Ingest(Strict):
    batch_bytes: Annotated[int, Field(gt=0)] = 1 << 30


class Publish(Strict):
    restatement_hours: Annotated[float, Field(ge=0)] = 24
    give_up_hours: Annotated[float, Field(ge=0, le=876_000)] = 72  # at most a century
    tenants_list: bool = False  # whether tenants.json at the root of the rollups names the tenants


class Upkeep(Strict):
    vacuum_days: Annotated[int, Field(ge=1)] = 7
    landing_days: Annotated[int, Field(ge=1)] | None = None


class Spark(Strict):
    master: str = "local[*,4]"
    driver_memory: str = "3g"
    shuffle_partitions: Annotated[int, Field(ge=1)] = 2
    from_rows: Annotated[int, Field(ge=0)] = 500_000
    from_bytes: Annotated[int, Field(ge=0)] = 512 << 20
    from_documents: Annotated[int, Field(ge=0)] = 50_000
    jars: LocalPath = ".cache/jars"
    class_archive: LocalPath = (
        ".cache/classes.jsa"  # Java's classes as `make setup` keeps them; done without if it isn't there
    )
    conf: dict[str, str] = {}


Server = Literal["azurite", "cosmos", "gcs", "redis", "kafka"]


class Settings(Strict):
    """Everything a run depends on, secrets apart."""

    env: str = "local"
    conf: str = "conf"
    storage: Storage = Storage()
    documents: Documents = Documents()
    tenants: str = "tenants.yaml"
    privacy: Privacy = Privacy()
    sessions: Sessions = Sessions()
    haproxy: Haproxy = Haproxy()
    places: Places = Places()
    ingest: Ingest = Ingest()
    publish: Publish = Publish()
    upkeep: Upkeep = Upkeep()
    app_store: AppStore = AppStore()
    google_play: GooglePlay = GooglePlay()
    spark: Spark = Spark()
    stack: dict[Server, Annotated[int, Field(ge=1024, le=65535)]] = {}

    @model_validator(mode="after")
    def _deletes_no_blobs(self) -> Settings:
        if self.upkeep.landing_days and storage_urls.is_azure(self.storage.landing):
            raise ValueError(
                "upkeep.landing_days: landing is in Azure's storage: leave it null, and give the container a rule of "
                "lifecycle management"
            )
        return self

    @property
    def tenants_file(self) -> Path:
        return Path(self.conf) / self.tenants

    def secret(self, *, may_create: bool = False) -> bytes:
        """The deployment's secret; SettingsError where there is none. The environment `local` makes one if it may."""
        return secrets.deployment_secret(self.privacy.secret_file, may_create=may_create and self.env == "local")


class Rules(Strict):
    """All that decides how a landing file is read. Travels with each batch, so that a replay reads it the same way."""

    tenants: Tenants
    haproxy: Haproxy
    sessions: Sessions
    privacy: Privacy
    places: Places
    read_ms: int | None = None  # when the batch was planned, in milliseconds since 1970


def rules(settings: Settings, tenants: Tenants) -> Rules:
    return Rules(
        tenants=tenants,
        haproxy=settings.haproxy,
        sessions=settings.sessions,
        privacy=settings.privacy,
        places=settings.places.in_use,
    )


def load(conf: str | None = None, env: str | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Settings from a folder, an environment's name and `KEY=VALUE` overrides; SettingsError says what is wrong where.

    Relative paths lead where paths.py says, whatever the current folder is.
    """
    folder = Path(conf or os.environ.get("METRICS_LAKE_CONF") or "conf")
    name = env or os.environ.get("METRICS_LAKE_ENV") or "local"
    if not folder.is_dir():
        raise SettingsError(f"no settings folder {folder}; name one with --conf, or run from the project's root")
    values: dict[str, Any] = {}
    for file in (folder / "base.yaml", folder / f"{name}.yaml"):
        if file.is_file():
            merge(values, checked(Settings, read_yaml(file), file.as_posix(), partial=True))
        elif file.stem == name and name != "local":
            known = sorted(f.stem for f in folder.glob("*.yaml") if f.stem not in ("base", "tenants", "schedule"))
            raise SettingsError(f"no environment {name!r}: {file} is not there (known: {', '.join(known) or 'none'})")
    for text in overrides:
        merge(values, checked(Settings, override(text), "--set", partial=True))
    merge(values, {"env": name, "conf": str(folder)})
    settings = validated(Settings, values, str(folder))
    return settings.model_copy(update=anchored(settings, home_of(settings.conf)))


def load_tenants(settings: Settings) -> Tenants:
    """The tenants file; SettingsError names the place of whatever is wrong in it."""
    file = settings.tenants_file
    if not file.is_file():
        raise SettingsError(f"no tenants file {file}; write one (see README.md) or name it with --set tenants=FILE")
    values = read_yaml(file)
    if values and not difflib.get_close_matches("tenants", values):
        raise SettingsError(f"{file}: no key `tenants` at the top; write it there, with the tenants below it")
    return validated(Tenants, checked(Tenants, values, str(file)), str(file))


def contract(settings: Settings, tenant: Tenant, bot_rules: str) -> dict[str, object]:
    """What a tenant's numbers mean, to stand beside them (definitions.md section 9)."""
    terms: dict[str, object] = {
        "version": 1,
        "session_gap_seconds": settings.sessions.gap_seconds,
        "minimum_session_seconds": settings.sessions.minimum_seconds,
        "identity": tenant.identity or settings.privacy.identity,
        "key_rotation": settings.privacy.key_rotation,
        "timezone": tenant.timezone,
        "bot_rules": bot_rules,
    }
    return {**terms, "hash": digest(terms)}


def digest(values: object) -> str:
    """First 12 hex digits of SHA-256 over values as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:12]
