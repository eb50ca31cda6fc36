"""App Store Connect's daily sales reports (Summary): a row for each product, country, device and kind of transaction.

Apple adds columns over the years, so columns are read by name. Negative units are refunds and stay in the sum, as in
Apple's own totals. An unknown code becomes `other`. See docs/store-reports.md.
"""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from metrics_lake.sources.landed_file import UnreadableFile
from metrics_lake.sources.stores.raw_table import (
    TOO_WIDE,
    RawTable,
    ReportRows,
    country,
    day,
    is_absent,
    is_no_country,
    is_no_device,
    number,
    require,
    split_rejects,
)

FOLDER, STORE = "app_store", "apple"
ANOTHER_DAY = "another_day"
DOWNLOAD, REDOWNLOAD, UPDATE, BUNDLE, IN_APP, OTHER = "download", "redownload", "update", "bundle", "in_app", "other"
_CODES = {
    DOWNLOAD: ("1", "1F", "1T", "F1", "1E", "1EP", "1EU"),
    REDOWNLOAD: ("3", "3F", "3T", "5"),  # 5 in reports of 2009
    UPDATE: ("7", "7F", "7T", "F7"),
    BUNDLE: ("1-B", "F1-B"),
    IN_APP: ("IA1", "IA1-M", "IA3", "IA9", "IA9-M", "IAY", "IAY-M", "IAC", "FI1"),
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}
_CODE, _UNITS, _BEGIN, _END, _APP, _COUNTRY = (
    "product type identifier", "units", "begin date", "end date", "apple identifier", "country code",
)  # fmt: skip
COLUMNS = frozenset((  # all known columns of the reports, used or not
    "provider", "provider country", "sku", "developer", "title", "version", _CODE, _UNITS, "developer proceeds", _BEGIN, _END,
    "customer currency", _COUNTRY, "currency of proceeds", _APP, "customer price", "promo code", "parent identifier",
    "subscription", "period", "category", "cmb", "device", "supported platforms", "proceeds reason", "preserved pricing",
    "client", "order type",
))  # fmt: skip
_DAYS = ("%m/%d/%Y", "%Y-%m-%d")
_NAMED = re.compile(r"(?:^|_)(\d{4,12})_(\d{8})(?!\d)")
NOT_SALES = r"(?:^|[/ _])(?:[A-RT-Z]|[A-Z]{2,4})_[DWMY]_[^/]*$"  # Newsstand (N_D_), subscriptions (SUB_D_) and others


def read(table: RawTable, path: str) -> ReportRows:
    """The rows of a report; `path` has the vendor and the day, as in Apple's own names (`S_D_<vendor>_<day>`)."""
    if re.search(NOT_SALES, path):
        raise UnreadableFile("not_a_sales_report")  # it has the same units again, in another form
    require(table, (_CODE, _UNITS, _BEGIN, _APP, _COUNTRY))
    named_on = vendor_and_day(path)[1]
    frame = table.frame.with_columns(
        downloaded_on=day(_BEGIN, *_DAYS),
        last_on=day(_END, *_DAYS) if _END in table.names else day(_BEGIN, *_DAYS),
        amount=number(_UNITS),
    )
    has_device = "device" in table.names
    app = pl.when(~pl.col(TOO_WIDE) & pl.col(_APP).str.contains(r"^\d{1,19}$")).then(pl.col(_APP))
    accepted, rejects = split_rejects(frame, _reason(named_on, has_device=has_device), app=app)
    if accepted["downloaded_on"].n_unique() > 1:
        raise UnreadableFile("several_days")
    code = pl.col(_CODE).str.to_uppercase()
    rows = accepted.select(
        "row_number",
        "downloaded_on",
        app=pl.col(_APP),
        country=country(_COUNTRY),
        device=pl.col("device") if has_device else pl.lit(None, pl.String),
        product_type=pl.col(_CODE),
        product_kind=code.replace_strict(_KINDS, default=OTHER, return_dtype=pl.String),
        units=pl.col("amount"),
    )
    days: list[date] = rows["downloaded_on"].to_list()
    return ReportRows(rows, rejects, table.blank_count, named_on or (days[0] if days else None))


def _reason(named_on: date | None, *, has_device: bool) -> pl.Expr:
    """Why a row is rejected; null if it isn't."""
    is_of_another_day = pl.col("downloaded_on") != pl.lit(named_on)
    return (
        pl.when(pl.any_horizontal(is_absent(name) for name in (_CODE, _UNITS, _BEGIN, _APP)))
        .then(pl.lit("incomplete_row"))
        .when(pl.col("amount").is_null())
        .then(pl.lit("units_no_number"))
        .when(pl.col("downloaded_on").is_null())
        .then(pl.lit("no_day"))
        .when(pl.col("last_on") > pl.col("downloaded_on"))
        .then(pl.lit("not_daily"))
        .when(is_of_another_day.fill_null(False) if named_on else pl.lit(False))
        .then(pl.lit(ANOTHER_DAY))
        .when(is_no_country(_COUNTRY))
        .then(pl.lit("no_country"))
        .when(is_no_device("device") if has_device else pl.lit(False))
        .then(pl.lit("no_device"))
    )


def vendor_and_day(path: str) -> tuple[str | None, date | None]:
    """The vendor and the day in the name of a report."""
    match = _NAMED.search(path.rpartition("/")[2])
    if not match:
        return None, None
    try:
        return match[1], date(int(match[2][:4]), int(match[2][4:6]), int(match[2][6:]))
    except ValueError:
        return match[1], None
