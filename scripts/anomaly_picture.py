"""
Draw docs/img/anomalies.svg from what the detector really says.

    python -m scripts.anomaly_picture

Eight days of a queue-like series with a daily rhythm, of which the last ten hours are shown: the
values, what the detector expects, between what they may lie, its events, and below them every value
that the design's |z| > 2 would have marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from exporter.anomaly import GAUGE, Detector, literal
from scripts.layout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.anomaly import Result

PATH: Final = ROOT / "docs" / "img" / "anomalies.svg"

STEP_S: Final = 30
HOUR: Final = 3_600 // STEP_S
DAYS: Final = 8
SHOWN: Final = 10 * HOUR
MOMENTS: Final = DAYS * 24 * HOUR
# 00:00 UTC of a Monday.
EPOCH: Final = 1_749_427_200.0
# What is wrong with the series, in hours after the begin of the picture.
SPIKE, SHIFT, SHIFT_END, STUCK, STUCK_END = 1.5, 3.5, 5.0, 7.5, 8.5

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 50, 940, 30, 310
LOWEST, HIGHEST = 0.0, 160.0
TICKS_Y: Final = 360
BLUE, GREY, RED = "#1f60c4", "#8e8e8e", "#c4162a"
# Events nearer than this to the last one with a label are part of it.
APART: Final = HOUR // 2


class Moment(NamedTuple):
    """What is drawn at one moment."""

    value: float
    result: Result
    by_design: bool


def series() -> list[float]:
    """Return the values."""
    rng = np.random.default_rng(2)
    hours = np.arange(MOMENTS) / HOUR
    values = 70 + 25 * np.sin((hours - 9) * np.pi / 12) + rng.normal(0, 4, MOMENTS)
    begin = MOMENTS - SHOWN

    def at(hour: float) -> int:
        return begin + int(hour * HOUR)

    values[at(SPIKE) : at(SPIKE) + 2] += 45
    values[at(SHIFT) : at(SHIFT_END)] += 24
    values[at(STUCK) : at(STUCK_END)] = values[at(STUCK)]
    shown: list[float] = values.tolist()
    return shown


def judged(values: Iterable[float]) -> list[Moment]:
    """Return the last moments with what the detector says of them."""
    detector = Detector(kind=GAUGE)
    out = []
    for n, value in enumerate(values):
        result = detector.update(EPOCH + STEP_S * n, value)
        by_design = literal.events(np.array([result.zscore])).flag[0]
        out.append(Moment(value, result, bool(by_design)))
    return out[-SHOWN:]


def render(moments: Sequence[Moment]) -> str:
    """Return the picture."""
    upper = [_point(n, of.result.upper) for n, of in enumerate(moments)]
    lower = [_point(n, of.result.lower) for n, of in enumerate(moments)]
    expected = [_point(n, of.result.expected) for n, of in enumerate(moments)]
    values = [_point(n, of.value) for n, of in enumerate(moments)]
    marked = [n for n, of in enumerate(moments) if of.by_design]
    events = [n for n, of in enumerate(moments) if of.result.flag]
    body = [
        *_axes(),
        f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{BLUE}" opacity="0.12"/>',
        _line(expected, BLUE, 1.0),
        _line(values, "#222222", 0.8),
        *_events(moments, events),
        *(f'<path d="M{_x(n):.1f} {TICKS_Y - 8}v14" stroke="{GREY}"/>' for n in marked),
        _text(LEFT, TICKS_Y + 24, f"|z| &gt; 2 of the design: {len(marked)} marks in 10 hours"),
        _text(LEFT, TOP - 12, "value, what is expected, and between what it may lie"),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13" role="img">'
    )
    title = "<title>A series with three faults, as the detector and as |z| &gt; 2 see it</title>"
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    return "\n".join([head, title, background, *body, "</svg>", ""])


def _axes() -> Iterable[str]:
    for value in range(int(LOWEST), int(HIGHEST) + 1, 40):
        y = _y(value)
        yield f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#dddddd"/>'
        yield _text(LEFT - 8, y + 4, str(value), anchor="end")
    for hour in range(0, SHOWN // HOUR + 1, 2):
        x = _x(hour * HOUR)
        yield f'<path d="M{x:.1f} {BOTTOM}v5" stroke="{GREY}"/>'
        yield _text(x, BOTTOM + 20, f"{14 + hour}:00", anchor="middle")


def _events(moments: Sequence[Moment], events: Iterable[int]) -> Iterable[str]:
    """Draw each event, and say what the first of an incident is."""
    last = -APART
    for n in events:
        moment = moments[n]
        y = _y(moment.value)
        yield f'<circle cx="{_x(n):.1f}" cy="{y:.1f}" r="4.5" fill="none" stroke="{RED}"/>'
        if n - last >= APART:
            words = f"{moment.result.kind}: {moment.result.reason}"
            above = _y(max(moment.value, moment.result.upper)) - 22
            yield _text(_x(n) + 8, above, words, colour=RED)
        last = n


def _x(n: float) -> float:
    return LEFT + (RIGHT - LEFT) * n / SHOWN


def _y(value: float) -> float:
    share = (min(max(value, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
    return BOTTOM - (BOTTOM - TOP) * share


def _point(n: int, value: float) -> str:
    return f"{_x(n):.1f},{_y(value):.1f}"


def _line(points: Iterable[str], colour: str, width: float) -> str:
    shape = f'fill="none" stroke="{colour}" stroke-width="{width}"'
    return f'<polyline points="{" ".join(points)}" {shape}/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = "#444444") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}">{words}</text>'


if __name__ == "__main__":
    PATH.write_text(render(judged(series())), "utf-8")
