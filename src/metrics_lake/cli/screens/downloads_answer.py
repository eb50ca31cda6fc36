"""`downloads`: the total of a range, its buckets as a table with bars, and the days that are unknown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

import polars as pl
from rich.console import Console
from rich.text import Text

from metrics_lake.cli import options
from metrics_lake.cli.output.layout import Column, bar, from_rows, table
from metrics_lake.cli.output.table_output import plain, write
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.serve.downloads import CONTAINER, FIGURES, Answer, answer, ids_between
from metrics_lake.serve.sums import Row

_HEADS = ("downloads", "again", "updates", "uninstalls", "devices")


def ask(settings: Settings, tenant: str, first_on: date, last_on: date, by: str) -> Answer:
    """Answers from the documents. Raises a usage error if there is no such tenant, SettingsError if it has no app."""
    apps = options.tenant_of(settings, tenant).apps
    if not apps:
        raise SettingsError(f"{tenant} has no apps in {settings.tenants_file}; add them under tenants.{tenant}.apps")
    store = open_document_store(settings)
    days = first_on.isoformat(), last_on.isoformat()
    documents = [d for app in apps for d in store.between(CONTAINER, tenant, *ids_between(app.store, app.id, *days))]
    return answer(tenant, apps, documents, first_on, last_on, by)


def write_answer(reply: Answer, format_: str, console: Console) -> None:
    if format_ == "json":
        sys.stdout.write(json.dumps(asdict(reply), default=plain, indent=1) + "\n")
    elif format_ == "csv":
        name = "start" if reply.by == "day" else "value"
        rows = [{name: bucket[name], **{figure: bucket[figure] for figure in FIGURES}} for bucket in reply.buckets]
        schema = {name: pl.String, **dict.fromkeys(FIGURES, pl.Int64)}
        write(pl.DataFrame(rows, schema=schema, orient="row"), "csv", console)
    elif all(number is None for number in reply.total.values()):
        console.print(
            f"no store has reported of {reply.tenant} from {reply.first_on} to {reply.last_on}: unknown, not zero"
        )
    else:
        heading = f"  {reply.first_on} to {reply.last_on}, days as the stores count them"
        console.print(Text.assemble((reply.tenant, "bold"), heading))
        console.print(" · ".join(_total_words(reply.total)))
        console.print(table(_columns(reply, console.width), console.width))
        for app, days in reply.unknown.items():
            console.print(f"not reported yet, so unknown and not zero: {app}: {_spans(days)}")
        for line in _cautions(reply):
            console.print(line)


def _cautions(reply: Answer) -> Iterable[str]:
    """What a reader has to know of the figures: days that lack a row, and ranges that mix two columns of a store."""
    for app, days in reply.partial.items():
        yield f"in part, as a row of the store's report can't be read: {app}: {_spans(days)}"
    for app, runs in reply.downloads_from.items():
        if len({run["from"] for run in runs}) > 1:
            columns = ", ".join(f"{run['from']} {run['first_on']} to {run['last_on']}" for run in runs)
            yield f"downloads are counted in two ways in this range: {app}: {columns}"


def _total_words(total: Row) -> Iterable[str]:
    heads = ("downloads", "downloads again", "updates", "uninstalls", "active devices")
    return (f"{total[name]:,} {head}" for name, head in zip(FIGURES, heads, strict=True) if total[name] is not None)


def _columns(reply: Answer, width: int) -> list[Column]:
    """The buckets as rows, with a bar for the downloads. Unknown downloads have no bar."""
    most = max((bucket["downloads"] or 0 for bucket in reply.buckets), default=0)
    room = max(6, min(40, width - 76))
    rows = [
        (
            f"{bucket['start' if reply.by == 'day' else 'value']}{', in part' if _is_partial(bucket) else ''}",
            *("unknown" if bucket[name] is None else f"{bucket[name]:,}" for name in FIGURES),
            bar(bucket["downloads"] or 0, most, room),
        )
        for bucket in reply.buckets
    ]
    return from_rows((reply.by, *_HEADS, ""), rows, (*_HEADS[1:], ""))


def _is_partial(bucket: Row) -> bool:
    return bool(bucket.get("unknown")) and bucket["downloads"] is not None


def _spans(days: Iterable[str]) -> str:
    """Days that follow each other as one span: `2001-01-15 to 2001-01-17, 2001-01-20`."""
    spans: list[list[date]] = []
    for on in map(date.fromisoformat, days):
        if spans and (on - spans[-1][-1]).days == 1:
            spans[-1].append(on)
        else:
            spans.append([on])
    return ", ".join(f"{span[0]} to {span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)
