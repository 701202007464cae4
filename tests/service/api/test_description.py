"""The description of the API, the page that shows it, and the document that explains it."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.service.api import description
from exporter.service.api.describing import kind, operations
from exporter.service.api.problems import ALWAYS, KINDS, MEDIA_TYPE
from tests.conftest import ROOT
from tests.service.api.calling import Place, calling

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

DOCS: Final = (ROOT / "docs" / "api.md").read_text("utf-8")
HTTP_PROBLEM: Final = 400


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        yield place


def every() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [operation["operationId"] for _, _, operation in every()]

    assert len(names) == len(set(names))
    for name, (_, _, operation) in zip(names, every(), strict=True):
        assert re.fullmatch(r"[a-z_]+", name)
        assert operation["summary"]
        assert operation["description"].endswith("."), name


def test_every_problem_is_described_as_one() -> None:
    for path, method, operation in every():
        statuses = {int(status) for status in operation["responses"]}
        assert {kind.status for kind in ALWAYS} <= statuses, path
        for status, answer in operation["responses"].items():
            assert answer["description"]
            media = MEDIA_TYPE if int(status) >= HTTP_PROBLEM else "application/json"
            assert list(answer["content"]) == [media], (path, method, status)
        if method == "post":
            assert {400, 408, 413, 415, 429} <= statuses
            (key,) = [one for one in operation["parameters"] if one["name"] == "Idempotency-Key"]
            assert key["required"]
        if method == "get":
            assert "requestBody" not in operation


def test_every_object_that_is_sent_or_told_is_whole() -> None:
    for name, schema in description()["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name
        for field, told in schema.get("properties", {}).items():
            assert kind(told).text != "anything" or name == "Record", (name, field)


async def test_the_page_shows_every_operation_and_problem(place: Place) -> None:
    async with place.service.signed_in("vic") as client:
        answer = await client.get("/api/docs")

    text = unescape(answer.text)
    assert answer.status_code == 200
    for path, method, operation in every():
        assert f'id="{operation["operationId"]}"' in text
        assert f"{method.upper()}</span> <code>{path}<" in text
    for each in KINDS:
        assert f"<code>{each.slug}</code>" in text
    for ref in re.findall(r'href="#([^"]+)"', text):
        assert f'id="{ref}"' in text


async def test_the_page_comes_from_here_alone(place: Place) -> None:
    async with place.service.signed_in("vic") as client:
        answer = await client.get("/api/docs")

    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.search(r" (style|on\w+)=", answer.text)
    assert not re.search(r'(src|href)="(?!/|#)', answer.text)


async def test_people_may_have_the_description_too_and_strangers_may_not(place: Place) -> None:
    async with place.service.signed_in("vic") as client, place.service.browser() as stranger:
        told = await client.get("/api/docs/openapi.json")
        for path in ("/api/docs", "/api/docs/openapi.json"):
            refused = await stranger.get(path)
            assert refused.status_code == 303
            assert "openapi" not in refused.text

    async with place.script("metrics") as script:
        assert (await script.get("/openapi.json")).json() == told.json()
    assert told.json()["servers"] == [{"url": "/api"}]


def test_examples_are_what_the_description_allows() -> None:
    found = {one.id: one for group in operations(description()).values() for one in group}

    assert json.loads(found["ingest"].example) == {"repo_url": "https://github.com/owner/name"}
    assert json.loads(found["refresh"].example or "0") == {}
    assert found["preview_acknowledge"].query == (
        "?alertname=OpsModuleDown&label=backend=default&label=module=auth"
    )
    assert found["list_firing"].query == ""


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "maxLength": 5}, "text, 5 characters at most"),
        ({"type": "string", "format": "date-time"}, "moment"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number, 0 to 1"),
        ({"type": "integer", "minimum": 1, "maximum": 2147483647}, "whole number, from 1"),
        ({"enum": ["a", "b", ""], "type": "string"}, "a · b · nothing"),
        ({"const": True}, "true"),
        ({"$ref": "#/components/schemas/Job"}, "Job"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 3}, "list of text, 3 at most"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "by name: text"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"type": "object"}, "object"),
    ],
)
def test_a_type_is_told_in_words(schema: dict[str, Any], words: str) -> None:
    told = kind(schema)

    assert ", ".join(filter(None, (told.text, told.bounds))) == words


def test_the_document_has_every_problem_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.+) \|$", DOCS, re.MULTILINE)

    assert rows == [(each.slug, str(each.status), f"{each.title}. {each.means}") for each in KINDS]


def test_the_document_names_no_path_that_there_is_not() -> None:
    paths = [re.sub(r"{[^}]*}", "[0-9]+", path) for path in description()["paths"]]

    named = re.findall(r"\$OPS/api([^\"?]+)", DOCS)

    assert named
    for path in named:
        known = path == "/v1/openapi.json" or any(re.fullmatch(each, path) for each in paths)
        assert known, path
