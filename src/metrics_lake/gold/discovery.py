"""The metrics that there are: every module of this folder that declares one, in the order of their names."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from metrics_lake import gold
from metrics_lake.model.metrics import Grain, Metric
from metrics_lake.model.tables import Table


@cache
def modules() -> tuple[ModuleType, ...]:
    """The modules that declare a metric."""
    every = (import_module(f"{gold.__name__}.{module.name}") for module in iter_modules(gold.__path__))
    return tuple(module for module in every if hasattr(module, "METRIC"))


def of_grain(grain: Grain) -> tuple[Metric, ...]:
    """The metrics of a grain."""
    return tuple(module.METRIC for module in modules() if module.METRIC.grain == grain)


def tables(*grains: Grain) -> tuple[Table, ...]:
    """The tables of the metrics of these grains."""
    return tuple(metric.table for grain in grains for metric in of_grain(grain))
