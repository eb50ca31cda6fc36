"""How many examples a property test draws that takes long for each: few in `make test`, ten times as many every night."""

from __future__ import annotations

import os


def examples(few: int) -> int:
    """`.ci/slow` asks for many."""
    return few * 10 if os.environ.get("TEST_EXAMPLES") == "many" else few
