"""The accounts under which the app stores' reports are fetched; their keys are none of the settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from metrics_lake.config.paths import LocalPath
from metrics_lake.config.tenants import Number, Strict


class AppStore(Strict):
    vendor: Annotated[Number, Field(pattern=r"^\d*$")] = ""
    issuer_id: str = ""
    key_id: str = ""
    key_file: LocalPath = "data/app_store.p8"
    days: Annotated[int, Field(ge=1, le=365)] = 14
    url: str = "https://api.appstoreconnect.apple.com"


class GooglePlay(Strict):
    bucket: str = ""
    key_file: LocalPath = "data/google_play.json"
    months: Annotated[int, Field(ge=1)] = 2
    dimensions: tuple[Literal["overview", "country", "device"], ...] = ("overview", "country", "device")
    url: str = ""  # of an emulator, which wants no key
