"""What the pages show and how they are drawn; templates in ``templates/``, looks in ``static/``."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue.verdicts import Tone, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment
    from markdown_it.token import Token

    from exporter.web import contract
    from exporter.web.options import WebOptions

_DASH: Final = "\N{EN DASH}"
_HERE: Final = Path(__file__).parent
# Beside the module in a wheel, in docs/ in a checkout.
_RUNBOOKS: Final = (_HERE / "runbook.md", _HERE.parents[1] / "docs" / "runbook.md")
# Where a generated table begins and ends in it, and an alert's name as an anchor: Markdown without
# raw HTML would show these.
_MARKER: Final = re.compile(r'^<!-- \w+:(begin|end) -->\n|^<a id="\w+"></a>\n+', re.MULTILINE)
_STATIC: Final = {"ops.css": "text/css", "ops.svg": "image/svg+xml"}

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One endpoint in the table."""

    endpoint: str
    tone: Tone
    sign: str
    words: str
    detail: str
    duration: str
    last_success: str
    last_success_at: str
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One target with its endpoints and how many of them are in each tone."""

    target: str
    rows: tuple[Row, ...]
    good: int
    failing: int

    @property
    def tone(self) -> Tone:
        """The tone of the whole: good only when something answered and nothing failed."""
        if self.failing:
            return Tone.BAD if not self.good else Tone.WARN
        return Tone.GOOD if self.good else Tone.IDLE

    @property
    def summary(self) -> str:
        """The same in words."""
        if self.failing:
            verb = "fails" if self.failing == 1 else "fail"
            return f"{self.failing} of {len(self.rows)} endpoints {verb}"
        counts = Counter(row.words for row in self.rows)
        return ", ".join(f"{count} {words}" for words, count in counts.most_common())


def landing_page(
    verdicts: Sequence[contract.Verdict],
    *,
    web: WebOptions,
    ready: bool,
    now: float,
    uptime_s: float,
) -> dict[str, Any]:
    """Return what the landing page shows; plain values, so that a thread may render them."""
    by_target = groupby(verdicts, key=attrgetter("target"))
    return {
        "web": web,
        "ready": ready,
        "now": _clock_time(now),
        "now_at": _iso(now),
        "uptime": span(uptime_s),
        "sections": [_section(target, [_row(v, now) for v in rows]) for target, rows in by_target],
    }


def _section(target: str, rows: list[Row]) -> Section:
    return Section(
        target=target,
        rows=tuple(rows),
        good=sum(row.tone is Tone.GOOD for row in rows),
        failing=sum(row.tone in {Tone.BAD, Tone.WARN} for row in rows),
    )


def _row(verdict: contract.Verdict, now: float) -> Row:
    tone, sign, words = _read(verdict.verdict)
    # What a backend has not, or has switched off, never succeeds nor fails.
    has_it = tone is not Tone.IDLE or verdict.verdict is None
    success = verdict.last_success if has_it else None
    never = "never" if has_it else _DASH
    return Row(
        endpoint=verdict.endpoint,
        tone=tone,
        sign=sign,
        words=words,
        detail=verdict.detail,
        duration=_DASH if verdict.duration_s is None else _took(verdict.duration_s),
        # Clocks may be set back between the answer and the page.
        last_success=never if success is None else f"{span(max(0.0, now - success))} ago",
        last_success_at="" if success is None else _iso(success),
        interval=f"every {span(verdict.interval_s)}",
    )


def _read(word: str | None) -> tuple[Tone, str, str]:
    if word is None:
        return Tone.IDLE, "…", "not asked yet"
    # A word that is not in the list is shown as it is: better strange than hidden.
    known = Verdict(word) if word in set(Verdict) else None
    tone = known.tone if known else Tone.BAD
    return tone, tone.sign, known.words if known else word


def span(seconds: float) -> str:
    """Write a span of time with its two largest units: ``12 s``, ``3 min 5 s``, ``2 d 4 h``."""
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in (
        (_DAY_S, "d", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return (
                f"{whole // size} {unit} {rest} {smaller_unit}"
                if rest
                else f"{whole // size} {unit}"
            )
    return f"{whole} s"


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock_time(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%H:%M:%S UTC")


def render(template: str, values: dict[str, Any]) -> str:
    """Fill a template; every value is escaped."""
    return environment().get_template(template).render(values)


@functools.cache
def environment(more: Path | None = None) -> Environment:
    """Return what draws the templates here, and those of the folder *more*, which may use ours."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - first page

    made = Environment(
        loader=FileSystemLoader([*([more] if more else []), _HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Before each path of ours: a service behind a proxy may be in a folder of its own.
    made.globals["root"] = ""
    return made


@functools.cache
def static(name: str) -> tuple[bytes, str] | None:
    """Return body and media type of a file in ``static/``; None for any other name."""
    media_type = _STATIC.get(name)
    return ((_HERE / "static" / name).read_bytes(), media_type) if media_type else None


@functools.cache
def runbook(title: str) -> str | None:
    """Render the runbook as a page, each alert's heading with an id; None where there is none."""
    path = next((path for path in _RUNBOOKS if path.is_file()), None)
    if path is None:
        return None
    alerts, body = markdown(_MARKER.sub("", path.read_text("utf-8")))
    return render("runbook.html", {"title": title, "alerts": alerts, "body": body})


def markdown(text: str) -> tuple[list[tuple[str, str]], Any]:
    """
    Render Markdown without raw HTML.

    Returns:
        Id and text of each second-level heading; the HTML, marked as safe for a template.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415 - the first page only
    from markdown_it.token import Token  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    headings = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            words = _words(inline)
            # As links in alerts have it; an id must not hold a space.
            anchor = "-".join(words.lower().split())
            opening.attrSet("id", anchor)
            headings.append((anchor, words))
            if inline.children and words.isalnum() and words != anchor:
                # Grafana cannot write the name of an alert in small letters.
                inline.children.insert(0, Token("html_inline", "", 0, content=_target(words)))
    html = reader.renderer.render(tokens, reader.options, {})
    return headings, Markup(html)  # noqa: S704 - markdown-it escapes, html is off


def _target(name: str) -> str:
    return f'<span id="{name}"></span>'


def _words(inline: Token) -> str:
    return "".join(part.content for part in inline.children or [])
