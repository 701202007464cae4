"""
The kinds of panels, so that a dashboard's module reads like a table of contents.

Every panel has an id that never changes, a title that names the quantity, a description that says
how to read it and what to do, a unit, and words for the case that there is no data. A state is a
sign and a word; colour comes second.

Single values are in ``stats``, lines and shares in ``charts``, tables in ``grids``; ``leads`` says
where they lead on to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import statetimeline
from grafana_foundation_sdk.models import text as markdown

from exporter.mixin.parts import Query, States, defaults, empty, words

if TYPE_CHECKING:
    from exporter.mixin.leads import Lead


def row(panel_id: int, title: str, *panels: m.Panel, collapsed: bool = False) -> m.RowPanel:
    """Put *panels* below a heading; collapsed, their queries run when someone opens it."""
    return m.RowPanel(id_val=panel_id, title=title, collapsed=collapsed, panels=list(panels))


def text(panel_id: int, title: str, why: str, content: str, size: tuple[int, int]) -> m.Panel:
    """Show words in Markdown; there is nothing to ask for."""
    panel = empty("text", panel_id, title, why, size)
    panel.datasource = None
    panel.field_config = None
    panel.options = markdown.Options(mode=markdown.TextMode.MARKDOWN, content=content)
    return panel


def list_of_leads(*leads: Lead) -> str:
    """Write *leads* as a Markdown list."""
    return "\n".join(f"- [{lead.title}]({lead.url})" for lead in leads)


def timeline(
    panel_id: int,
    title: str,
    why: str,
    query: Query,
    states: States,
    size: tuple[int, int] = (24, 14),
) -> m.Panel:
    """Show which state held when, one line for each series; what was not scraped is a gap."""
    panel = empty("state-timeline", panel_id, title, why, size)
    panel.targets = [query.target()]
    panel.max_data_points = 200
    panel.options = statetimeline.Options(
        show_value=c.VisibilityMode.NEVER,
        legend=c.VizLegendOptions(
            display_mode=c.LegendDisplayMode.LIST,
            placement=c.LegendPlacement.BOTTOM,
            show_legend=True,
        ),
        tooltip=c.VizTooltipOptions(mode=c.TooltipDisplayMode.SINGLE),
    )
    settings = defaults(panel)
    settings.mappings = words(states)
    settings.custom = statetimeline.FieldConfig(line_width=0, fill_opacity=80)
    return panel
