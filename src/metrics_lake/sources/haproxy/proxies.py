"""Who logged a line (definitions.md section 9): the machine that its file's folder names, else the host in its syslog header.

A file of a central log server has lines of several hosts, and counts for each of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.machine_names import can_name_machine, machine_folder, undated_folder

FOLDER, FOLDER_OVER_HOSTS, HEADER, NO_NAME = "folder", "folder_over_hosts", "header", "no_name"

_STAMP = r"(?:[A-Z][a-z]{2} [ 0-9][0-9] (?:[0-9]{4} )?[0-9:]{8}(?:\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][^ ]+)"
_HOST = r"([^ \[\]:]+)"
# What syslog-ng puts before it where it keeps the chain of hosts: a relay (`relay1/`) or a source (`s_net@`).
_CHAIN = r"(?:[A-Za-z][^ \[\]:@/]+[@/])*"
# Behind a host stands a program: `haproxy[31]:`, `haproxy: `, BusyBox' `local0.info haproxy[31]:`, or RFC 5424's
# `haproxy 31 - -`. So a client's address or a frontend, which HAProxy's own formats may have there, is no host.
_PROGRAM = r"(?:[a-z]+[0-9]?\.[a-z]+ )?(?:[A-Za-z_/.][^ \[\]:]*(?:\[[0-9]+\]|: )|[A-Za-z][A-Za-z0-9_./-]* (?:[0-9]+|-) [^ ]+ [-\[])"
_HEADER = rf"^(?:<[0-9]+>)?(?:1 )?{_STAMP} {_CHAIN}{_HOST} {_PROGRAM}"
_HEADER_OF_LINE = re.compile(_HEADER)
_SAMPLE_LINES = 200


@dataclass(frozen=True)
class Choice:
    """Which proxy a file's lines count for: `name`, or the host that a line's header names, where `is_by_header`.

    Then `name` is of lines without one, and if there are names in `hosts`, no others count.
    """

    name: str
    reason: str
    is_by_header: bool = False
    hosts: frozenset[str] = frozenset()

    def counts(self, host: str | None) -> bool:
        """Whether a host in a header is one that lines count for."""
        return (
            self.is_by_header and host is not None and can_name_machine(host) and (not self.hosts or host in self.hosts)
        )


def chosen(path: str, haproxy: Haproxy) -> Choice:
    """The choice for a file by its path below landing, as it may be written.

    `haproxy.proxy_from` decides; without it the folder wins, unless `haproxy.expected_proxies` names proxies, and not it.
    """
    folder, expected = machine_folder(path), frozenset(haproxy.expected_proxies)
    by_path = Choice(folder, FOLDER) if folder else Choice(undated_folder(path), NO_NAME)
    if haproxy.proxy_from == "folder":
        return by_path
    if haproxy.proxy_from == "header" or not folder:
        return Choice(by_path.name, by_path.reason, is_by_header=True)
    if expected and folder not in expected:
        return Choice(folder, FOLDER, is_by_header=True, hosts=expected)
    return by_path


def named_anew(path: str, proxy: str, haproxy: Haproxy) -> str:
    """The proxy of a file that an older version read: it took the host of the first line, whatever that was."""
    choice = chosen(path, haproxy)
    return proxy if choice.counts(proxy) else choice.name


def host_of(line: str) -> str | None:
    """The host in the syslog header of a line, if it can be a machine's name."""
    header = _HEADER_OF_LINE.match(line)
    return header[1] if header and can_name_machine(header[1]) else None


def doubted(choice: Choice, hosts: Collection[str]) -> Choice:
    """The choice, with another reason where a folder was chosen and the headers of the file name several hosts."""
    is_doubtful = choice.reason == FOLDER and not choice.is_by_header and len(hosts) > 1
    return replace(choice, reason=FOLDER_OVER_HOSTS) if is_doubtful else choice


