"""Reads and checks settings from files and options; an error names its place and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class SettingsError(Exception):
    """Something in the settings is wrong; the message names file, place and remedy."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which the same key twice is an error: two streams with one name must not become one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                mark = key.start_mark
                raise SettingsError(f"{mark.name}, line {mark.line + 1}: {key.value!r} stands twice; rename one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file that holds one mapping; an empty file is an empty mapping."""
    try:
        with file.open(encoding="utf-8") as text:
            values = yaml.load(text, _UniqueKeys)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise SettingsError(f"{file}, line {line}: not YAML: {error.problem}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: can't be read: {error}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise SettingsError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values or {}, dict):
        raise SettingsError(f"{file}: expected keys and values, found {type(values).__name__}")
    return values or {}


def override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError(f"--set {text!r}: write KEY=VALUE, with dots between levels: --set sessions.gap_seconds=30")
    try:
        nested: Any = yaml.safe_load(value) if value else ""
    except (yaml.YAMLError, ValueError):
        raise SettingsError(f"--set {text!r}: the value is not YAML; put it in quotes") from None
    for level in reversed(key.split(".")):
        nested = {level: nested}
    return dict(nested)


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def checked(model: type[BaseModel], values: Any, where: str, *, partial: bool = False) -> dict[str, Any]:
    """The values, if each key is one the model knows; the error names the nearest known key."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        for problem in _worst_first(error):
            if not (partial and problem["type"] == "missing"):
                raise SettingsError(f"{where}: {_explain(problem, model)}") from None
    return dict(values)


def validated(model: type[M], values: dict[str, Any], where: str) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{where}: {_explain(_worst_first(error)[0], model)}") from None


def _worst_first(error: ValidationError) -> list[Any]:
    """The problems, unknown keys first: a misspelt key is also reported as a missing one."""
    return sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")


def _explain(problem: Any, model: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] != "extra_forbidden":
        return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
    key = str(problem["loc"][-1])
    near = difflib.get_close_matches(key, list(_keys(model)), n=1, cutoff=0.0)
    return f"unknown key {place!r}; the nearest known one is {near[0]!r}" if near else f"unknown key {place!r}"


def _keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key below a model, to suggest the nearest one for a misspelt key."""
    for name, field in model.model_fields.items():
        yield name
        for part in _models(field.annotation):
            yield from _keys(part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models(inner)
