"""Alerts as people meet them: real rules, a real Alertmanager, a real browser."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.alerted import Alerted
from tests.e2e.browser import DESKTOP, PHONE, VIEWER, looking, overflow, violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

QUEUE = "OpsQueueBacklogHigh"
SLOW_MS = 90_000


@pytest.fixture(scope="module")
def alerted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerted]:
    """A product whose queue is long, but not too long by default; whose search is down."""
    with Alerted(tmp_path_factory.mktemp("alerted")) as running:
        running.stand.fault(kind="set", path="queue_length", value=60)
        running.stand.fault(kind="set", path="modules.search.status", value="down")
        yield running


def within_list(page: Page, label: str, name: str) -> Locator:
    return page.get_by_role("list", name=label).locator(
        ".alert", has=page.locator(f'strong.name:text-is("{name}")')
    )


def firing(page: Page, name: str) -> Locator:
    return within_list(page, "Alerts that fire", name)


def acknowledged(page: Page, name: str) -> Locator:
    return within_list(page, "Acknowledged alerts", name)


def set_threshold(page: Page, text: str) -> None:
    page.goto("/alerts/preferences")
    page.get_by_label(f"Threshold of {QUEUE}").fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label(f"Threshold of {QUEUE}")).to_have_value(text or "100")


def test_a_changed_threshold_fires_a_real_rule_which_the_live_page_tells(
    browser: Browser, alerted: Alerted
) -> None:
    """The whole way: preference, rule, notification, stream, acknowledgement, silence, end."""
    with looking(browser, alerted.stand) as live, looking(browser, alerted.stand) as page:
        alerted.until(lambda: alerted.fires("OpsModuleDown"), "the rules are not evaluated")
        assert not alerted.fires(QUEUE)
        live.goto("/alerts")
        expect(live.get_by_text("Live.", exact=True)).to_be_visible()
        sound = live.get_by_role("button", name="Sound: on")
        expect(sound).to_have_attribute("aria-pressed", "true")
        live.keyboard.press("Tab")  # from now on the page may be heard
        expect(firing(live, QUEUE)).to_have_count(0)

        set_threshold(page, "40")
        alerted.until(lambda: alerted.fires(QUEUE), "the rule does not fire")

        told = firing(live, QUEUE)
        expect(told).to_be_visible(timeout=SLOW_MS)
        expect(told).to_contain_text("60 threshold 40")
        expect(live.locator("[data-said]")).to_contain_text(f"warning: {QUEUE}")
        expect(live.locator("[data-sound]")).to_have_attribute("data-rung", re.compile("[1-9]"))
        expect(live).to_have_title(re.compile(r"^\([0-9]+\) Live alerts"))

        told.get_by_role("link", name=f"Acknowledge {QUEUE}").click()
        expect(live.get_by_role("heading", name="What it hides")).to_be_visible()
        live.get_by_label("Why, or what you are doing about it").fill("more workers are coming")
        live.get_by_role("button", name="Acknowledge").click()
        live.wait_for_url("**/audit/*")
        assert [one["comment"] for one in alerted.silences() if "workers" in one["comment"]]

        live.goto("/alerts")
        expect(acknowledged(live, QUEUE)).to_contain_text("Acknowledged by ann")
        expect(acknowledged(live, QUEUE)).to_contain_text("more workers are coming")
        acknowledged(live, QUEUE).get_by_role("link", name=f"Withdraw for {QUEUE}").click()
        live.get_by_role("button", name="Withdraw").click()
        live.wait_for_url("**/audit/*")
        assert not [one for one in alerted.silences() if "workers" in one["comment"]]

        live.goto("/alerts")
        expect(firing(live, QUEUE)).to_be_visible()
        set_threshold(page, "")
        expect(firing(live, QUEUE)).to_have_count(0, timeout=SLOW_MS)
        page.goto(f"/alerts/history?q={QUEUE}")
        expect(page.locator(".episodes li.over")).to_have_count(1)


def test_without_javascript_everything_can_be_done_too(browser: Browser, alerted: Alerted) -> None:
    with looking(browser, alerted.stand, javascript=False) as page:
        alerted.until(lambda: alerted.fires("OpsModuleDown"), "the rules are not evaluated")
        page.goto("/alerts")
        while firing(page, "OpsModuleDown").count() == 0:
            page.wait_for_timeout(500)
            page.goto("/alerts")
        assert page.locator("[data-sound]").is_hidden()
        firing(page, "OpsModuleDown").get_by_role("link", name="Dismiss OpsModuleDown").click()
        page.get_by_label("Why, or what you are doing about it").fill("for lunch")
        page.get_by_role("button", name="Dismiss").click()
        page.wait_for_url("**/audit/*")
        page.goto("/alerts/acknowledge")
        expect(page.get_by_role("row").filter(has_text="for lunch")).to_have_count(1)
        page.get_by_role("link", name="Withdraw for OpsModuleDown").click()
        page.get_by_role("button", name="Withdraw").click()
        page.wait_for_url("**/audit/*")
        page.goto("/alerts/preferences")
        page.get_by_label(f"Threshold of {QUEUE}").fill("many")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Write a number, for example 5 or 0.5")).to_be_visible()
        expect(page.get_by_label(f"Threshold of {QUEUE}")).to_have_value("many")


def test_the_history_is_filtered_searched_and_downloaded(
    browser: Browser, alerted: Alerted
) -> None:
    with looking(browser, alerted.stand) as page:
        alerted.until(lambda: alerted.fires("OpsModuleDown"), "the rules are not evaluated")
        page.goto("/alerts/history")
        while page.get_by_text("OpsModuleDown", exact=True).count() == 0:
            page.wait_for_timeout(500)
            page.reload()
        page.get_by_label("Severity").select_option("warning")
        page.get_by_label("Words").fill("module=search")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".episodes li")).to_have_count(1)
        expect(page.locator(".episodes li")).to_contain_text("OpsModuleDown")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download CSV").click()
        path = download.value.path()
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))

    assert [row["alert"] for row in rows] == ["OpsModuleDown"]
    assert rows[0]["labels"].endswith("module=search")
    assert download.value.suggested_filename.endswith(".csv")


def test_the_sound_is_switched_and_remembered(browser: Browser, alerted: Alerted) -> None:
    with looking(browser, alerted.stand) as page:
        page.goto("/alerts")
        page.get_by_role("button", name="Sound: on").click()
        button = page.get_by_role("button", name="Sound: off")
        expect(button).to_have_attribute("aria-pressed", "false")
        page.reload()
        expect(button).to_be_visible()
        button.click()
        # What one has just switched on is heard once.
        expect(page.locator("[data-sound]")).to_have_attribute("data-rung", "1")


def test_who_may_only_look_sees_alerts_and_no_button(browser: Browser, alerted: Alerted) -> None:
    with looking(browser, alerted.stand, VIEWER) as page:
        page.goto("/alerts")
        expect(page.get_by_text("You may look and not act")).to_be_visible()
        assert page.get_by_role("link", name=re.compile("^Acknowledge ")).count() == 0
        page.goto("/alerts/preferences")
        assert page.get_by_role("button", name="Save").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_of_alerts_can_be_used_by_everybody(
    browser: Browser, alerted: Alerted, size: tuple[int, int], *, dark: bool
) -> None:
    module = "alertname=OpsModuleDown&backend=default&module=search"
    pages = (
        *("/alerts", "/alerts/history", "/alerts/history?q=nothing", "/alerts/preferences"),
        *(f"/alerts/acknowledge?{module}", f"/alerts/dismiss?{module}", "/alerts/acknowledge"),
        "/alerts/acknowledge?alertname=OpsModuleDown&backend=default&module=none",
    )
    alerted.until(lambda: alerted.fires("OpsModuleDown"), "the rules are not evaluated")
    with looking(browser, alerted.stand, size=size, dark=dark) as page:
        found = []
        for url in pages:
            page.goto(url)
            found += violations(page)
            headings = page.get_by_role("heading", level=1).count()
            found += [f"{url}: {headings} main headings"] * (headings != 1)
            found += [f"{url}: wider than the screen"] * (overflow(page) > 0)

    assert found == []
