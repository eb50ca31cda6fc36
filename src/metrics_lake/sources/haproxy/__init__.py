"""HAProxy's logs, in front of live audio: from the bytes of a file to rows of `bronze.haproxy`.

Every line of a file ends in exactly one of four accounts: accepted (a request of a stream), reject (can't be
read), unclaimed (no stream claims it) or skipped (a notice, a double, a blank line).
"""

from __future__ import annotations

from metrics_lake.model.tables import Source
from metrics_lake.sources.haproxy.reading import parse

SOURCE = Source("haproxy", folder="haproxy", parse=parse)
