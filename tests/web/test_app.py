from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from exporter.settings import ConfigurationError
from exporter.web.app import PAGE_HEADERS, WebOptions, create_app

if TYPE_CHECKING:
    from exporter.web.contract import ASGIApp
from tests.web.fake_exporter import NOW, FakeExporter, FakeVerdict, browse

PAGES = ("/", "/-/healthy", "/-/ready", "/static/ops.css", "/nope", "/probe", "/runbook")
READS = ("/metrics", "/probe?target=staging", *PAGES)


def app_of(
    exporter: FakeExporter, *, telemetry_path: str = "/metrics", enable_lifecycle: bool = False
) -> ASGIApp:
    web = WebOptions(
        version="1.2.3", telemetry_path=telemetry_path, enable_lifecycle=enable_lifecycle
    )
    return create_app(exporter, web=web, clock=lambda: NOW)


async def test_metrics_are_the_page_of_the_first_target_as_it_was_rendered() -> None:
    exporter = FakeExporter()
    async with browse(app_of(exporter)) as client:
        answer = await client.get(
            "/metrics", headers={"accept": "text/plain", "accept-encoding": "gzip"}
        )

    assert (answer.status_code, answer.text) == (200, "ops_up 1 # default\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert exporter.pages["default"].asked == [("text/plain", "gzip")]


async def test_the_metrics_path_can_be_another_one() -> None:
    async with browse(app_of(FakeExporter(), telemetry_path="/prom")) as client:
        assert (await client.get("/prom")).text == "ops_up 1 # default\n"
        assert (await client.get("/metrics")).status_code == 404
        assert 'href="/prom"' in (await client.get("/")).text


@pytest.mark.parametrize(
    "path", ["metrics", "/", "/probe", "/-/metrics", "/static/x", "/m?x", "/m{x}", "", "/a b"]
)
def test_a_metrics_path_that_is_taken_or_no_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r'^--web\.telemetry-path: "'):
        WebOptions(telemetry_path=path)


async def test_probe_serves_any_target_by_name() -> None:
    async with browse(app_of(FakeExporter())) as client:
        assert (await client.get("/probe?target=staging")).text == "ops_up 1 # staging\n"


async def test_probe_of_an_unknown_target_names_the_known_ones() -> None:
    async with browse(app_of(FakeExporter())) as client:
        answer = await client.get("/probe?target=<b>")

    assert answer.status_code == 404
    assert answer.text == "There is no such target.\nKnown targets: default, staging\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("query", ["", "?target=", "?other=default"])
async def test_probe_without_a_target_says_how(query: str) -> None:
    async with browse(app_of(FakeExporter())) as client:
        answer = await client.get(f"/probe{query}")

    assert answer.status_code == 400
    assert answer.text.startswith("Say which target: /probe?target=NAME.\n")


async def test_healthy_does_not_depend_on_being_ready() -> None:
    async with browse(app_of(FakeExporter(ready=False))) as client:
        assert (await client.get("/-/healthy")).status_code == 200
        assert (await client.get("/-/ready")).status_code == 503


async def test_ready_once_the_pollers_run() -> None:
    async with browse(app_of(FakeExporter())) as client:
        assert (await client.get("/-/ready")).text == "ready\n"


async def test_poll_says_what_was_asked_joined_and_too_soon() -> None:
    exporter = FakeExporter()
    async with browse(app_of(exporter)) as client:
        answer = await client.post("/-/poll?target=staging")
        await client.post("/-/poll")

    assert answer.json() == {
        "asked": ["health", "pool"],
        "joined": ["cache"],
        "too_soon": ["workers"],
    }
    assert exporter.polled == ["staging", None]


async def test_poll_of_an_unknown_target_names_the_known_ones() -> None:
    exporter = FakeExporter()
    async with browse(app_of(exporter)) as client:
        answer = await client.post("/-/poll?target=x")

    assert (answer.status_code, exporter.polled) == (404, [])
    assert "default, staging" in answer.text


async def test_reload_needs_the_flag_and_says_which() -> None:
    exporter = FakeExporter()
    async with browse(app_of(exporter)) as client:
        answer = await client.post("/-/reload")

    assert (answer.status_code, exporter.reloads) == (403, 0)
    assert "--web.enable-lifecycle" in answer.text


async def test_reload_reloads() -> None:
    exporter = FakeExporter()
    async with browse(app_of(exporter, enable_lifecycle=True)) as client:
        answer = await client.post("/-/reload")

    assert (answer.status_code, exporter.reloads) == (200, 1)


