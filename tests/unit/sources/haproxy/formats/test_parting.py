"""Where a line and a log-format string part is told by the byte of the line and the character of the string."""

from __future__ import annotations

import pytest

from metrics_lake.sources.haproxy.formats import compiled
from metrics_lake.sources.haproxy.formats.parting import parting

FORM = "%ci:%cp [%tr] %ft %b/%s %ST %B %{+Q}r"
LINE = '192.0.2.7:4711 [15/Jan/2001:12:00:00.000] fe be/s1 200 1000 "GET /a.ts HTTP/1.1"'


@pytest.mark.parametrize(
    ("form", "line", "line_byte", "field", "expected"),
    [
        (FORM, LINE, None, "", ""),
        (FORM, LINE.replace("s1 200", "s1 0/0/1 200"), 52, "%ST", " "),
        (FORM, LINE.replace(" 200 1000", " 200 x 1000"), 56, "%B", ' "'),
        (FORM, LINE.replace("[15", "15"), 1, "%ci", ""),
        (FORM, "nothing like it", 1, "%ci", ""),
        (f"ha: {FORM}", LINE, 1, "", "ha: "),
        ("%ci [%tr] %ft %ST", "192.0.2.7 [15/Jan/2001:12:00:00.000] café", 38, "%ft", " "),
    ],
)
def test_the_first_byte_that_does_not_fit_is_named_with_the_field_that_it_should_be(
    form, line, line_byte, field, expected
):
    place = parting(compiled(form), line)
    if line_byte is None:
        assert place is None
        return
    assert (place.line_byte, place.field, place.expected) == (line_byte, field, expected)
    assert "192.0.2.7" not in place.masked_rest
    assert form[place.format_character - 1 :].startswith(field.removeprefix("%{+Q}")[:2])
