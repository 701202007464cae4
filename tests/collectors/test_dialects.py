"""Which dialect an answer is in: its fields tell, also where the envelope is lost or added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue.model import Dialect
from exporter.collectors.reading import SchemaError
from tests.collectors import deployed, designed
from tests.collectors.deployed import DEPLOYED, WRAPPED
from tests.collectors.designed import DESIGNED
from tests.collectors.reading import read, shown

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

NEW = DESIGNED[e.DATABASE]
OLD = {name: DEPLOYED[e.DATABASE][name] for name in ("database", "connection_pool")}


@pytest.mark.parametrize("endpoint", [e.DATABASE, e.POOL, e.CACHE], ids=lambda x: x.name)
def test_a_designed_answer_in_an_envelope_is_designed(endpoint: Endpoint) -> None:
    reading = read(endpoint, {**WRAPPED, **DESIGNED[endpoint]})

    assert reading.dialect is Dialect.DESIGNED
    assert shown(reading) == pytest.approx(designed.SAMPLES[endpoint])
    assert (reading.missing, reading.unknown) == ([], [])


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [(e.DATABASE, OLD), (e.CACHE, DEPLOYED[e.CACHE]["cache_stats"])],
    ids=["database", "cache"],
)
def test_a_deployed_answer_without_its_envelope_is_deployed(endpoint: Endpoint, body: Any) -> None:
    reading = read(endpoint, body)

    assert reading.dialect is Dialect.DEPLOYED
    assert shown(reading) == pytest.approx(deployed.SAMPLES[endpoint])
    assert (reading.missing, reading.unknown) == ([], [])


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"connection_pool": {"active": 1}}, Dialect.DESIGNED),
        ({**WRAPPED, "connection_pool": {"max": 1}}, Dialect.DESIGNED),
        ({**WRAPPED, "query_performance": {"slow_queries": 1}}, Dialect.DESIGNED),
        ({**WRAPPED, "table_stats": {}, "connection_pool": {}}, Dialect.DESIGNED),
        ({**NEW, "database": {"name": "x"}}, Dialect.DESIGNED),
        ({**NEW, "connection_pool": None, "status": "ok"}, Dialect.DESIGNED),
        ({"connection_pool": {"checked_out": 1}}, Dialect.DEPLOYED),
        ({"connection_pool": {"error": "x"}}, Dialect.DEPLOYED),
        ({"database": {"healthy": False}}, Dialect.DEPLOYED),
        ({"database": {"healthy": True}, "connection_pool": {"error": "x"}}, Dialect.DEPLOYED),
        ({**WRAPPED, "database": {"type": "x"}}, Dialect.DEPLOYED),
        ({**WRAPPED, "connection_pool": {}}, Dialect.DEPLOYED),
        ({**WRAPPED, **OLD, "table_stats": {}}, Dialect.DEPLOYED),
        ({"connection_pool": {}}, Dialect.DESIGNED),
    ],
)
def test_the_fields_of_a_database_answer_tell_its_dialect(body: Any, dialect: Dialect) -> None:
    assert read(e.DATABASE, body).dialect is dialect


@pytest.mark.parametrize("body", [{**WRAPPED}, {**WRAPPED, "database": "x"}, {"pool": {}}, []])
def test_an_envelope_alone_is_no_database_answer(body: Any) -> None:
    with pytest.raises(SchemaError):
        read(e.DATABASE, body)


@pytest.mark.parametrize(
    ("body", "ratio"),
    [
        ({"hit_rate": 0.75, "hits": 75, "misses": 25}, 0.75),
        ({"hit_rate": 1.0, "hits": 75, "misses": 0}, 1.0),
        ({"hit_rate": 75.0, "hits": 75, "misses": 25}, None),
        ({"hit_rate": 0.0, "hits": 0, "misses": 0}, None),
        ({"hit_rate": 0.75}, 0.0075),
        ({"hit_rate": 75.0, "size_mb": 1.0, "hits": 75, "misses": 25}, 0.75),
        ({"hit_rate": 75.0, "miss_rate": 25.0, "total_requests": 100}, 0.75),
    ],
)
def test_a_hit_rate_beside_hits_and_misses_is_a_share(body: Any, ratio: float | None) -> None:
    assert shown(read(e.CACHE, body)).get("ops_cache_hit_ratio") == ratio
