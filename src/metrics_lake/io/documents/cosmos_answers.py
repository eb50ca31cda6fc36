"""What refusals of Cosmos DB mean: how long to wait, and what a person should do."""

from __future__ import annotations

import random

from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

BUSY = (408, 410, 429, 449, 500, 502, 503, 504)  # 410: a partition is split
TRIES = 6
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 30.0
_RETRY_AFTER = "x-ms-retry-after-ms"


def pause_seconds(error: Exception, attempt: int) -> float:
    """How long to wait before the next try: as long as the server says, else a random time that doubles."""
    requested = (getattr(error, "headers", None) or {}).get(_RETRY_AFTER)
    if requested is not None:
        return min(float(requested) / 1000, _LONGEST_PAUSE_SECONDS)
    return min(_FIRST_PAUSE_SECONDS * 2.0**attempt, _LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1)


def complaint(error: Exception) -> str:
    """What a failure means and what to do about it, to follow the account's address."""
    status = getattr(error, "status_code", None)
    if status == 401:
        return "refuses the key: put the account's into METRICS_LAKE_COSMOS_KEY, and see that this machine's clock is right"
    if status == 403:
        return (
            "does not let this identity or network in: grant it Cosmos DB Built-in Data Contributor, and look at "
            "the account's firewall"
        )
    if isinstance(error, ClientAuthenticationError):
        return "was not asked: there is no managed identity here; set METRICS_LAKE_COSMOS_KEY, or give this machine one"
    if status == 413:
        return "finds a document too large: more than 2 MB as it counts; what was written stands"
    if status in BUSY:
        return f"is busy ({status}, {TRIES} times): give it more throughput and run again; what was written stands"
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return "gives no answer: check documents.endpoint and the network, and run again; what was written stands"
    return f"gives an answer that Cosmos DB would not ({status or type(error).__name__}): check documents.endpoint"