async def test_a_reload_that_fails_is_500_with_every_problem() -> None:
    exporter = FakeExporter(problem="poll.interval: 1: write a number and s")
    async with browse(app_of(exporter, enable_lifecycle=True)) as client:
        answer = await client.post("/-/reload")

    assert answer.status_code == 500
    assert "poll.interval: 1: write a number and s" in answer.text


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reading_changes_nothing(method: str, path: str) -> None:
    exporter = FakeExporter()
    before = copy.deepcopy((exporter.ready, exporter.shown, exporter.polled, exporter.reloads))
    async with browse(app_of(exporter, enable_lifecycle=True)) as client:
        await client.request(method, path)

    assert before == (exporter.ready, exporter.shown, exporter.polled, exporter.reloads)


@pytest.mark.parametrize("path", ["/-/poll", "/-/reload"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_what_acts_takes_post_only(method: str, path: str) -> None:
    exporter = FakeExporter()
    async with browse(app_of(exporter, enable_lifecycle=True)) as client:
        answer = await client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (exporter.polled, exporter.reloads) == ([], 0)


@pytest.mark.parametrize("path", ["/", "/metrics", "/probe", "/-/healthy", "/-/ready", "/runbook"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_what_reads_takes_get_and_head_only(method: str, path: str) -> None:
    async with browse(app_of(FakeExporter())) as client:
        answer = await client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/metrics", "/probe?target=default", "/-/healthy"])
async def test_head_is_get_without_the_body(path: str) -> None:
    async with browse(app_of(FakeExporter())) as client:
        get, head = await client.get(path), await client.head(path)

    assert (head.status_code, head.headers) == (get.status_code, get.headers)


@pytest.mark.parametrize("path", ["/nope", "/runbook/", "/-/", "/static/../app.py", "/static/x"])
async def test_an_unknown_path_is_404_in_plain_text(path: str) -> None:
    async with browse(app_of(FakeExporter())) as client:
        answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_but_the_metrics_has_the_security_headers(path: str) -> None:
    async with browse(app_of(FakeExporter())) as client:
        headers = (await client.get(path)).headers

    for name, value in PAGE_HEADERS:
        if (path, name) != ("/static/ops.css", b"cache-control"):
            assert headers[name.decode()] == value.decode()
    assert "'unsafe" not in headers["content-security-policy"]
    assert not any(name.startswith("access-control") for name in headers)


async def test_no_page_holds_script_or_style_that_its_policy_forbids() -> None:
    async with browse(app_of(FakeExporter())) as client:
        page = (await client.get("/")).text

    assert "<script" not in page
    assert "style=" not in page
    assert "<style" not in page


async def test_the_landing_page_says_each_verdict_in_words_and_with_a_sign() -> None:
    exporter = FakeExporter(
        shown=[
            FakeVerdict(),
            FakeVerdict(endpoint="models", verdict="http_error", duration_s=1.25, detail="500"),
            FakeVerdict(endpoint="jobs", verdict=None, duration_s=None, last_success=None),
            FakeVerdict(endpoint="pool", verdict="something_new", interval_s=300),
        ]
    )
    async with browse(app_of(exporter)) as client:
        page = (await client.get("/")).text

    for text in ("✔</span>ok", "✖</span>HTTP error", "…</span>not asked yet", "something_new"):
        assert text in page
    for text in ("12 ms", "1.2 s", "30 s ago", "never", "every 5 min", "1.2.3", "2 of 4 endpoints"):
        assert text in page


async def test_what_a_backend_does_not_offer_has_no_last_success() -> None:
    exporter = FakeExporter(
        shown=[FakeVerdict(), FakeVerdict(endpoint="jobs", verdict="not_offered")]
    )
    async with browse(app_of(exporter)) as client:
        page = (await client.get("/")).text

    assert "○</span>not offered" in page
    assert page.count("30 s ago") == 1
    assert "1 ok, 1 not offered" in page


async def test_a_hostile_name_or_detail_is_shown_as_text() -> None:
    hostile = "<script>alert('x')</script>\"&"
    exporter = FakeExporter(
        shown=[FakeVerdict(target=hostile, endpoint=hostile, verdict=hostile, detail=hostile)]
    )
    async with browse(app_of(exporter)) as client:
        page = (await client.get("/")).text

    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)" in page
    assert 'href="/probe?target=%3Cscript%3E' in page


async def test_the_landing_page_without_targets_says_so() -> None:
    async with browse(app_of(FakeExporter(shown=[]))) as client:
        assert "No backend is being watched yet." in (await client.get("/")).text
