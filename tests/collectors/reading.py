"""Reads payloads as the poller does, and shows what came of them in a line a series."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from exporter.api.answer import Answer
from exporter.api.client import ApiClient
from exporter.catalogue.verdicts import Verdict
from exporter.collectors import collect
from exporter.collectors.reading import Context
from exporter.settings import Api

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint, Metric
    from exporter.catalogue.sample import Sample
    from exporter.collectors.reading import Reading

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NOW = 1795446400.0  # some minutes after the recordings were made


def read(
    endpoint: Endpoint,
    payload: Any,
    memory: dict[str, Any] | None = None,
    *,
    at: float = NOW,
    whole_keys: bool = False,
) -> Reading:
    answer = Answer(
        endpoint=endpoint, verdict=Verdict.OK, duration_s=0.1, received_at=at, payload=payload
    )
    memory = {} if memory is None else memory
    return collect(answer, Context(received_at=at, memory=memory, whole_keys=whole_keys))


def series(sample: Sample) -> str:
    pairs = zip(sample.metric.labels, sample.labels, strict=True)
    labels = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in pairs)
    return f"{sample.metric.name}{{{labels}}}" if labels else sample.metric.name


def shown(reading: Reading) -> dict[str, float]:
    """Return series and value; of a state set the state that holds, after a look at the whole."""
    check(reading)
    return {
        series(sample): sample.value
        for sample in reading.samples
        if not sample.metric.states or sample.value == 1
    }


def check(reading: Reading) -> None:
    """Assert what is true of every reading, whatever was read."""
    names = [series(sample) for sample in reading.samples]
    assert len(names) == len(set(names)), "no series twice"
    sets: dict[tuple[Metric, tuple[str, ...]], dict[str, float]] = {}
    for sample in reading.samples:
        assert type(sample.value) is float
        assert math.isfinite(sample.value)
        assert len(sample.labels) == len(sample.metric.labels)
        for text in sample.labels:
            assert 0 < len(text) <= 128
            text.encode("utf-8")
        if sample.metric.states:
            *entity, state = sample.labels
            sets.setdefault((sample.metric, tuple(entity)), {})[state] = sample.value
    for (metric, _), states in sets.items():
        assert tuple(states) == metric.states
        assert sorted(states.values()) == [0.0] * (len(states) - 1) + [1.0]


async def replay(recorded: dict[str, Any], endpoint: Endpoint) -> Answer:
    """Return what the API client makes of a recorded answer."""
    body = recorded["body"]
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(recorded["status"], content=content))
    client = ApiClient(Api(), body_limit=2**23, transport=transport, wall=lambda: NOW)
    return await client.ask(endpoint, deadline_s=30.0)
