"""What a bench found, as a table and a few sentences."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

STEPS = ("ingest", "refine", "compute", "publish")
_TIMES_DUCKDB = {1_000_000: 4.0, 10_000_000: 2.0}  # at most so many times DuckDB's seconds, start-up apart
_NOTHING_NEW_SECONDS = 10.0


def tell(result: dict[str, Any], console: Console) -> None:
    machine, sides = result["machine"], result["sides"]
    load = ", ".join(f"{number:.2f}" for number in machine["load_1_5_15"])
    console.print(
        f"{result['lines']:,} lines · {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB · "
        f"load at the start {load}, at the end {machine['load_1_5_15_at_the_end'][0]:.2f}"
    )
    console.print(_table(result["lines"], sides))
    for sentence in (*_ratios(result["lines"], sides), *_facts(sides)):
        console.print(sentence)
    for what, verdict in result["checks"].items():
        console.print(f"{what}: {verdict}")


def _table(lines: int, sides: dict[str, Any]) -> Table:
    table = Table("step", *(f"{side}\n{unit}" for side in sides for unit in ("s", "CPU s", "lines/s")))
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("start-up", *(cell for side in sides.values() for cell in (f"{side['startup_seconds']:.1f}", "", "")))
    for step in STEPS:
        cells = (_cells(lines, side["steps"].get(step), side["steps_cpu"].get(step)) for side in sides.values())
        table.add_row(step, *(cell for three in cells for cell in three))
    table.add_section()
    for name, prefix in (("all steps", "steps_"), ("whole process", "")):
        cells = (_cells(lines, side[f"{prefix}seconds"], side[f"{prefix}cpu_seconds"]) for side in sides.values())
        table.add_row(name, *(cell for three in cells for cell in three))
    peaks = (f"{side['peak_bytes'] / 2**20:,.0f}" for side in sides.values())
    table.add_row("peak RSS, MiB", *(cell for peak in peaks for cell in (peak, "", "")))
    return table


def _cells(lines: int, seconds: float | None, cpu_seconds: float | None) -> tuple[str, str, str]:
    return (f"{seconds:.1f}", f"{cpu_seconds or 0:.1f}", f"{lines / seconds:,.0f}") if seconds else ("", "", "")


def _ratios(lines: int, sides: dict[str, Any]) -> list[str]:
    """Ours by each other side's seconds, both ways; with the aim where there is one."""
    if "ours" not in sides:
        return []
    mine, sentences = sides["ours"], []
    for name in ("duckdb", "goaccess"):
        if name in sides:
            apart = mine["steps_seconds"] / sides[name]["steps_seconds"]
            whole, cpu = (mine[key] / sides[name][key] for key in ("seconds", "steps_cpu_seconds"))
            most = _most(lines) if name == "duckdb" else 1.0
            aim = f"; aim: ≤ {most:g}, {'met' if apart <= most else 'missed'}" if most else ""
            sentences.append(
                f"ours / {name}: {apart:.2f} start-up apart{aim} · {whole:.2f} whole process · {cpu:.2f} CPU"
            )
    nothing = mine["run_with_nothing_new_seconds"]
    verdict = "met" if nothing <= _NOTHING_NEW_SECONDS else "missed"
    return [*sentences, f"run with nothing new: {nothing:.2f} s in all; aim: ≤ {_NOTHING_NEW_SECONDS:g} s, {verdict}"]


def _most(lines: int) -> float | None:
    return next((most for size, most in _TIMES_DUCKDB.items() if 0.9 < lines / size < 1.1), None)


def _facts(sides: dict[str, Any]) -> list[str]:
    general = sides.get("goaccess", {}).get("facts")
    if not general:
        return []
    share = general["failed_requests"] / general["total_requests"]
    return [f"goaccess could not read {share:.1%} of the lines (addresses of IPv6): those it passes over quickly"]
