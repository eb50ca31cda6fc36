"""`tenants.json` at the root of the rollups names the tenants that are published, where `publish.tenants_list` asks for it.

It is off by default: who may read the root then learns of every tenant.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from metrics_lake.config.tenants import Tenants
from metrics_lake.io.storage.blobs import Blobs

PLACE = "tenants.json"


def write(blobs: Blobs, tenants: Tenants, published: Collection[str], *, is_wanted: bool) -> None:
    """Writes the list if it differs, `[{"tenant": …, "name": …}]` in the order of tenants.yaml; removes it if it isn't wanted."""
    old = blobs.read(PLACE)
    if not is_wanted:
        if old is not None:
            blobs.delete(PLACE)
        return
    listed = [{"tenant": key, "name": tenant.name} for key, tenant in tenants.tenants.items() if key in published]
    new = f"{json.dumps(listed, ensure_ascii=False)}\n".encode()
    if new != old:
        blobs.write(PLACE, new)
