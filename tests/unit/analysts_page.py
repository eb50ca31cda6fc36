"""The examples of docs/analysts.md, by the tool that they are for."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "analysts.md"


def examples(tool: str) -> str:
    """All of a tool's examples as one program: later ones use what earlier ones have opened."""
    return "\n".join(re.findall(rf"^```python {tool}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S))
