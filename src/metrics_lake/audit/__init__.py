"""The proof of privacy: searches every byte that the system wrote for landed addresses and for keys.

    terms = search_terms(landed_addresses.addresses(Path("data/landing/haproxy")))
    report = search([Path("data/lake"), Path("data/rollups")], terms)

Pure: no Spark, no settings, no environment. docs/privacy.md says what is searched for, and what can't be decided.
"""

from metrics_lake.audit import landed_addresses
from metrics_lake.audit.folder_search import search
from metrics_lake.audit.key_terms import epochs_between, key_terms
from metrics_lake.audit.report import Finding, Report
from metrics_lake.audit.search_terms import SearchTerms, search_terms

__all__ = [
    "Finding",
    "Report",
    "SearchTerms",
    "epochs_between",
    "key_terms",
    "landed_addresses",
    "search",
    "search_terms",
]
