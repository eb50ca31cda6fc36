"""The audit finds what is put there, in every form and in every container, and nothing where nothing is."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import ipaddress
import json
import lzma
import os
import random
import sqlite3
import struct
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.audit import Report, search, search_terms, text_addresses

V4, V6 = "105.33.14.201", "2001:db8:7a1c:22:9b:0:41f:e302"
KEY = bytes(range(100, 132))
RANDOM = random.Random(20010115)
CROWD = [str(ipaddress.IPv4Address(RANDOM.getrandbits(32))) for _ in range(2000)]
TERMS = search_terms([V4, V6, *CROWD], {"the secret": KEY})
_FOUR, _SIXTEEN = ipaddress.ip_address(V4).packed, ipaddress.ip_address(V6).packed

LINE = f'{V4}:49152 [15/Jan/2001:18:48:01.123] fe be/s1 "GET /a HTTP/1.1"'.encode()  # as HAProxy writes it


def by_form(report: Report) -> Counter[str]:
    return Counter(finding.form for finding in report.findings)


TEXTS = {
    "dotted": V4,
    "dashed": V4.replace(".", "-"),
    "mapped": f"::ffff:{V4}",
    "mapped, hex": f"::FFFF:{_FOUR.hex()[:4]}:{_FOUR.hex()[4:]}",
    "with a port": f"{V4}:49152",
    "reverse DNS": ".".join(reversed(V4.split("."))) + ".in-addr.arpa",
    "percent-encoded": V4.replace(".", "%2E"),
    "twice percent-encoded": V4.replace(".", "%252e"),
    "decimal": str(int.from_bytes(_FOUR, "big")),
    "decimal, byte order of the machine": str(int.from_bytes(_FOUR, "little")),
    "hex": _FOUR.hex(),
    "hex, capitals": _FOUR.hex().upper(),
    "hex with 0x": "0x" + _FOUR.hex(),
    "hex with dashes": _FOUR.hex("-"),
    "hex with colons": _FOUR.hex(":").upper(),
    "hex with blanks": _FOUR.hex(" "),
    "IPv6": V6,
    "IPv6, capitals": V6.upper(),
    "IPv6, expanded": ipaddress.ip_address(V6).exploded,
    "IPv6 in brackets": f"[{V6}]:443",
    "IPv6, percent-encoded": V6.replace(":", "%3A"),
    "IPv6, its /64": "2001:db8:7a1c:22::",
    "IPv6, hex": _SIXTEEN.hex(),
    "IPv6, hex of its /64": _SIXTEEN[:8].hex(),
    "IPv6, decimal": str(int.from_bytes(_SIXTEEN, "big")),
    "key, hex": KEY.hex(),
    "key, hex capitals": KEY.hex().upper(),
    "key, base64": base64.b64encode(KEY).decode(),
    "key, base64 in a longer text": base64.b64encode(b"k=" + KEY + b";").decode(),
    "key, url-safe base64": base64.urlsafe_b64encode(KEY).decode(),
    "key, as Python prints it": repr(KEY),
    "key, in HMAC's pad": bytes(byte ^ 0x36 for byte in KEY).hex(),
}
BYTES = {
    "IPv6, packed": _SIXTEEN,
    "IPv6, packed backwards": _SIXTEEN[::-1],
    "IPv6, packed /64": _SIXTEEN[:8],
    "mapped, packed": bytes(10) + b"\xff\xff" + _FOUR,
    "packed after a Java length": b"\x00\x00\x00\x04" + _FOUR,
    "packed after an Arrow length": b"\x04\x00\x00\x00" + _FOUR,
    "packed backwards after a length": b"\x04\x00\x00\x00" + _FOUR[::-1],
    "packed in a pickle": b"C\x04" + _FOUR,
    "key, bytes": KEY,
    "key, bytes backwards": KEY[::-1],
}
# What is found only once it is decoded. Every container unpacks alike, so some of them are enough.
DECODED_TEXTS = {
    "four numbers in an array": json.dumps(list(_FOUR)),
    "four numbers in brackets": f"({', '.join(V4.split('.'))})",
    "four numbers, narrow": f"[{','.join(V4.split('.'))}]",
    "bytes of a line": json.dumps({"MESSAGE": list(LINE)}),
    "bytes of a line, narrow": json.dumps(list(LINE), separators=(",", ":")),
    "bytes of a line, a line each": json.dumps(list(LINE), indent=2),
    "base64 of a line": base64.b64encode(LINE).decode(),
    "url-safe base64 without its end": base64.urlsafe_b64encode(LINE + b"?>~").decode().rstrip("="),
    "base64 behind letters": "x/y" + base64.b64encode(V4.encode()).decode(),
    "base64 of a packed line": base64.b64encode(gzip.compress(LINE, mtime=0)).decode(),
    "base64 of an array of bytes": base64.b64encode(json.dumps({"MESSAGE": list(LINE)}).encode()).decode(),
    "hex of a line": LINE.hex(),
    "hex of a line behind a digit": "f" + LINE.hex().upper(),
    "hex of a line with blanks": LINE.hex(" "),
    "hex of a line with commas": LINE.hex(",").replace(",", ", 0x"),
    "hex escapes": "".join(f"\\x{byte:02x}" for byte in LINE),
    "percent-encoded as a whole": "".join(f"%{byte:02X}" for byte in LINE),
    "twice percent-encoded as a whole": "".join(f"%25{byte:02x}" for byte in LINE),
    "quoted-printable": "".join(f"={byte:02X}" for byte in LINE),
    "quoted-printable dots": V4.replace(".", "=2E"),
    "escaped by HAProxy": "".join(f"#{byte:02X}" for byte in V4.encode()),
    "octal escapes": "".join(f"\\{byte:03o}" for byte in LINE),
    "octal escapes of syslog": "".join(f"#{byte:03o}" for byte in V4.encode()),
    "escapes of JSON": "".join(f"\\u{byte:04x}" for byte in LINE),
    "escapes of HTML": V4.replace(".", "&#46;"),
    "IPv6, base64": base64.b64encode(f" {V6} ".encode()).decode(),
    "IPv6, bytes of its text": json.dumps(list(V6.encode())),
    "IPv6, an array of bytes": json.dumps(list(_SIXTEEN)),
    "IPv6, percent-encoded as a whole": "".join(f"%{byte:02X}" for byte in V6.encode()),
}
WIDE = {
    "UTF-16": LINE.decode().encode("utf-16-le"),
    "UTF-16, big end first": LINE.decode().encode("utf-16-be"),
    "UTF-32": LINE.decode().encode("utf-32-le"),
}
DECODED = {**{name: text.encode() for name, text in DECODED_TEXTS.items()}, **WIDE}
FORMS = {**{name: text.encode() for name, text in TEXTS.items()}, **BYTES}


def plain(path: Path, data: bytes) -> None:
    path.write_bytes(b'{"before": 1, "it": "' + data + b'", "after": 2}\n')


def binary(path: Path, data: bytes) -> None:
    """Among bytes that are no text, some of them digits that stick to it."""
    noise = random.Random(len(data)).randbytes(20_000)
    path.write_bytes(noise + b"\0" + data + b"\0" + noise)


def gzipped(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(b"first member\n" * 9) + gzip.compress(b"second: " + data + b"\n"))


def zipped(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/entry", b"x " * 100 + data + b" y")


def zipped_gzip(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.gz", gzip.compress(b"x " * 100 + data + b" y"))


def zstd(path: Path, data: bytes) -> None:
    path.write_bytes(pa.compress(b"x " * 100 + data + b" y", "zstd", asbytes=True))


def lz4(path: Path, data: bytes) -> None:
    path.write_bytes(pa.compress(b"x " * 100 + data + b" y", "lz4", asbytes=True))


def lz4_blocks(path: Path, data: bytes) -> None:
    """As Spark's lz4 codec writes state and spill."""
    whole = b"x " * 100 + data + b" y"
    block = pa.compress(whole, "lz4_raw", asbytes=True)
    end = struct.pack("<8sBIII", b"LZ4Block", 0x15, 0, 0, 0)
    path.write_bytes(struct.pack("<8sBIII", b"LZ4Block", 0x25, len(block), len(whole), 0) + block + end)


