"""A landing file that can't be opened doesn't stop the search for addresses, and is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics_lake.audit import landed_addresses


def test_an_unreadable_landing_file_is_named_and_the_others_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("203.0.113.7 said hello")
    opened = Path.open

    def refuse(path: Path, *args: str) -> object:
        if path.name == "a.log":
            raise PermissionError
        return opened(path, *args)

    monkeypatch.setattr(Path, "open", refuse)
    unread: list[tuple[str, str]] = []
    assert landed_addresses.addresses(tmp_path, unread) == {"203.0.113.7"}
    assert [(Path(name).name, why) for name, why in unread] == [("a.log", "PermissionError")]
