"""The table "Answer to status" of the public interface, row by row, over a real connection."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue.endpoints import (
    BACKEND_METRICS,
    CACHE,
    ENDPOINTS,
    HEALTH,
    INGESTION,
    RECOMMENDATIONS,
)
from exporter.catalogue.verdicts import FAILURES, Verdict
from exporter.collectors import collect
from exporter.collectors.reading import Context, SchemaError
from tests.api.backend import answer, json_answer, serving

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint
    from tests.api.conftest import Ask

STATUSES = [
    (200, Verdict.OK),
    (201, Verdict.OK),
    (404, Verdict.NOT_OFFERED),
    (405, Verdict.NOT_OFFERED),
    (501, Verdict.NOT_OFFERED),
    (401, Verdict.UNAUTHORIZED),
    (403, Verdict.UNAUTHORIZED),
    (300, Verdict.HTTP_ERROR),
    (301, Verdict.HTTP_ERROR),
    (302, Verdict.HTTP_ERROR),
    (304, Verdict.HTTP_ERROR),
    (307, Verdict.HTTP_ERROR),
    (400, Verdict.HTTP_ERROR),
    (402, Verdict.HTTP_ERROR),
    (406, Verdict.HTTP_ERROR),
    (410, Verdict.HTTP_ERROR),
    (422, Verdict.HTTP_ERROR),
    (429, Verdict.HTTP_ERROR),
    (500, Verdict.HTTP_ERROR),
    (502, Verdict.HTTP_ERROR),
    (503, Verdict.HTTP_ERROR),
    (504, Verdict.HTTP_ERROR),
]


@pytest.mark.parametrize(("status", "verdict"), STATUSES)
async def test_each_http_status_has_its_verdict(ask: Ask, status: int, verdict: Verdict) -> None:
    body = b"" if status == 304 else b'{"hit_rate": 50.0, "detail": "s3cret text"}'
    async with serving(answer(status, body)) as backend:
        got = await ask(backend)

    assert verdict is got.verdict
    assert "s3cret" not in got.detail
    assert (got.payload is None) == (verdict is not Verdict.OK)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_health_endpoint_that_is_not_there_is_a_failure(ask: Ask, status: int) -> None:
    """A wrong base URL answers everything so, and must not look like an old backend."""
    async with serving(answer(status)) as backend:
        got = await ask(backend, HEALTH)

    assert (Verdict.HTTP_ERROR, f"HTTP {status}") == (got.verdict, got.detail)


@pytest.mark.parametrize(
    "location", ["/elsewhere", "http://[broken", "https://elsewhere.invalid/", "", "ftp://x\\y"]
)
async def test_a_redirect_is_an_error_and_not_followed_wherever_it_points(
    ask: Ask, location: str
) -> None:
    async with serving(answer(302, location=location), json_answer({})) as backend:
        got = await ask(backend)

    assert (got.verdict, got.detail) == (Verdict.HTTP_ERROR, "HTTP 302")
    assert len(backend.asked) == 1


@pytest.mark.parametrize(
    ("body", "verdict", "detail"),
    [
        (b"", Verdict.INVALID, "not JSON"),
        (b"<html><body>Sign in</body></html>", Verdict.INVALID, "not JSON"),
        (b"ok", Verdict.INVALID, "not JSON"),
        (b'{"hit_rate": 50', Verdict.INVALID, "not JSON"),
        (b'{"hit_rate": 50,}', Verdict.INVALID, "not JSON"),
        (b'{"hit_rate": 50} trailing', Verdict.INVALID, "not JSON"),
        (b'{"hit_rate": "\xff\xfe"}', Verdict.INVALID, "not JSON"),
        (b"[" * 50_000 + b"]" * 50_000, Verdict.INVALID, "not JSON"),
        (b'{"a":' * 19_000, Verdict.INVALID, "not JSON"),
        (b'{"status": "error", "error": "s3cret"}', Verdict.STATUS_ERROR, None),
        (b'{"status": " ERROR "}', Verdict.STATUS_ERROR, "the body says status: error"),
        (b'{"status": "not_applicable"}', Verdict.NOT_APPLICABLE, None),
        (b'{"status": "unhealthy"}', Verdict.OK, ""),
        (b'{"status": 500}', Verdict.OK, ""),
        (b'{"status": null}', Verdict.OK, ""),
        (b"null", Verdict.OK, ""),
        (b"[]", Verdict.OK, ""),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_200_is_judged_by_its_body(
    ask: Ask, body: bytes, verdict: Verdict, detail: str | None
) -> None:
    async with serving(answer(200, body)) as backend:
        got = await ask(backend)

    assert verdict is got.verdict
    assert detail is None or detail == got.detail
    assert "s3cret" not in got.detail


async def test_a_health_endpoint_that_says_error_is_a_failure(ask: Ask) -> None:
    async with serving(json_answer({"status": "error", "components": {}})) as backend:
        got = await ask(backend, HEALTH)

    assert Verdict.STATUS_ERROR is got.verdict


@pytest.mark.parametrize("status", ["not_applicable", "unhealthy", "down", "healthy"])
async def test_what_health_says_of_the_product_is_an_answer(ask: Ask, status: str) -> None:
    async with serving(json_answer({"status": status})) as backend:
        got = await ask(backend, HEALTH)

    assert (Verdict.OK, {"status": status}) == (got.verdict, got.payload)


async def test_a_feature_that_is_switched_off_is_neither_an_outage_nor_read(ask: Ask) -> None:
    body = {"status": "not_applicable", "time_window_days": 7, "metrics": {}}
    async with serving(json_answer(body)) as backend:
        got = await ask(backend, RECOMMENDATIONS)

    assert (got.verdict, got.payload) == (Verdict.NOT_APPLICABLE, None)
    assert got.verdict.success


UNHEALTHY = {"status": "unhealthy", "services": {"redis": "unhealthy: x", "qdrant": "healthy"}}


@pytest.mark.parametrize(
    ("endpoint", "status", "body", "verdict"),
    [
        (INGESTION, 503, UNHEALTHY, Verdict.OK),
        (INGESTION, 200, [UNHEALTHY, 503], Verdict.OK),
        (INGESTION, 503, {"detail": "Queue unavailable"}, Verdict.HTTP_ERROR),
        (INGESTION, 503, {"services": "gone"}, Verdict.HTTP_ERROR),
        (INGESTION, 503, [UNHEALTHY, 503], Verdict.OK),
        (INGESTION, 503, [{"detail": "x"}, 503], Verdict.HTTP_ERROR),
        (INGESTION, 503, [503, UNHEALTHY], Verdict.HTTP_ERROR),
        (INGESTION, 503, [], Verdict.HTTP_ERROR),
        (INGESTION, 500, [UNHEALTHY, 503], Verdict.HTTP_ERROR),
        (CACHE, 503, [UNHEALTHY, 503], Verdict.HTTP_ERROR),
        (INGESTION, 503, None, Verdict.HTTP_ERROR),
        (INGESTION, 500, UNHEALTHY, Verdict.HTTP_ERROR),
        (CACHE, 503, UNHEALTHY, Verdict.HTTP_ERROR),
        (HEALTH, 503, UNHEALTHY, Verdict.HTTP_ERROR),
    ],
)
async def test_only_ingestion_health_may_answer_503_and_only_with_its_services(
    ask: Ask, endpoint: Endpoint, status: int, body: Any, verdict: Verdict
) -> None:
    async with serving(json_answer(body, status)) as backend:
        got = await ask(backend, endpoint)

    assert verdict is got.verdict
    assert got.detail == ("" if verdict is Verdict.OK else f"HTTP {status}")


async def test_a_503_of_ingestion_health_that_is_no_json_is_an_http_error(ask: Ask) -> None:
    async with serving(answer(503, b"<html>upstream</html>")) as backend:
        got = await ask(backend, INGESTION)

    assert (got.verdict, got.detail) == (Verdict.HTTP_ERROR, "HTTP 503")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 400, "-1"])
async def test_one_bad_number_costs_itself_alone(ask: Ask, number: str) -> None:
    body = f'{{"hit_rate": {number}, "miss_rate": 25.0, "size_mb": 2.0, "eviction_rate": 0.0'
    async with serving(answer(200, f'{body}, "top_keys": []}}'.encode())) as backend:
        got = await ask(backend)

    reading = collect(got, Context(received_at=got.received_at))
    assert Verdict.OK is got.verdict
    assert {sample.metric.name: sample.value for sample in reading.samples} == {
        "ops_cache_size_bytes": 2e6,
        "ops_cache_evictions_per_second": 0.0,
    }
    assert reading.missing == ["hit_rate"]
    assert all(math.isfinite(sample.value) for sample in reading.samples)


async def test_of_a_name_that_stands_twice_the_last_counts(ask: Ask) -> None:
    body = b'{"status": "error", "cache_stats": {}, "status": "ok"}'
    async with serving(answer(200, body)) as backend:
        got = await ask(backend)

    assert (got.verdict, got.payload) == (Verdict.OK, {"status": "ok", "cache_stats": {}})


@pytest.mark.parametrize(
    ("body", "verdict", "detail"),
    [
        (b"# nothing\n", Verdict.OK, ""),
        (b"\n <!doctype html><p>hello</p>", Verdict.INVALID, "not Prometheus text"),
        (b"x 1\n\xff\n", Verdict.INVALID, "not Prometheus text"),
    ],
)
async def test_the_backends_own_page_is_text_and_no_markup(
    ask: Ask, body: bytes, verdict: Verdict, detail: str
) -> None:
    async with serving(answer(200, body, content_type="text/plain")) as backend:
        got = await ask(backend, BACKEND_METRICS)

    assert (verdict, detail) == (got.verdict, got.detail)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("payload", [None, 1, "text", [1], {}, {"detail": "s3cret"}])
async def test_a_wrong_top_level_shape_is_a_schema_error_that_quotes_nothing(
    ask: Ask, endpoint: Endpoint, payload: Any
) -> None:
    """Lists are what the designed histories are, so their rows are judged one by one."""
    async with serving(json_answer(payload)) as backend:
        got = await ask(backend, endpoint)

    assert Verdict.OK is got.verdict
    if endpoint.name in {"jobs", "event_history"} and payload == [1]:
        reading = collect(got, Context(received_at=0.0))
        assert len(reading.missing) == 1
    else:
        with pytest.raises(SchemaError) as raised:
            collect(got, Context(received_at=0.0))
        assert "s3cret" not in str(raised.value)
        assert str(raised.value).startswith("expected ")


def test_every_verdict_is_a_success_or_a_reason_of_failure() -> None:
    assert set(FAILURES) == {verdict for verdict in Verdict if not verdict.success}
    assert [verdict for verdict in Verdict if verdict.success] == [
        Verdict.OK,
        Verdict.NOT_APPLICABLE,
        Verdict.NOT_OFFERED,
    ]