def snappy(path: Path, data: bytes) -> None:
    """As Spark's snappy codec writes it."""
    block = pa.compress(b"x " * 100 + data + b" y", "snappy", asbytes=True)
    path.write_bytes(b"\x82SNAPPY\x00" + struct.pack(">II", 1, 1) + struct.pack(">I", len(block)) + block)


def bzip2(path: Path, data: bytes) -> None:
    path.write_bytes(bz2.compress(b"x " + data + b" y"))


def xz(path: Path, data: bytes) -> None:
    path.write_bytes(lzma.compress(b"x " + data + b" y"))


def parquet_column(path: Path, data: bytes) -> None:
    rows = pa.table({"n": list(range(99)), "it": pa.array([b"other"] * 98 + [data], pa.binary())})
    pq.write_table(rows, path, compression="snappy", row_group_size=50, write_statistics=False)


def parquet_nested(path: Path, data: bytes) -> None:
    rows = pa.table({"deep": pa.array([[{"a": [b"other"]}], [{"a": [b"x", data]}]])})
    pq.write_table(rows, path, compression="zstd", use_dictionary=False, write_statistics=False)


def parquet_key_value(path: Path, data: bytes) -> None:
    pq.write_table(pa.table({"n": [1]}).replace_schema_metadata({"note": data}), path)


