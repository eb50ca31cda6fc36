"""What a landed file is, by its bytes and never by its name: text, and in which encoding, or not text.

Logs may have odd bytes in them (in URLs, or after a crash), so a file is refused only by the mark of a known kind, or if
its bytes as a whole are no text.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

HEAD_BYTES = 512  # enough for every mark below
UTF8, _UTF16 = "utf-8", ("utf-16-le", "utf-16-be")
_MARKS = ((b"\xef\xbb\xbf", UTF8), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SAMPLE_BYTES = 1 << 16
_PACKED = {
    "packed_zip": (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"),
    "packed_7z": (b"7z\xbc\xaf\x27\x1c",),
    "packed_rar": (b"Rar!\x1a\x07",),
    "packed_lz4": (b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"LZ4Block"),
    "packed_other": (b"\x1f\x9d", b"\x1f\xa0", b"LZIP", b"\x89LZO\0", b"\xff\x06\0\0sNaPpY", b"\x82SNAPPY\0", b"\x5d\0\0"),
}  # fmt: skip
_BINARY = (b"%PDF-", b"PAR1", b"Obj\x01", b"ORC\x03", b"SQLite format 3\0", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8",
           b"LPKSHHRH", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x0a\x0d\x0d\x0a", b"ARROW1\0")  # fmt: skip
_TAR, _TAR_AT = b"ustar", 257
_CONTROL = bytes({*range(32), 127} - set(b"\0\b\t\n\v\f\r\x1b"))  # what no text has; NUL is judged apart
_MOST_CONTROL, _MOST_UNDECODABLE = 0.05, 0.5


def encoding_of(head: bytes) -> str:
    """The encoding of a text that begins so: UTF-16 by its mark, or by the zero bytes between its characters; else UTF-8."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[:4096]
    pairs = len(sample) // 2
    first, second = sample[: 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if second > pairs / 2 and first < pairs / 10:
        return "utf-16-le"
    return "utf-16-be" if first > pairs / 2 and second < pairs / 10 else UTF8


def without_mark(content: bytes) -> bytes:
    """The same bytes without a byte order mark at their start."""
    return next((content[len(mark) :] for mark, _ in _MARKS if content.startswith(mark)), content)


def as_utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8, without a byte order mark. Each piece but the last ends where a line ends."""
    first = next(pieces, b"")
    encoding = encoding_of(first)
    if first:
        pieces = _chained(without_mark(first), pieces)
    yield from pieces if encoding == UTF8 else _decoded(pieces, encoding)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _decoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder, rest = codecs.getincrementaldecoder(encoding)("replace"), ""
    for piece in pieces:
        head, newline, rest = (rest + decoder.decode(piece)).rpartition("\n")
        if newline:
            yield (head + newline).encode()
    if rest := rest + decoder.decode(b"", final=True):
        yield rest.encode()


def refusal_of(piece: bytes) -> str | None:
    """Why a file whose unpacked content begins with this piece can't be read as text; None if it can."""
    if packed := next((reason for reason, marks in _PACKED.items() if piece.startswith(marks)), None):
        return packed
    if piece[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "packed_tar"
    return "not_text" if piece.startswith(_BINARY) or not _is_text(piece) else None


def _is_text(piece: bytes) -> bool:
    encoding = encoding_of(piece)
    if encoding in _UTF16:
        sample = piece[:_SAMPLE_BYTES].decode(encoding, errors="ignore").encode("utf-8", errors="ignore")
        return _is_plain(sample)
    kept = piece[:_SAMPLE_BYTES].replace(b"\0", b"") or piece.replace(
        b"\0", b""
    )  # zeros are what a crash leaves in a log
    return bool(kept) and _is_plain(kept[:_SAMPLE_BYTES])


def _is_plain(sample: bytes) -> bool:
    """Whether few bytes are control characters, and most are UTF-8: of random bytes one in nine is a control character."""
    control = len(sample) - len(sample.translate(None, _CONTROL))
    undecodable = sample.decode("utf-8", errors="replace").count("\ufffd")
    return control <= _MOST_CONTROL * len(sample) and undecodable <= _MOST_UNDECODABLE * len(sample)
