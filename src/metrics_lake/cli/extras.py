"""Which packages a command needs beyond the light installation, and the line that says so where they are missing."""

from __future__ import annotations

from collections.abc import Sequence

# The modules that each extra of pyproject.toml brings.
MODULES: dict[str, tuple[str, ...]] = {
    "lake": (
        "deltalake", "pyarrow", "polars_hash", "isal", "ua_parser", "crawleruseragents", "maxminddb", "requests", "jwt",
    ),
    "spark": ("pyspark", "py4j", "delta", "pandas"),
    "azure": ("azure",),
    "google": ("google", "requests"),
}  # fmt: skip
# The extras of each command; a command that isn't here needs none. What the settings ask for (Azure) comes on top.
NEEDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("demo",): ("lake", "spark"),
    ("look",): ("lake",),
    ("tenants", "check"): ("lake",),
    ("run",): ("lake", "spark"),
    ("ingest",): ("lake", "spark"),
    ("refine",): ("lake", "spark"),
    ("compute",): ("lake", "spark"),
    ("publish",): ("lake", "spark"),
    ("backfill",): ("lake", "spark"),
    ("rebuild",): ("lake", "spark"),
    ("upkeep",): ("lake", "spark"),
    ("show",): ("lake",),
    ("doctor",): ("lake",),
    ("erase", "listener"): ("lake", "spark"),
    ("erase", "tenant"): ("lake", "spark"),
    ("audit", "completeness"): ("lake",),
    ("audit", "privacy"): ("lake",),
    ("formats", "detect"): ("lake",),
    ("formats", "check"): ("lake",),
    ("fetch", "app-store"): ("lake",),
    ("fetch", "places"): ("lake",),
    ("fetch", "google-play"): ("google",),
}
# Of two extras that bring a module, the first is named.
_EXTRA_OF = {module: extra for extra, modules in reversed(MODULES.items()) for module in modules}


def advice(error: BaseException, arguments: Sequence[str]) -> str | None:
    """What to install, where a package of an extra is missing; None where something else is wrong."""
    missing = _missing(error)
    if missing is None:
        return None
    command = next((words for words in NEEDS if tuple(arguments[: len(words)]) == words), tuple(arguments[:1]))
    wanted = {*NEEDS.get(command, ()), missing}
    listed = ",".join(extra for extra in MODULES if extra in wanted)
    return f"metrics-lake {' '.join(command)} needs more packages: pip install 'metrics-lake[{listed}]'"


def _missing(error: BaseException | None) -> str | None:
    """The extra of the module that could not be imported, where that is the error or its cause."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:  # Polars raises some that are their own cause
        if isinstance(error, ModuleNotFoundError) and (extra := _EXTRA_OF.get((error.name or "").partition(".")[0])):
            return extra
        seen.append(error)
        error = error.__cause__
    return None
