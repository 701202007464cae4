from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.actions.model import InputError
from exporter.service.sites import Sites
from exporter.settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = {"first": "http://one/api", "second": "http://two"}


class Outside:
    """Remembers what was asked of whom, and with which token."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, _: str) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization", "")
        self.asked.append((request.method, str(request.url), token))
        return httpx.Response(200, json={})


def sites(outside: Callable[[str], httpx.AsyncBaseTransport], token_file: Path) -> Sites:
    targets = [{"name": name, "url": url, "token": f"r-{name}"} for name, url in NAMES.items()]
    settings = ServiceSettings(
        targets=targets, admin_token_file=token_file, exporter_url="http://exporter"
    )
    return Sites(settings, outside)


async def test_each_backend_is_asked_at_its_own_address(tmp_path: Path) -> None:
    file, outside = tmp_path / "token", Outside()
    file.write_text("a-token-to-act\n")
    both = sites(outside, file)

    await (await both.site("second")).upstream.post("/x")
    await (await both.site("")).upstream.post("/y")
    file.write_text("another-token\n")
    await both.upstream("first").post("/z")
    await both.upstream("second").get("/jobs")
    await both.close()

    assert both.backends == ("first", "second")
    assert [one for one in outside.asked if "probe" not in one[1]] == [
        ("POST", "http://two/x", "Bearer a-token-to-act"),
        ("POST", "http://one/api/y", "Bearer a-token-to-act"),
        # The file is read each time: a new token needs no restart.
        ("POST", "http://one/api/z", "Bearer another-token"),
        ("GET", "http://two/jobs", "Bearer r-second"),
    ]


async def test_the_exporter_gets_no_token(tmp_path: Path) -> None:
    file, outside = tmp_path / "token", Outside()
    file.write_text("a-token-to-act\n")
    both = sites(outside, file)

    await (await both.site("second")).exporter.post("/-/poll?target=second")
    await both.close()

    assert outside.asked == [
        ("GET", "http://exporter/probe?target=second", ""),
        ("POST", "http://exporter/-/poll?target=second", ""),
    ]


async def test_a_backend_that_there_is_not_is_refused(tmp_path: Path) -> None:
    both = sites(Outside(), tmp_path / "token")

    with pytest.raises(InputError, match=r"no such backend; there are first, second\."):
        await both.site("third")

    assert both.name("") == "first"
