from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from exporter.web import pages
from exporter.web.app import create_app
from tests.web.fake_exporter import FakeExporter, browse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (3 * 3600 + 65, "3 h 1 min"),
        (2 * 86400 + 4 * 3600, "2 d 4 h"),
    ],
)
def test_a_span_is_written_with_its_two_largest_units(seconds: float, text: str) -> None:
    assert pages.span(seconds) == text


def test_each_second_level_heading_has_its_text_as_id_and_a_name_as_it_is_too() -> None:
    headings, html = pages.markdown(
        "# Top\n\n## OpsQueueBacklogHigh\n\n### Meaning\n\n## Two `words`\n"
    )

    assert headings == [("opsqueuebackloghigh", "OpsQueueBacklogHigh"), ("two-words", "Two words")]
    name = '<span id="OpsQueueBacklogHigh"></span>'
    assert f'<h2 id="opsqueuebackloghigh">{name}OpsQueueBacklogHigh</h2>' in html
    assert '<h2 id="two-words">Two <code>words</code></h2>' in html
    assert "<h1>Top</h1>" in html
    assert "<h3>Meaning</h3>" in html


def test_raw_html_and_script_links_in_markdown_are_text() -> None:
    _, html = pages.markdown('<script>x</script>\n\n[a](javascript:x)\n\n## <b onclick="x">\n')

    assert "<script" not in html
    assert "href" not in html
    assert "<b" not in html


RUNBOOK = '# Runbook\n\n<a id="OpsWatchdog"></a>\n\n## OpsWatchdog\n\nAlways fires.\n'


@pytest.fixture
def runbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "runbook.md"
    monkeypatch.setattr(pages, "_RUNBOOKS", (tmp_path / "none.md", path))
    pages.runbook.cache_clear()
    yield path
    pages.runbook.cache_clear()


@pytest.fixture
def written(runbook: Path) -> None:
    runbook.write_text(RUNBOOK)


@pytest.mark.usefixtures("written")
async def test_the_runbook_is_a_page_with_a_list_of_its_alerts() -> None:
    async with browse(create_app(FakeExporter())) as client:
        page = (await client.get("/runbook")).text

    assert '<a href="#opswatchdog">OpsWatchdog</a>' in page
    assert '<h2 id="opswatchdog"><span id="OpsWatchdog"></span>OpsWatchdog</h2>' in page


def test_the_markers_of_a_generated_table_are_not_shown(runbook: Path) -> None:
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    runbook.write_text(f"{RUNBOOK}\n<!-- limits:begin -->\n{table}<!-- limits:end -->\n\nEnd.\n")

    page = pages.runbook("ops-exporter")

    assert page is not None
    assert "limits:" not in page
    assert "<td>2</td>" in page
    assert "<p>End.</p>" in page


@pytest.mark.usefixtures("runbook")
async def test_without_a_runbook_the_page_says_so() -> None:
    async with browse(create_app(FakeExporter())) as client:
        answer = await client.get("/runbook")

    assert (answer.status_code, answer.text) == (404, "This installation has no runbook.\n")


def luminance(colour: str) -> float:
    """Return WCAG's relative luminance of ``#rrggbb``."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *((f"{tone}-text", f"{tone}-fill") for tone in ("good", "warn", "bad", "info", "idle")),
    *((text, ground) for text in ("text", "soft", "link") for ground in ("page", "card", "raised")),
    ("text", "idle-fill"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_the_contrast_of_wcag_aa(scheme: str, text: str, ground: str) -> None:
    found = pages.static("ops.css")
    assert found is not None
    light, _, dark = found[0].decode().partition("prefers-color-scheme: dark")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", dark))

    assert contrast(colours[text], colours[ground]) >= 4.5