def hosts_in(text: str) -> set[str]:
    """The hosts in the headers of the first lines of a text."""
    lines = (match[0] for match in islice(re.finditer(r"[^\n]+", text), _SAMPLE_LINES))
    return {host for line in lines if (host := host_of(line))}


@dataclass
class HeaderHosts:
    """The hosts of files that are read together, of those whose lines count for the host in their header.

    A file's lines of its main host, and those without a host, keep the file's number; those of each other host get a
    number of their own, as if they were a file, so that all that is counted by file is counted by host too.
    """

    numbers: Iterator[int]
    choices: dict[int, Choice] = field(default_factory=dict)
    main: dict[int, str] = field(default_factory=dict)
    parts: dict[int, tuple[int, str]] = field(default_factory=dict)  # by number: of which file, and of which host

    def add(self, number: int, choice: Choice, main: str | None) -> None:
        """Adds a file, or a piece of one whose main host is known."""
        self.choices[number] = choice
        if main:
            self.main[number] = main

    def register(self, requests: pl.DataFrame) -> None:
        """Looks at the hosts of requests: the most frequent one of a file is its main host. A frontend's name is no host."""
        if not self.choices or not requests.height:
            return
        own = requests.filter(pl.col("file_number").is_in(list(self.choices))).select("file_number", "frontend", "text")
        named = own.with_columns(host=_host(own["text"])).filter(pl.col("host").is_not_null())
        is_frontend = (pl.col("host") == pl.col("frontend")).fill_null(False).all()
        counts = named.group_by("file_number", "host").agg(pl.len(), is_frontend=is_frontend)
        lines_by_host: dict[int, Counter[str]] = {}
        for number, host, line_count, is_no_host in counts.rows():
            if not is_no_host and self.choices[number].counts(host):
                lines_by_host.setdefault(number, Counter())[host] = line_count
        for number, lines in sorted(lines_by_host.items()):
            self._number_parts(number, lines)

    def _number_parts(self, number: int, lines: Counter[str]) -> None:
        main = self.main.setdefault(number, min(lines, key=lambda host: (-lines[host], host)))
        for host in sorted(lines.keys() - {main}):
            self.parts[next(self.numbers)] = (number, host)

    def split(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The lines in their order, with the numbers of their parts in file_number."""
        if not self.parts:
            return lines
        rows = [(number, host, part) for part, (number, host) in self.parts.items()]
        schema = {"file_number": pl.UInt32, "host_name": pl.String, "part": pl.UInt32}
        parts = pl.DataFrame(rows, schema=schema, orient="row")
        named = lines.with_columns(host_name=_host(lines["text"]))
        joined = named.join(parts, on=["file_number", "host_name"], how="left", maintain_order="left")
        return joined.with_columns(file_number=pl.coalesce("part", "file_number")).drop("host_name", "part")

    def line_counts(self, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """How many lines each part has: file_number, count."""
        if not self.parts:
            return pl.DataFrame(schema={"file_number": pl.UInt32, "count": pl.UInt32})
        numbers = pl.concat(self.split(frame.select("file_number", "text")) for frame in frames)["file_number"]
        return numbers.filter(numbers.is_in(list(self.parts))).value_counts()


def _host(texts: pl.Series) -> pl.Series:
    """The host in the header of each line. Lines of the first one's host are recognised at once, a fifth of the time."""
    text = pl.col("text")
    first = next(filter(None, map(host_of, texts.head(_SAMPLE_LINES))), None)
    if first is None:
        return texts.to_frame("text").select(text.str.extract(_HEADER)).to_series()
    is_first = texts.str.contains(_HEADER.replace(_HOST, re.escape(first)))
    if is_first.all():
        return pl.select(pl.repeat(first, len(texts))).to_series()
    others = pl.when(~is_first).then(text).str.extract(_HEADER)
    return texts.to_frame("text").select(pl.when(is_first).then(pl.lit(first)).otherwise(others)).to_series()
