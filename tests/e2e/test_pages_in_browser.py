"""The pages of actions in a real browser, on a real product: with JavaScript and without."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import (
    DEADLINE_S,
    DESKTOP,
    PHONE,
    VIEWER,
    Stand,
    looking,
    overflow,
    violations,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

SPARSE = "/actions/generate-sparse-embeddings"
PAGES = (
    "/",
    "/actions/ingest",
    "/actions/ingest?repo_url=http://nowhere.example/a",
    "/actions/ingest?repo_url=github.com/owner/axe",
    "/actions/retry-job",
    "/actions/retry-job?job_id={failed}",
    "/actions/cancel-job",
    "/actions/cancel-job?job_id={failed}",
    "/actions/clear-cache",
    "/actions/refresh",
    SPARSE,
    "/jobs",
    "/jobs?status=failed&q=name",
    "/events",
    "/audit",
    "/audit/1",
    "/audit/999",
    "/logout",
)


@pytest.fixture(params=[True, False], ids=["with-javascript", "without-javascript"])
def page(request: pytest.FixtureRequest, browser: Browser, stand: Stand) -> Iterator[Page]:
    with looking(browser, stand, javascript=request.param) as opened:
        yield opened


def open_until(page: Page, url: str, text: str) -> None:
    """Open a page again and again until it says *text*: the exporter polls each second."""
    until = time.monotonic() + DEADLINE_S
    page.goto(url)
    while text not in page.inner_text("main"):
        assert time.monotonic() < until, page.inner_text("main")
        page.wait_for_timeout(200)
        page.goto(url)


def ingested(stand: Stand, repository: str) -> list[str]:
    """Return the states of the product's jobs for a repository."""
    return [job["status"] for job in stand.jobs() if job["repo_url"].endswith(repository)]


def job_of(stand: Stand, repository: str) -> str:
    return str(next(job["id"] for job in stand.jobs() if job["repo_url"].endswith(repository)))


def filled(stand: Stand) -> float:
    """Wait until there is something in the product's cache; return how many MB."""
    until = time.monotonic() + DEADLINE_S
    while not (size := float(stand.cache()["size_mb"])):
        assert time.monotonic() < until
        time.sleep(0.1)
    return size


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_url("**/audit/*")


def test_a_repository_is_ingested_after_a_mistake_and_a_confirmation(
    page: Page, stand: Stand
) -> None:
    name = f"owner/ingested-{int(time.monotonic() * 1e6)}"
    page.goto("/")
    page.locator(".tiles").get_by_role("link", name="Ingest a repository").click()
    field = page.get_by_label("Repository", exact=True)
    field.fill(f"http://github.com/{name}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Write https://, no other scheme")).to_be_visible()
    expect(field).to_have_value(f"http://github.com/{name}")
    expect(field).to_be_focused()
    field.fill(f"https://github.com/{name}")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(f"github.com/{name} will join the queue")).to_be_visible()
    assert ingested(stand, name) == []

    press(page, "Ingest")

    expect(page.get_by_text(f"github.com/{name} is in the queue")).to_be_visible()
    expect(page.locator(".result .mark")).to_contain_text("done")
    assert len(ingested(stand, name)) == 1
    page.reload()
    assert len(ingested(stand, name)) == 1
    page.goto("/actions/ingest")
    expect(page.get_by_role("link", name=f"github.com/{name}")).to_be_visible()


def test_a_job_is_cancelled_and_then_retried_from_the_list(page: Page, stand: Stand) -> None:
    name = f"owner/retried-{int(time.monotonic() * 1e6)}"
    page.goto(f"/actions/ingest?repo_url=github.com/{name}")
    press(page, "Ingest")
    job = job_of(stand, name)
    open_until(page, f"/actions/cancel-job?job_id={job}", "will be cancelled")
    open_until(page, "/actions/cancel-job", name)  # it is offered where none is named
    page.get_by_role("link", name=f"github.com/{name}").first.click()
    press(page, "Cancel the job")
    expect(page.get_by_text(f"The job {job} is cancelled.")).to_be_visible()
    assert ingested(stand, name) == ["failed"]

    open_until(page, f"/jobs?q={name}", "failed")
    page.get_by_text("Why", exact=False).first.click()
    expect(page.locator("details pre")).to_have_text("cancelled")
    open_until(page, f"/actions/retry-job?job_id={job}", "has failed")
    page.goto(f"/jobs?q={name}")
    page.get_by_role("link", name="Retry").click()
    press(page, "Retry")

    expect(page.get_by_text(f"github.com/{name} is in the queue")).to_be_visible()
    assert len(ingested(stand, name)) == 2


