from __future__ import annotations

import pytest

from exporter.web.app import WebOptions, create_app
from exporter.web.origin import foreign
from tests.web.fake_exporter import FakeExporter, browse

HERE = "http://127.0.0.1:9847"


async def post(path: str, headers: dict[str, str], base_url: str = HERE) -> tuple[int, bool]:
    """Return the status of a POST, and whether anything happened."""
    exporter = FakeExporter()
    app = create_app(exporter, web=WebOptions(enable_lifecycle=True))
    async with browse(app, base_url=base_url) as client:
        answer = await client.post(path, headers=headers)
    return answer.status_code, bool(exporter.polled or exporter.reloads)


@pytest.mark.parametrize("path", ["/-/poll", "/-/reload"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9848"},
        {"origin": "https://127.0.0.1:9847"},
        {"origin": "http://localhost:9847"},
        {"origin": "http://127.0.0.1:99999"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": HERE, "host": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": HERE},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    ],
)
async def test_another_sites_page_cannot_act(path: str, headers: dict[str, str]) -> None:
    assert await post(path, headers) == (403, False)


@pytest.mark.parametrize("path", ["/-/poll", "/-/reload"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": HERE},
        {"origin": "HTTP://127.0.0.1:9847"},
        {"sec-fetch-site": "same-origin", "origin": HERE},
        {"sec-fetch-site": "none"},
    ],
)
async def test_scripts_and_our_own_pages_can_act(path: str, headers: dict[str, str]) -> None:
    assert await post(path, headers) == (200, True)


async def test_a_browser_leaves_out_the_usual_port() -> None:
    headers = {"origin": "https://ops.example"}
    assert await post("/-/poll", headers, "https://ops.example:443") == (200, True)


@pytest.mark.parametrize(
    ("origin", "right"),
    [
        ("https://ops.example", True),
        ("https://ops.example:443", True),
        ("http://10.0.0.7:9848", True),
        ("http://ops.example", False),
        ("https://evil.example", False),
        ("", False),
        ("null", False),
    ],
)
def test_behind_a_proxy_the_address_that_users_see_is_ours_too(origin: str, *, right: bool) -> None:
    headers = [(b"host", b"10.0.0.7:9848"), (b"origin", origin.encode())]
    scope = {"scheme": "http", "headers": headers}

    assert right is (foreign(scope, "https://ops.example/ops-actions") == "")
