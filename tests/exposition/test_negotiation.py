"""What a scraper asks for is what it gets."""

from __future__ import annotations

import gzip

import pytest

from exporter.catalogue.model import Kind, Metric
from exporter.catalogue.sample import Sample
from exporter.exposition import Families, Page

UP = Metric(name="ops_up", kind=Kind.GAUGE, help="Whether it answers.", labels=("key",))
SAMPLES = {UP: [Sample(UP, (f"key {number}",), number / 7) for number in range(1000)]}

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3_5 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,"
    "*/*;q=0.1"
)
PROMETHEUS_3_5_WITH_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    f"q=0.6,{PROMETHEUS_3_5}"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


def page() -> Page:
    return Page(lambda: Families(1, SAMPLES))


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (BROWSER, TEXT),
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_3_5, OPENMETRICS),
        (PROMETHEUS_3_5_WITH_PROTOBUF, OPENMETRICS),
        ("text/plain", TEXT),
        ("text/*", TEXT),
        ("application/*", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.1", TEXT),
        # the higher quality wins, whatever the order
        ("text/plain;q=0.5,application/openmetrics-text;q=0.6", OPENMETRICS),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.6", TEXT),
        ("text/plain;q=0.5,*/*;q=0.6", OPENMETRICS),
        ("application/openmetrics-text;q=0.5,*/*;q=0.6", TEXT),
        # of equal quality, what is named wins over what a wildcard covers
        ("application/openmetrics-text,*/*", OPENMETRICS),
        ("text/plain,application/openmetrics-text", TEXT),
        # refused
        ("text/plain;q=0,*/*", OPENMETRICS),
        ("application/openmetrics-text;q=0,*/*;q=0.1", TEXT),
        ("application/openmetrics-text;q=0.000", TEXT),
        ("application/openmetrics-text;q=2", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        # only what there is not, or nothing that makes sense
        ("application/json", TEXT),
        ("text/html", TEXT),
        (",;=,;q=;", TEXT),
    ],
)
def test_format_by_accept(accept: str, expected: str) -> None:
    rendered = page().get(accept, "")

    assert expected.encode() == dict(rendered.headers)[b"content-type"]
    assert rendered.body.endswith(b"# EOF\n") == (expected == OPENMETRICS)


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("br, deflate", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("gzip, identity;q=0.5", True),
        ("gzip;q=0.001, identity;q=0", True),
        ("gzip;q=high", False),
    ],
)
def test_gzip_by_accept_encoding(accept_encoding: str, *, expected: bool) -> None:
    headers = dict(page().get("", accept_encoding).headers)

    assert expected == (headers.get(b"content-encoding") == b"gzip")


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_gzip_is_the_same_page_and_smaller(accept: str) -> None:
    plain, zipped = page().get(accept, ""), page().get(accept, "gzip")

    assert gzip.decompress(zipped.body) == plain.body
    assert len(zipped.body) < len(plain.body) / 3


@pytest.mark.parametrize("accept_encoding", ["", "gzip"])
@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_headers_say_length_and_what_the_answer_depends_on(
    accept: str, accept_encoding: str
) -> None:
    rendered = page().get(accept, accept_encoding)
    headers = dict(rendered.headers)

    assert len(headers) == len(rendered.headers)
    assert b"%d" % len(rendered.body) == headers[b"content-length"]
    assert headers[b"vary"] == b"Accept, Accept-Encoding"


def test_gzip_of_equal_pages_is_equal() -> None:
    assert page().get("", "gzip") == page().get("", "gzip")
