"""What panels of every kind are made of: data source, queries, colours, words, thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import prometheus

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = c.DataSourceRef(type_val="prometheus", uid="${datasource}")
NO_DATA: Final = "no data"
# Dark enough for white letters on them in either theme: a contrast of 4.5 and more (WCAG AA).
GOOD, IDLE, WARN, BAD = "#2e7d32", "#1f60c4", "#b45309", "#c4162a"
CLEAR: Final = "transparent"
# Lines and large letters: a contrast of 3 and more on the white and on the dark background.
BLUE, ORANGE, RED, GREEN, PURPLE = "#3b82f6", "#ea580c", "#ef4444", "#16a34a", "#a855f7"
GREY: Final = "#6b7280"
# The letters of the theme.
PLAIN: Final = "text"
# What is read of each value, a sign and a word, and its colour.
States = dict[int, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An expression and how its series are called."""

    expr: str
    legend: str = "__auto"

    def target(
        self, place: int = 0, *, instant: bool = False, rows: bool = False
    ) -> prometheus.Dataquery:
        """
        Return it as the query at *place* of its panel.

        Args:
            instant: Ask for the present value only.
            rows: Return the series as the rows of a table.
        """
        return prometheus.Dataquery(
            datasource=SOURCE,
            ref_id=ref(place),
            expr=self.expr,
            legend_format=self.legend,
            instant=instant,
            range_val=not instant,
            format_val=prometheus.PromQueryFormat.TABLE if rows else None,
        )


def ref(place: int) -> str:
    """Return Grafana's name for the query at *place*."""
    return chr(ord("A") + place)


def empty(kind: str, panel_id: int, title: str, why: str, size: tuple[int, int]) -> m.Panel:
    """Return a panel of *size* (width, height) with what all have."""
    width, height = size
    return m.Panel(
        type_val=kind,
        id_val=panel_id,
        title=title,
        description=why,
        datasource=SOURCE,
        grid_pos=m.GridPos(w=width, h=height),
        field_config=m.FieldConfigSource(
            defaults=m.FieldConfig(
                no_value=NO_DATA,
                thresholds=steps(),
                color=m.FieldColor(mode=m.FieldColorModeId.THRESHOLDS),
            ),
            overrides=[],
        ),
    )


def config(panel: m.Panel) -> m.FieldConfigSource:
    """Return the field configuration of a panel from ``empty``."""
    assert panel.field_config is not None  # noqa: S101 - for the type checker
    return panel.field_config


def defaults(panel: m.Panel) -> m.FieldConfig:
    """Return what holds for all fields of a panel from ``empty``."""
    found = config(panel).defaults
    assert found is not None  # noqa: S101 - for the type checker
    return found


def explained(panel: m.Panel, nothing: str) -> m.Panel:
    """Let a panel without data say why: what a dialect lacks, and where to look instead."""
    defaults(panel).no_value = nothing
    return panel


def steps(limit: float | None = None, base: str = GOOD, above: str = WARN) -> m.ThresholdsConfig:
    """Return thresholds: the colour *base*, and *above* from *limit* on."""
    more = [] if limit is None else [m.Threshold(limit, above)]
    return m.ThresholdsConfig(
        mode=m.ThresholdsMode.ABSOLUTE, steps=[m.Threshold(None, base), *more]
    )


def override(panel: m.Panel, matcher: str, options: object, properties: dict[str, Any]) -> None:
    """
    Set *properties* for some fields of a panel.

    Args:
        matcher: How fields are chosen: ``byName``, ``byRegexp``, ``byFrameRefID``, ``byType``.
        options: Which.
    """
    config(panel).overrides.append(
        m.DashboardFieldConfigSourceOverrides(
            matcher=m.MatcherConfig(id_val=matcher, options=options),
            properties=[m.DynamicConfigValue(name, value) for name, value in properties.items()],
        )
    )


def lettered(states: Mapping[int, tuple[str, str]]) -> States:
    """Return *states* in colours for letters instead of backgrounds."""
    letters = {GOOD: GREEN, IDLE: BLUE, WARN: ORANGE, BAD: RED}
    return {n: (says, letters.get(colour, colour)) for n, (says, colour) in states.items()}


def words(states: Mapping[int, tuple[str, str]]) -> list[m.ValueMapping]:
    """Return value mappings that show *states* as signs and words."""
    results = {
        str(value): m.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(states.items())
    }
    return [m.ValueMap(options=results)] if results else []
