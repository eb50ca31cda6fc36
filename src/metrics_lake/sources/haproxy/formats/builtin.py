"""HAProxy's built-in formats, as they are defined in its source (src/log.c, 1.7 to 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from metrics_lake.sources.haproxy.formats.compiler import Format, compiled

AUTO = "auto"
BUILT_IN: Mapping[str, str] = {
    "httplog": "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs"
    " %{+Q}r",
    "httpslog": "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs"
    " %{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed]"
    " %[ssl_fc_sni]/%sslv/%sslc",
    "tcplog": "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq",
    "httplog clf": '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc'
    " %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl",
    "tcplog clf": '%{+Q}o %{-Q}ci - - [%T] "TCP " 000 %B "" "" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts--'
    ' %ac %fc %bc %sc %rc %sq %bq "" "" ',
}
# The formats that `httplog.read` doesn't parse, in the order of trying, each with a pattern that its lines match.
SLOWER: Mapping[str, str] = {
    "tcplog": r"\] [^ /]+ [^ ]+/",  # not `] fe_tls/1: SSL handshake failure`: names hold no slash
    "tcplog clf": r" - - \[",
    "httplog clf": r" - - \[",
}
# The recommended format: httplog, then the worker, its line counter, the time in UTC and the TLS server name.
RECOMMENDED = BUILT_IN["httplog"] + " %pid %lc %Ts.%ms %[ssl_fc_sni]"


@cache
def built_in(name: str) -> Format:
    return compiled(BUILT_IN[name], name=name)


def known_name(text: str) -> str | None:
    """The built-in format that a setting names, with or without `option`; None if it is a log-format string."""
    name = " ".join(text.split()).removeprefix("option ")
    return name if name == AUTO or name in BUILT_IN else None
