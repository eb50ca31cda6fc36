"""Where relative paths of the settings lead, whatever folder a command is started in.

They are relative to the folder that holds the conf folder; `.cache/…`, which `make setup` fills, to the installation.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from metrics_lake.config.storage_urls import is_azure

if TYPE_CHECKING:
    from pydantic import BaseModel

CACHE = ".cache"


class FilePath:
    """Marks a setting as a path of this machine, in its annotation."""


FILE_PATH = FilePath()
LocalPath = Annotated[str, FILE_PATH]


def home_of(conf: str) -> Path:
    """The folder that holds a conf folder."""
    return Path(conf).absolute().parent


def installation() -> Path:
    """The folder with `.cache`: that of the source, else that of the virtual environment; without either the current one."""
    candidates = (Path(__file__).parents[3], Path(sys.prefix).parent)
    return next((folder for folder in candidates if (folder / CACHE).is_dir()), Path())


def installed(path: str) -> Path:
    """A path below `.cache` where it really is. Relative if the command runs in the installation's folder."""
    return Path(_below(path, installation().absolute()))


def anchored(settings: BaseModel, home: Path) -> dict[str, BaseModel]:
    """The sections of the settings that name paths, with each relative path below the folder that it is relative to."""
    paths = {name: _paths(section, home) for name, section in settings}
    return {name: getattr(settings, name).model_copy(update=changed) for name, changed in paths.items() if changed}


def _paths(section: Any, home: Path) -> dict[str, str]:
    """The paths of one section that change. What is no section has none."""
    fields = getattr(type(section), "model_fields", {})
    named = [name for name, field in fields.items() if FILE_PATH in field.metadata]
    given = {name: str(getattr(section, name)) for name in named}
    real = {name: _anchored(path, home) for name, path in given.items()}
    return {name: path for name, path in real.items() if path != given[name]}


def _anchored(path: str, home: Path) -> str:
    if not path or is_azure(path) or Path(path).is_absolute():
        return path
    return str(installed(path)) if Path(path).parts[0] == CACHE else _below(path, home)


def _below(path: str, folder: Path) -> str:
    """The path below a folder. It stays as it is in that very folder, so that messages are short there."""
    return path if Path(os.path.realpath(folder)) == Path.cwd() else str(folder / path)
