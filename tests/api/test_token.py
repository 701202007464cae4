"""The bearer token: sent to whom it is meant for, and shown to nobody."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.endpoints import CACHE, ENDPOINTS, HEALTH
from exporter.catalogue.verdicts import Verdict
from exporter.settings import Api
from tests.api.backend import answer, hang, json_answer, reset, serving, then_close

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.backend import Script
    from tests.api.conftest import Ask

TOKEN = "r3ad-0nly_T0ken.with~chars+/="  # noqa: S105 - a token for tests
PUBLIC = {"health", "ml", "edge_worker", "jobs", "ingestion"}


async def test_only_endpoints_that_ask_for_it_get_the_token(ask: Ask) -> None:
    async with serving() as backend:
        for endpoint in ENDPOINTS:
            await ask(backend, endpoint, token=TOKEN)

    sent = [asked.headers.get("authorization") for asked in backend.asked]
    assert sent == [None if e.name in PUBLIC else f"Bearer {TOKEN}" for e in ENDPOINTS]


async def test_without_a_token_none_is_sent(ask: Ask) -> None:
    async with serving() as backend:
        await ask(backend)

    assert "authorization" not in backend.asked[0].headers


async def test_the_file_is_read_again_when_it_changes(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "token"
    async with serving() as backend:
        for text in (f"{TOKEN}1\n", f"  {TOKEN}2", ""):
            path.write_text(text)
            await ask(backend, token_file=path)

    sent = [asked.headers.get("authorization") for asked in backend.asked]
    assert [f"Bearer {TOKEN}1", f"Bearer {TOKEN}2", None] == sent


@pytest.mark.parametrize(
    "token", [f"{TOKEN}\n{TOKEN}", f"{TOKEN}\r\nx: y", f"{TOKEN}é", f"{TOKEN}\0", f"a\t{TOKEN}"]
)
async def test_a_token_that_no_header_can_carry_is_not_sent(ask: Ask, token: str) -> None:
    async with serving() as backend:
        got = await ask(backend, token=token)
        public = await ask(backend, HEALTH, token=token)

    assert Verdict.UNAUTHORIZED is got.verdict
    assert got.detail == "the token has characters that no HTTP header can carry"
    assert Verdict.OK is public.verdict
    assert [HEALTH.path] == [asked.target for asked in backend.asked]


async def test_a_token_file_that_cannot_be_read_costs_what_needs_it(
    ask: Ask, tmp_path: Path
) -> None:
    async with serving() as backend:
        got = await ask(backend, token_file=tmp_path / "absent")
        public = await ask(backend, HEALTH)

    assert Verdict.UNAUTHORIZED is got.verdict
    assert got.detail == "the token file cannot be read (FileNotFoundError)"
    assert Verdict.OK is public.verdict


async def test_a_token_file_that_is_no_text_is_not_sent(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe")
    async with serving() as backend:
        got = await ask(backend, token_file=path)

    assert Verdict.UNAUTHORIZED is got.verdict
    assert got.detail == "the token file cannot be read (UnicodeDecodeError)"
    assert not backend.asked


async def test_a_redirect_to_another_host_does_not_take_the_token_along(ask: Ask) -> None:
    async with serving() as other, serving(answer(302, location=f"{other.url}/x")) as backend:
        await ask(backend, token=TOKEN)

    assert not other.asked


async def test_the_token_is_in_no_answer_no_log_and_no_error(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)
    echo = f'{{"status": "error", "error": "{TOKEN}"}}'.encode()
    faults: list[bytes | Script] = [
        answer(200, echo),
        answer(401, echo),
        answer(500, echo),
        answer(302, echo, location=f"/?token={TOKEN}"),
        answer(200, TOKEN.encode()),
        answer(200, b"", content_encoding=TOKEN),
        then_close(f"HTTP/1.1 {TOKEN}\r\n\r\n".encode()),
        then_close(b""),
        reset,
        hang,
        json_answer({}),
    ]
    answers = []
    async with serving(*faults) as backend:
        answers += [await ask(backend, CACHE, token=TOKEN, deadline_s=0.2) for _ in faults]
    answers.append(await ask(backend, CACHE, token=TOKEN))

    assert len({got.verdict for got in answers}) >= 6
    assert TOKEN not in caplog.text
    assert not any(TOKEN in repr(got) for got in answers)
    assert TOKEN not in repr(Api.model_validate({"token": TOKEN}))
