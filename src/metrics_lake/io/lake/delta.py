"""A Delta table opened without Spark (delta-rs), in a folder or in Azure's storage, and what opens it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrics_lake.config.storage_urls import is_azure, place_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

    from metrics_lake.model.tables import Table

_PATIENCE = {"max_retries": "5", "retry_timeout": "60s", "timeout": "60s", "connect_timeout": "20s"}


def opened(place: str, *, without_files: bool = False) -> DeltaTable | None:
    """The table that lies there; None where there is none yet."""
    from deltalake import DeltaTable  # Spark starts six processes to ask a source questions, and each would load it
    from deltalake.exceptions import TableNotFoundError

    try:
        return DeltaTable(_uri(place), storage_options=options(place), without_files=without_files)
    except TableNotFoundError:
        return None


def scanned(place: str) -> pl.LazyFrame | None:
    """The table's rows, to be filtered and read by Polars; None where there is none yet.

    In Azure its files are fetched by Arrow through delta-rs, which has the secret already.
    """
    import polars as pl

    table = opened(place)
    return None if table is None else pl.scan_delta(table, use_pyarrow=is_azure(place))


def with_all_columns(rows: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """A table's rows with the columns that it has been given since they were written, as nulls."""
    import polars as pl

    from metrics_lake.model.arrow import polars_schema

    existing = set(rows.collect_schema().names())
    lacking = {name: kind for name, kind in polars_schema(table).items() if name not in existing}
    return rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in lacking.items()) if lacking else rows


def write(place: str, rows: Any, **how: Any) -> None:
    """write_deltalake, wherever the table lies."""
    from deltalake import write_deltalake

    write_deltalake(_uri(place), rows, storage_options=options(place), **how)


def options(place: str) -> dict[str, str] | None:
    """What delta-rs, and Polars with it, need to open a place; they hold a secret. None for a folder.

    An identity is shown by a token that lasts an hour or so: so each table is opened anew where it is used.
    """
    if not is_azure(place):
        return None
    from metrics_lake.io.storage.azure import opening, token

    there = place_of(place)
    kind, secret = opening(there)
    shown = {
        "key": lambda: {"azure_storage_account_key": secret},
        "sas": lambda: {"azure_storage_sas_token": secret},
        "identity": lambda: {"azure_storage_token": token()},
    }[kind]()
    account = {"azure_storage_account_name": there.account, "azure_storage_endpoint": there.account_url}
    return {**account, "azure_allow_http": str(there.is_emulator).lower(), **_PATIENCE, **shown}


def _uri(place: str) -> str:
    return place_of(place).abfs if is_azure(place) else place