def parquet_statistics(path: Path, data: bytes) -> None:
    """In the footer alone: the page itself is overwritten."""
    pq.write_table(pa.table({"it": pa.array([data], pa.binary())}), path, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(data, bytes(len(data)), 1))


def arrow(path: Path, data: bytes) -> None:
    rows = pa.table({"it": pa.array([b"other", data], pa.binary())})
    with pa.ipc.new_file(path, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(rows)


def sqlite(path: Path, data: bytes) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE listening (id TEXT, it BLOB, other TEXT)")
    database.execute("INSERT INTO listening VALUES ('a1', ?, '77')", (data,))
    database.commit()
    database.close()


def sqlite_log(path: Path, data: bytes) -> None:
    """In the write-ahead log alone, where the database was not closed."""
    live = path.with_name("live.db")
    database = sqlite3.connect(live)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("CREATE TABLE listening (id TEXT, it BLOB)")
    database.execute("INSERT INTO listening VALUES ('a:', ?)", (data,))
    database.commit()
    path.with_name("documents.db-wal").write_bytes(live.with_name("live.db-wal").read_bytes())
    database.close()
    live.unlink()


def damaged_gzip(path: Path, data: bytes) -> None:
    whole = gzip.compress(b"x " + data + b" y" + os.urandom(100_000))
    path.write_bytes(whole[: len(whole) - 50_000])


def unfinished_zstd(path: Path, data: bytes) -> None:
    """An event log that is still being written."""
    whole = pa.compress(b"x " + data + b" y" + os.urandom(300_000), "zstd", asbytes=True)
    path.write_bytes(whole[: len(whole) - 50_000])


CONTAINERS = [
    plain, binary, gzipped, zipped, zipped_gzip, zstd, lz4, lz4_blocks, snappy, bzip2, xz, parquet_column,
    parquet_nested, parquet_key_value, parquet_statistics, arrow, sqlite, sqlite_log, damaged_gzip, unfinished_zstd,
]  # fmt: skip


def not_found(folder: Path, container, forms: dict[str, bytes]) -> list[str]:
    for number, data in enumerate(forms.values()):
        (folder / str(number)).mkdir()
        container(folder / str(number) / "planted.file", data)
    report = search([folder], TERMS)
    assert V4 not in repr(report) and V6 not in repr(report) and KEY.hex() not in repr(report)
    places = {int(Path(finding.file).parent.name) for finding in report.findings}
    return [name for number, name in enumerate(forms) if number not in places]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.__name__)
def test_every_form_is_found_in_every_container(tmp_path, container):
    assert not_found(tmp_path, container, FORMS) == []


@pytest.mark.parametrize(
    "container", [plain, binary, gzipped, parquet_column, sqlite_log], ids=lambda kind: kind.__name__
)
def test_what_is_wrapped_is_decoded_and_found(tmp_path, container):
    assert not_found(tmp_path, container, DECODED) == []


@pytest.mark.parametrize("kind", [pa.uint32(), pa.int64(), pa.float64(), pa.decimal128(20, 0)], ids=str)
def test_an_address_kept_as_a_number_is_found(tmp_path, kind):
    numbers = pa.array([5, int.from_bytes(_FOUR, "big")], pa.int64()).cast(kind)
    pq.write_table(pa.table({"n": numbers}), tmp_path / "a.parquet")
    assert search([tmp_path], TERMS).findings


def test_an_address_kept_as_a_signed_number_is_found(tmp_path):
    address = "203.0.113.9"
    (number,) = struct.unpack(">i", ipaddress.ip_address(address).packed)
    assert number < 0
    pq.write_table(pa.table({"n": pa.array([number], pa.int32())}), tmp_path / "a.parquet")
    assert search([tmp_path], search_terms([address])).findings


def test_the_half_of_an_ipv6_address_kept_as_a_number_is_found(tmp_path):
    (half,) = struct.unpack(">q", _SIXTEEN[:8])
    pq.write_table(pa.table({"n": [half]}), tmp_path / "a.parquet")
    assert by_form(search([tmp_path], search_terms([V6])))["integer"]


def test_an_address_in_four_bytes_of_a_column_is_found(tmp_path):
    pq.write_table(pa.table({"ip": pa.array([_FOUR], pa.binary(4))}), tmp_path / "a.parquet")
    assert by_form(search([tmp_path], TERMS))["4 packed bytes"] == 1


