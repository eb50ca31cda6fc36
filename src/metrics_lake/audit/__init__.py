"""The proof of privacy: searches every byte that the system wrote for the addresses that came in, and for keys.

    report = search([Path("data/lake"), Path("data/rollups")], needles(landing.addresses(Path("data/landing/haproxy"))))

Pure: no Spark, no settings, no environment. docs/privacy.md says what is searched for, and what can't be told.
"""

from metrics_lake.audit import landing
from metrics_lake.audit.material import epochs_between, key_material
from metrics_lake.audit.needles import Needles, needles
from metrics_lake.audit.report import Finding, Report
from metrics_lake.audit.searching import search

__all__ = ["Finding", "Needles", "Report", "epochs_between", "key_material", "landing", "needles", "search"]
