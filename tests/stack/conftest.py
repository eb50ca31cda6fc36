"""Servers that several of these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.azurite import Azurite, azurite


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running
