"""Why a whole file is not taken in: every reason with its meaning and remedy, declared once for messages and docs.

A file whose reason is passing is planned again by every run until it can be read; one with another reason, when its
content has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

# Reason, meaning, remedy. `+` marks a passing reason; `*` stands for the rest of a name.
_TABLE = """
    gzip_truncated      | packed by gzip, and its end is missing | put it there again, whole
    gzip_damaged        | packed by gzip, and its form or checksum is wrong | put it there again, whole
    gzip_trailing       | packed by gzip, with other bytes behind its end | put it there again, whole
    zst_truncated       | packed by zstd, and its end is missing | put it there again, whole
    zst_damaged         | packed by zstd, and its form or checksum is wrong | put it there again, whole
    zst_trailing        | packed by zstd, with other bytes behind its end | put it there again, whole
    xz_truncated        | packed by xz, and its end is missing | put it there again, whole
    xz_damaged          | packed by xz, and its form or checksum is wrong | put it there again, whole
    xz_trailing         | packed by xz, with other bytes behind its end | put it there again, whole
    bz2_truncated       | packed by bzip2, and its end is missing | put it there again, whole
    bz2_damaged         | packed by bzip2, and its form or checksum is wrong | put it there again, whole
    bz2_trailing        | packed by bzip2, with other bytes behind its end | put it there again, whole
    packed_zip          | a zip archive, as the Play Console and Excel make them | unpack it, and put the files in it there instead
    packed_tar          | a tar archive | unpack it, and put the files in it there instead
    packed_7z           | a 7-Zip archive | unpack it, and put the files in it there instead
    packed_rar          | a RAR archive | unpack it, and put the files in it there instead
    packed_lz4          | packed by lz4 | unpack it, or pack it by gzip, zstd, xz or bzip2
    packed_other        | packed by compress, lzip, lzop, lzma or snappy | unpack it, or pack it by gzip, zstd, xz or bzip2
    packed_too_often    | packed more than five times over | unpack it
    packed_too_wide     | unpacking it takes more than 128 MB of memory | pack it with a smaller window or dictionary
    unpacks_to_too_much | it unpacks to over 64 MiB and a thousand times its size, as no log does | unpack it, if it is right
    not_text            | its bytes are no text | see what it is, and take it out of landing
    too_large           | a report of over 256 MiB | download the right report
  + not_gzip            | named .gz and not packed, which older versions refused | none: the next run reads it
  + vanished            | it was gone before it was read | none, if it was moved or deleted on purpose
  + changed             | it changed while it was being read | none: the next run reads the new version
  + not_permitted       | this process may not read it | give its user the right (chmod, chown; in Azure a role or access list)
  + not_readable        | the disk or the share gives an error where it lies | check the disk or the mount
  + archived            | a blob in the Archive tier, where it can't be read | rehydrate it (set its tier to Hot or Cool)
  + refused             | the storage refuses this blob alone | see in Azure what is wrong with it
    cut_short           | a report that ends within a row or a character | fetch it again
    not_a_table         | a report that is no table | fetch it again
    no_column_*         | a report without a column that is needed | fetch it again; docs/store-reports.md has the columns
    not_a_sales_report  | another of Apple's reports than the daily sales report | download the right report
    several_days        | a sales report of more than one day | download daily reports
    several_rows_a_day  | rows of one app, day, country and device that differ | fetch it again
    incomplete_row      | no row can be read; in the first a cell that is needed is empty | fetch it again
    units_no_number     | no row can be read; in the first the units are no number | fetch it again
    figure_no_number    | no row can be read; in the first a figure is no number | fetch it again
    no_day              | no row can be read; in the first the day is none | fetch it again
    not_daily           | no row can be read; in the first begin and end differ | download daily reports
    another_day         | no row can be read; in the first the day isn't that in the file's name | give it its right name
    another_month       | no row can be read; in the first the month isn't that in the file's name | give it its right name
    no_country          | no row can be read; in the first the country is no word | fetch it again
    no_device           | no row can be read; in the first the device is no word | fetch it again
    too_many_cells      | no row can be read; in the first are more cells than columns | fetch it again
"""
_PASSING_MARK, _REST = "+", "*"


@dataclass(frozen=True)
class QuarantineReason:
    """A reason as bronze has it; a name that ends in `*` is that of all reasons that begin so."""

    name: str
    meaning: str
    remedy: str
    is_passing: bool = False


def _declared(line: str) -> QuarantineReason:
    name, meaning, remedy = (cell.strip() for cell in line.split("|"))
    return QuarantineReason(name.strip(f"{_PASSING_MARK} "), meaning, remedy, name.startswith(_PASSING_MARK))


REASONS = tuple(_declared(line) for line in _TABLE.strip().splitlines())
PASSING = frozenset(reason.name for reason in REASONS if reason.is_passing)
_BY_NAME = {reason.name: reason for reason in REASONS}
_BY_START = {name.removesuffix(_REST): reason for name, reason in _BY_NAME.items() if name.endswith(_REST)}


def declaration(name: str) -> QuarantineReason | None:
    """What a reason means; None for one that another version wrote."""
    return _BY_NAME.get(name) or next((_BY_START[start] for start in _BY_START if name.startswith(start)), None)


def explained(name: str) -> str:
    """A reason in words, with its remedy."""
    reason = declaration(name)
    return f"{name}: {reason.meaning}; {reason.remedy}" if reason else name