def test_the_cache_is_cleared_only_after_the_confirmation(page: Page, stand: Stand) -> None:
    before = filled(stand)
    page.goto("/actions/clear-cache")
    expect(page.get_by_text("It cannot be undone")).to_be_visible()
    expect(page.get_by_text("Hit ratio")).to_be_visible()
    page.get_by_role("link", name="Do nothing").click()
    page.wait_for_url(f"{stand.home}/")
    # It breathes by a few kilobytes, as entries come and go.
    assert stand.cache()["size_mb"] > 0.9 * before

    page.goto("/actions/clear-cache")
    press(page, "Clear the cache")

    expect(page.get_by_text("The cache is cleared")).to_be_visible()
    assert stand.cache()["size_mb"] < before


def test_what_the_backend_measures_is_asked_again_at_once(page: Page) -> None:
    page.goto("/actions/refresh")
    press(page, "Refresh now")
    expect(page.locator(".result .lead")).to_contain_text("Asked")


def test_embeddings_are_generated_while_the_page_follows_by_itself(page: Page) -> None:
    page.goto(SPARSE)
    press(page, "Generate")
    expect(page.locator(".result .mark")).to_contain_text("running")
    address = page.url
    page.goto(SPARSE)
    expect(page.get_by_text("Starting it again would join this run")).to_be_visible()
    page.goto(address)
    # Nobody presses anything from here on.
    expect(page.get_by_text("Sparse embeddings were generated")).to_be_visible(
        timeout=DEADLINE_S * 1000
    )
    expect(page.locator(".result .mark")).to_contain_text("done")


def test_progress_is_an_estimate_that_moves_and_is_told_to_screen_readers(
    browser: Browser, stand: Stand
) -> None:
    with looking(browser, stand) as page:
        page.goto(SPARSE)
        press(page, "Generate")
        page.get_by_text("Sparse embeddings were generated").wait_for()
        page.goto(SPARSE)
        press(page, "Generate")
        bar = page.get_by_role("progressbar", name="Progress, estimated")
        first = int(bar.get_attribute("value") or "")
        assert violations(page) == []
        page.wait_for_function(
            "from => document.querySelector('progress')?.value > from", arg=first
        )
        expect(page.locator("[data-said]")).to_contain_text("percent, estimated")
        expect(page.get_by_text("estimated", exact=True).first).to_be_visible()
        page.get_by_text("Sparse embeddings were generated").wait_for()


def test_a_hasty_double_click_acts_once(browser: Browser, stand: Stand) -> None:
    name = "owner/hasty"
    with looking(browser, stand) as page:
        page.goto(f"/actions/ingest?repo_url=github.com/{name}")
        page.get_by_role("button", name="Ingest", exact=True).dblclick()
        page.wait_for_url("**/audit/*")
        page.go_back()
        button = page.locator("form button")
        expect(button).to_be_enabled()
        expect(button).to_have_text("Ingest")

    assert len(ingested(stand, name)) == 1


def test_an_action_is_done_with_the_keyboard_alone(browser: Browser, stand: Stand) -> None:
    with looking(browser, stand) as page:
        page.goto("/actions/refresh")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        button = page.get_by_role("button", name="Refresh now")
        page.keyboard.press("Tab")
        expect(button).to_be_focused()
        outline = button.evaluate("element => getComputedStyle(element).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url("**/audit/*")


def test_who_may_only_look_finds_no_button(browser: Browser, stand: Stand) -> None:
    with looking(browser, stand, VIEWER) as page:
        for url in ("/actions/clear-cache", SPARSE, "/actions/refresh"):
            page.goto(url)
            expect(page.get_by_text("You may look and not act")).to_be_visible()
            assert page.get_by_role("button").count() == 0
            assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_can_be_used_by_everybody(
    browser: Browser, stand: Stand, size: tuple[int, int], *, dark: bool
) -> None:
    with looking(browser, stand, size=size, dark=dark) as page:
        page.goto("/actions/refresh")
        press(page, "Refresh now")
        page.goto("/actions/ingest?repo_url=github.com/owner/name")
        press(page, "Ingest")
        failed = job_of(stand, "owner/name")
        found = []
        for url in PAGES:
            page.goto(url.format(failed=failed))
            found += violations(page)
            headings = page.get_by_role("heading", level=1).count()
            found += [f"{url}: {headings} main headings"] * (headings != 1)
            found += [f"{url}: wider than the screen"] * (overflow(page) > 0)

    assert found == []