def test_an_address_in_a_file_name_is_found_and_not_repeated(tmp_path):
    (tmp_path / f"haproxy-{V4}.json").write_text("{}")
    report = search([tmp_path], TERMS)
    assert report.findings and V4 not in repr(report)
    assert "haproxy-<address>.json" in report.findings[0].file


def test_a_finding_says_where_in_which_form_and_not_what(tmp_path):
    (tmp_path / "a.json").write_text('{"x": "' + V4 + '"}')
    (finding,) = search([tmp_path], TERMS).findings
    assert (Path(finding.file).name, finding.place, finding.form) == ("a.json", "byte 7", "dotted")
    assert len(finding.mark) == 4


@pytest.mark.parametrize(
    "text",
    [f"1{V4}", f"{V4}7", f"x {V4}7 ", f"a1{V4}", "2105.33.14.201.7", f"2{V6}", "105.33.14", "105..33.14.201"],
)
def test_a_longer_number_is_no_address(tmp_path, text):
    (tmp_path / "a.txt").write_text(f"before {text} after")
    assert search([tmp_path], search_terms([V4, V6])).is_clean


def test_a_number_cut_by_a_piece_s_edge_is_no_address(tmp_path, monkeypatch):
    monkeypatch.setattr("metrics_lake.audit.unpacking.CHUNK_BYTES", 4096)
    monkeypatch.setattr("metrics_lake.audit.unpacking.OVERLAP", 256)
    text = "".join(f"{'x' * (n % 7)} 1{V4}7 " for n in range(5000))
    (tmp_path / "a.txt").write_text(text)
    assert search([tmp_path], search_terms([V4])).is_clean
    (tmp_path / "a.txt").write_text(text + V4)
    assert not search([tmp_path], search_terms([V4])).is_clean


@pytest.mark.parametrize("at", range(4000, 4200, 7))
def test_nothing_hides_where_two_pieces_meet(tmp_path, monkeypatch, at):
    monkeypatch.setattr("metrics_lake.audit.unpacking.CHUNK_BYTES", 4096)
    monkeypatch.setattr("metrics_lake.audit.unpacking.OVERLAP", 1024)
    noise = random.Random(at).randbytes(at)
    (tmp_path / "a").write_bytes(noise + b"|" + V4.encode() + b"|" + KEY + _SIXTEEN + bytes(5000))
    forms = by_form(search([tmp_path], TERMS))
    assert {"dotted", "key, bytes", "16 packed bytes"} <= set(forms)


def test_what_is_left_out_is_not_searched(tmp_path):
    for name in ("landing/a.log", "lake/b.log", "secret"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(V4)
    report = search([tmp_path], TERMS, without=[tmp_path / "landing", tmp_path / "secret"])
    assert report.file_count == 1 and [Path(f.file).name for f in report.findings] == ["b.log"]


def test_what_cannot_be_unpacked_is_named(tmp_path):
    damaged_gzip(tmp_path / "cut.gz", b"nothing")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no parquet PAR1")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0" + bytes(200))
    report = search([tmp_path], TERMS)
    assert {Path(path).name for path, _ in report.unread} == {"cut.gz", "bad.parquet", "bad.zip", "bad.db"}
    assert report.is_clean


def test_a_damaged_entry_hides_no_later_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1", b"first" * 9)
        archive.writestr("2", V4, zipfile.ZIP_DEFLATED)
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole.replace(b"first" * 9, b"worst" * 9, 1))
    report = search([tmp_path], TERMS)
    assert by_form(report)["dotted"] == 1 and len(report.unread) == 1


def test_the_counts_say_what_was_searched(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1000)))
    report = search([tmp_path], TERMS)
    assert (report.file_count, report.address_count, report.key_count) == (1, len(set(CROWD)) + 2, 1)
    assert report.byte_count == (tmp_path / "a.gz").stat().st_size and report.unpacked_byte_count == 1000


