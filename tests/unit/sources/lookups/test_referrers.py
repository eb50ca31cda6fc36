"""Sources of listeners: hosts as sent, groups by the list, and no address."""

from __future__ import annotations

import polars as pl
import pytest

from metrics_lake.sources.lookups import referrers

OWN = ("*.acme.example", "acme.example")


@pytest.mark.parametrize(
    ("referrer", "source", "group"),
    [
        (None, "direct", "direct"),
        ("android-app://host-192-0-2-7.example/", "other", "app"),
        ("https://dyn_192_0_2_7.example/", "(address)", "other"),
        ("", "direct", "direct"),
        ("-", "direct", "direct"),
        ("about:blank", "direct", "direct"),
        ("nonsense", "direct", "direct"),
        ("file:///home/me/radio.html", "direct", "direct"),
        ("https://www.acme.example/listen?x=1", "www.acme.example", "own site"),
        ("https://ACME.example:8443", "acme.example", "own site"),
        ("https://notacme.example/", "notacme.example", "other"),
        ("https://www.google.com/", "www.google.com", "search"),
        ("https://www.google.co.za/search?q=radio", "www.google.co.za", "search"),
        ("https://google.evil.example.com/", "google.evil.example.com", "other"),
        ("https://mail.google.com/mail/u/0/", "mail.google.com", "other"),
        ("https://duckduckgo.com/", "duckduckgo.com", "search"),
        ("https://search.example/", "search.example", "search"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fx&h=AT0", "l.facebook.com", "social"),
        ("https://t.co/AbC", "t.co", "social"),
        ("https://x.com/", "x.com", "social"),
        ("https://xx.com/", "xx.com", "other"),
        ("https://mastodon.social/@radio", "mastodon.social", "social"),
        ("https://tunein.com/radio/x-s1/", "tunein.com", "app"),
        ("http://localhost/", "localhost", "app"),
        ("android-app://za.co.tuner.live/", "za.co.tuner.live", "app"),
        ("android-app://com.google.android.googlequicksearchbox/https/www.google.com", "com.google.android.googlequicksearchbox", "search"),
        ("android-app://org.telegram.messenger/", "org.telegram.messenger", "social"),
        ("ios-app://544007664/youtube", "other", "app"),
        ("https://directory.example/station/s%2012", "directory.example", "other"),
        ("https://user:pass@forum.example./path#frag", "forum.example", "other"),
        ("https://r\u00e4dio.example/", "direct", "direct"),
        ("https://xn--rdio-loa.example/", "xn--rdio-loa.example", "other"),
        ("https://" + "a" * 300 + ".example/", "direct", "direct"),
    ],
)  # fmt: skip
def test_a_referrer_has_a_host_and_a_group(referrer, source, group):
    assert referrers.source(referrer, OWN) == (source, group)
    assert group in referrers.GROUPS


@pytest.mark.parametrize(
    "host",
    ["203.0.113.4", "203.0.113.4:8000", "[2001:db8::1]", "[2001:db8::1]:8080", "3405803780", "0xcb007104", "cb007104",
     "203-0-113-4.dsl.isp.example", "host-203-0-113-4.example", "4.113.0.203.in-addr.arpa", "p2003-c8-6f1a-22-9b-0-41f-e302.isp.example"],
)  # fmt: skip
def test_a_host_that_is_or_holds_an_address_is_not_kept(host):
    assert referrers.source(f"http://{host}/player") == ("(address)", "other")


def test_each_tenant_has_its_own_sites_and_each_pair_is_judged_once():
    pairs = pl.DataFrame(
        {"tenant": ["acme", "other", "acme", "acme"], "referer": ["https://acme.example/"] * 3 + [None]}
    )
    got = referrers.describe(pairs, {"acme": OWN})
    assert set(got.rows()) == {
        ("acme", "https://acme.example/", "acme.example", "own site"),
        ("other", "https://acme.example/", "acme.example", "other"),
        ("acme", None, "direct", "direct"),
    }


def test_nothing_but_the_host_is_kept_of_a_referrer():
    source, _ = referrers.source("https://forum.example/user/jane@example.com?token=abc#me")
    assert source == "forum.example"


def test_a_hostile_referrer_costs_no_more_than_a_long_one():
    for unit in ("a", "a.", "https://", "1-", "@", "[", "%2e"):
        referrers.source("https://" + unit * (500_000 // len(unit)))
