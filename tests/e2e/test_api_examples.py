"""Every example of the API's document and of its page works; the page is one for everybody."""

from __future__ import annotations

import argparse
import re
import shlex
import uuid
from html import unescape
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from exporter.service.api import description
from exporter.service.api.describing import operations
from tests.conftest import ROOT
from tests.e2e.browser import DESKTOP, PHONE, looking, overflow, violations
from tests.e2e.calling import Callers, callers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

_BLOCK: Final = re.compile(r"<!-- example -->\n```sh\n(.*?)```", re.DOTALL)
DOCS: Final = (ROOT / "docs" / "api.md").read_text("utf-8")
# What the examples are about is not there: an answer all the same, but not this one.
ABSENT: Final = frozenset(("retry_job", "cancel_job"))


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory, alertmanager: Path) -> Iterator[Callers]:
    with callers(tmp_path_factory.mktemp("api"), alertmanager) as running:
        yield running


def curl(command: str) -> httpx.Response:
    """Do what curl would do."""
    flags = argparse.ArgumentParser(exit_on_error=False)
    flags.add_argument("url")
    flags.add_argument("-X", dest="method")
    flags.add_argument("-H", dest="headers", action="append", default=[])
    flags.add_argument("--json")
    program, *words = shlex.split(command)
    assert program == "curl"
    told = flags.parse_args(words)
    headers = dict(header.split(": ", 1) for header in told.headers)
    if told.json is not None:
        headers["content-type"] = headers["accept"] = "application/json"
    method = told.method or ("GET" if told.json is None else "POST")
    return httpx.request(method, told.url, headers=headers, content=told.json, trust_env=False)


def filled(command: str, scripts: Callers, token: str) -> str:
    """Put in what a shell would."""
    text = command.replace("$OPS", scripts.stand.home).replace("$TOKEN", token)
    return text.replace("$(uuidgen)", str(uuid.uuid4()))


def test_every_example_of_the_document_works(scripts: Callers) -> None:
    blocks = _BLOCK.findall(DOCS)
    assert DOCS.count('curl "$OPS') + DOCS.count("curl -X") == sum(
        block.count("curl ") for block in blocks
    )

    for block in blocks:
        for command in block.replace("\\\n", " ").strip().splitlines():
            answer = curl(filled(command, scripts, scripts.token))
            assert answer.is_success, (command, answer.text)


def test_every_example_of_the_page_works(browser: Browser, scripts: Callers) -> None:
    with looking(browser, scripts.stand) as page:
        page.goto("/api/docs")
        text = page.content()
    found = dict(
        re.findall(r'class="operation" id="(\w+)">.*?<code>(curl .*?)</code>', text, re.DOTALL)
    )
    assert set(found) == {one.id for group in operations(description()).values() for one in group}
    # Looking comes last: what is looked at was made by then.
    for name in sorted(found, key=lambda name: ("-X" not in found[name], name == "withdraw", name)):
        command = filled(unescape(found[name]).replace("\\\n", " "), scripts, scripts.tokens[1])
        answer = curl(command)
        if name in ABSENT:
            assert answer.status_code == httpx.codes.CONFLICT, (command, answer.text)
        elif name == "put_preferences" and answer.status_code == httpx.codes.PRECONDITION_FAILED:
            version = answer.headers["etag"]
            assert curl(command.replace('"0"', version)).is_success
        else:
            assert answer.is_success, (command, answer.text)


@pytest.mark.parametrize(
    ("size", "dark", "javascript"),
    [
        (DESKTOP, False, True),
        (DESKTOP, True, True),
        (PHONE, False, True),
        (PHONE, True, False),
    ],
    ids=["desktop", "desktop-dark", "phone", "phone-dark-without-javascript"],
)
def test_the_page_is_for_everybody(
    browser: Browser, scripts: Callers, size: tuple[int, int], *, dark: bool, javascript: bool
) -> None:
    with looking(browser, scripts.stand, size=size, dark=dark, javascript=javascript) as page:
        page.get_by_role("link", name="JSON API").click()
        page.wait_for_url("**/api/docs")
        for name in ("ingest", "put_preferences", "model-Record"):
            page.locator(f"#{name} > summary").click()
        page.get_by_text("$(uuidgen)").first.wait_for()

        assert overflow(page) == 0
        if javascript:
            assert violations(page) == []