def similar_lake(folder: Path, seed: int) -> None:
    """Some MB of what a lake looks like: noise, logs with time stamps and byte counts, ids, UUIDs, Parquet, SQLite."""
    rnd = random.Random(seed)
    (folder / "noise").write_bytes(rnd.randbytes(4_000_000))
    lines = (
        json.dumps({
            "timestamp": 1763837000000 + rnd.getrandbits(30), "second": 1763837000 + rnd.getrandbits(24),
            "bytes": rnd.getrandbits(32), "id": f"{rnd.getrandbits(128):032x}", "hash": f"{rnd.getrandbits(48):012x}",
            "path": f"part-{rnd.getrandbits(17):05}-{rnd.getrandbits(32):08x}-4a1b-4c2d-8e3f-{rnd.getrandbits(48):012x}.parquet",
            "at": f"2001-01-15T18:{rnd.randrange(60):02}:{rnd.randrange(60):02}.{rnd.randrange(1000):03}Z", "v": "4.1.4",
        })
        for _ in range(8000)
    )  # fmt: skip
    (folder / "00000000000000000000.json").write_text("\n".join(lines))
    columns = {
        "listener_id": [f"{rnd.getrandbits(128):032x}" for _ in range(50_000)],
        "byte_count": [rnd.getrandbits(26) for _ in range(50_000)],
        "sizes": [[rnd.getrandbits(20), rnd.getrandbits(33)] for _ in range(50_000)],
        "first_ms": [1763837000000 + rnd.getrandbits(30) for _ in range(50_000)],
    }
    pq.write_table(pa.table(columns), folder / "part.parquet", compression="snappy")
    database = sqlite3.connect(folder / "documents.db")
    database.execute("CREATE TABLE listening (id TEXT, body TEXT, n INTEGER)")
    rows = [(f"live:hour:{n}", json.dumps({"n": rnd.getrandbits(30)}), rnd.getrandbits(31)) for n in range(20_000)]
    database.executemany("INSERT INTO listening VALUES (?, ?, ?)", rows)
    database.commit()
    database.close()


def test_a_clean_lake_gives_no_false_alarm(tmp_path):
    similar_lake(tmp_path, 7)
    report = search([tmp_path], TERMS)
    assert report.findings == [] and report.unread == []


def test_one_address_in_such_a_lake_is_found(tmp_path):
    similar_lake(tmp_path, 8)
    with (tmp_path / "00000000000000000000.json").open("a") as log:
        log.write('\n{"error": "no route to ' + V4 + '"}\n')
    assert [finding.form for finding in search([tmp_path], TERMS).findings] == ["dotted"]


def test_a_column_of_addresses_stands_out_among_chance_hits(tmp_path):
    similar_lake(tmp_path, 9)
    numbers = [int(ipaddress.ip_address(address)) for address in CROWD[:200]]
    pq.write_table(pa.table({"n": numbers}), tmp_path / "leak.parquet")
    assert {Path(finding.file).name for finding in search([tmp_path], TERMS).findings} == {"leak.parquet"}


def test_chance_hits_are_shown_as_doubtful_with_how_many_chance_gives(tmp_path):
    rnd = random.Random(3)
    crowd = search_terms(str(ipaddress.IPv4Address(rnd.getrandbits(32))) for _ in range(100_000))
    (tmp_path / "bytes.json").write_text(" ".join(str(rnd.getrandbits(32)) for _ in range(100_000)))
    report = search([tmp_path], crowd)
    assert report.is_clean and report.doubtful
    assert len(report.doubtful) == pytest.approx(report.doubtful[0].expected_by_chance, rel=0.9)


def test_a_hostile_file_costs_linear_time(tmp_path):
    import time

    seconds = []
    for size in (250_000, 1_000_000):
        for name, unit in (
            ("hex", "a"),
            ("colons", "1:"),
            ("dots", "1."),
            ("dashes", "11-"),
            ("rising", ".".join(str(n % 256) for n in range(20000))),
            ("digits", "1"),
        ):
            (tmp_path / name).write_text((unit * (size // len(unit) + 1))[:size])
        began = time.perf_counter()
        assert search([tmp_path], TERMS).is_clean
        seconds.append(time.perf_counter() - began)
    assert seconds[1] < 12 * seconds[0]


def test_streams_of_any_kind_are_read_to_their_end():
    from metrics_lake.audit.unpacking import chunks

    data = os.urandom(20_000_000)
    covered = bytearray(len(data))
    for offset, piece in chunks(io.BytesIO(data)):
        assert data[offset : offset + len(piece)] == piece
        covered[offset : offset + len(piece)] = b"\1" * len(piece)
    assert all(covered)


SCRAPS = [b"%2e", b"%3A", b".", b":", b"::", b"-", b"1", b"255", b"ab", b"0x", b"\0", b" ", b".in-addr"]


@given(st.lists(st.sampled_from(SCRAPS), max_size=40))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_row_of_signs_and_digits_stops_the_search(parts):
    for is_text in (True, False):
        shaped = text_addresses.tokens(b"".join(parts))
        assert all(hit.mark for hit in text_addresses.hits(shaped, TERMS, is_text=is_text))
        assert all(numbers.tokens.keys() >= set() for numbers in text_addresses.numbers(shaped))
