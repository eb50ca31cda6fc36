"""When what stands is written again, and under which revision: raised when a number changed (definitions.md section 9)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from metrics_lake.serve.sums import Row


def revision_of(
    new: Row, old: Row | None, *, stamps: Sequence[str], not_numbers: Sequence[str], last: int = 0
) -> int | None:
    """The revision to write `new` under: 1 for the first, None where nothing changed, one more where a number did.

    `stamps` are what `new` lacks as yet; `not_numbers` may change, beside those, under the revision that stands. `last` is
    that of one that was removed from there.
    """
    if old is None:
        return last + 1
    plain = json.loads(json.dumps(new))
    if _without(old, stamps) == plain:
        return None
    apart = (*stamps, *not_numbers)
    return int(old["revision"]) + (0 if _without(old, apart) == _without(plain, apart) else 1)


def _without(value: Any, names: Sequence[str]) -> Any:
    """The same without the members of these names, at any depth: entries of a list have a status too."""
    if isinstance(value, dict):
        return {name: _without(member, names) for name, member in value.items() if name not in names}
    return [_without(member, names) for member in value] if isinstance(value, list) else value
