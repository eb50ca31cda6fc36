"""Lookups for a request: user agent, bot, referrer, geography."""
