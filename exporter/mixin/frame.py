"""What all dashboards share: variables, time ranges, links, layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import prometheus

from exporter.catalogue import actions
from exporter.catalogue.own_metrics import BUILD_INFO
from exporter.mixin.parts import PURPLE, SOURCE
from exporter.mixin.promql import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.catalogue.alerting import Alert
    from exporter.catalogue.dashboards import Dashboard
    from exporter.links import Links

# Dashboards of this family link to each other by it.
TAG: Final = "ops"
_COLUMNS: Final = 24
_RANGES: Final = {
    "1h": "Last hour",
    "6h": "Last 6 hours",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
}
_ALL: Final = m.VariableOption(selected=True, text=["All"], value=["$__all"])


def dashboard(
    identity: Dashboard,
    links: Links,
    rows: Sequence[m.Panel | m.RowPanel],
    *,
    layers: Sequence[m.AnnotationQuery] = (),
    variables: Sequence[m.VariableModel] = (),
) -> str:
    """
    Return a dashboard as Grafana's classic JSON.

    Args:
        rows: Panels and rows from top to bottom; panels flow from left to right.
        layers: What is marked in its graphs.
        variables: What else can be chosen.
    """
    model = m.Dashboard(
        uid=identity.uid,
        title=identity.title,
        description=identity.purpose,
        tags=[TAG, "generated"],
        timezone="browser",
        editable=False,
        graph_tooltip=m.DashboardCursorSync.CROSSHAIR,
        time=m.DashboardDashboardTime(from_val="now-6h", to="now"),
        timepicker=m.TimePickerConfig(
            refresh_intervals=["30s", "1m", "5m"],
            quick_ranges=[
                m.TimeOption(display=text, from_val=f"now-{span}", to="now")
                for span, text in _RANGES.items()
            ],
        ),
        refresh="30s",
        panels=placed(rows),
        templating=m.DashboardDashboardTemplating(list_val=[*_variables(), *variables]),
        annotations=m.AnnotationContainer(list_val=list(layers)),
        links=_links(links),
    )
    tree: dict[str, Any] = json.loads(JSONEncoder().encode(model))
    for hidden in (*tree["links"], *tree["annotations"]["list"]):
        # The SDK's default hides them behind a menu, from Grafana 12.2 on.
        hidden.pop("placement", None)
    for variable in tree["templating"]["list"]:
        # Noise of the SDK: these belong to a kind of variable that we do not use.
        for name in ("auto", "auto_min", "auto_count"):
            variable.pop(name, None)
    return json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def placed(rows: Sequence[m.Panel | m.RowPanel]) -> list[m.Panel | m.RowPanel]:
    """
    Give every panel its place, from left to right and from top to bottom.

    Raises:
        ValueError: If a line of panels is not full or not of one height; Grafana would shift them.
    """
    items: list[m.Panel | m.RowPanel] = []
    line: list[m.Panel] = []
    y = 0
    for item in rows:
        if isinstance(item, m.Panel):
            items.append(item)
            line.append(item)
            y = _close(line, y)
            continue
        item.grid_pos = m.GridPos(x=0, y=y, w=_COLUMNS, h=1)
        items.append(item)
        y += 1
        inner, below = placed(item.panels), y
        for panel in inner:
            assert panel.grid_pos is not None  # noqa: S101 - just placed
            panel.grid_pos.y += y
            below = max(below, panel.grid_pos.y + panel.grid_pos.h)
        if not item.collapsed:
            items += inner
            item.panels = []
            y = below
    if line:
        message = f"{line[0].title}: its line of panels is not {_COLUMNS} columns wide"
        raise ValueError(message)
    return items


def _close(line: list[m.Panel], y: int) -> int:
    """Place a line of panels once it is full, and return where the next one begins."""
    positions = [panel.grid_pos for panel in line if panel.grid_pos is not None]
    width = sum(position.w for position in positions)
    if width < _COLUMNS:
        return y
    if width > _COLUMNS or len({position.h for position in positions}) > 1:
        message = f"{line[-1].title}: does not fit into its line of panels"
        raise ValueError(message)
    x = 0
    for position in positions:
        position.x, position.y = x, y
        x += position.w
    line.clear()
    return y + positions[0].h


def choice(name: str, label: str, values: Sequence[str]) -> m.VariableModel:
    """Offer *values* to choose one, several or all of."""
    return m.VariableModel(
        type_val=m.VariableType.CUSTOM,
        name=name,
        label=label,
        query=",".join(values),
        current=_ALL,
        multi=True,
        include_all=True,
        all_value=".+",
    )


def label_choice(name: str, selector: str) -> m.VariableModel:
    """Offer the values of the label *name* that *selector* has in the shown range."""
    return m.VariableModel(
        type_val=m.VariableType.QUERY,
        name=name,
        label=name.capitalize(),
        query=f"label_values({selector}, {name})",
        datasource=SOURCE,
        current=_ALL,
        multi=True,
        include_all=True,
        all_value=".+",
        refresh=m.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=m.VariableSort.ALPHABETICAL_ASC,
    )


def layer(name: str, expr: str, *panels: int, title: str = "{{metric}}") -> m.AnnotationQuery:
    """Mark in the *panels* when *expr* was above 0: what is unusual."""
    return _marks(name, expr, panels, PURPLE, (title, "{{kind}}"))


def fired(
    name: str, *alerts: Alert, on: Sequence[int] = (), matchers: Sequence[str] = ()
) -> m.AnnotationQuery:
    """
    Mark when one of *alerts* fired, in the graphs of what they judge and nowhere else.

    Args:
        on: The ids of those graphs; without it, the panels that the alerts lead to.
        matchers: Leave out what the graphs do not show.
    """
    names = "|".join(dict.fromkeys(alert.name for alert in alerts))
    chosen = ('alertstate="firing"', f'alertname=~"{names}"', 'backend=~"$backend|"', *matchers)
    labels = [label for label in alerts[0].by if all(label in alert.by for alert in alerts)]
    # An alert that has become critical is still one alert.
    expr = f"max by ({', '.join(('alertname', *labels))}) (ALERTS{{{', '.join(chosen)}}})"
    panels = on or tuple(dict.fromkeys(alert.panel.id for alert in alerts))
    text = " ".join(f"{{{{{label}}}}}" for label in labels)
    return _marks(name, expr, panels, "red", ("{{alertname}}", text))


def _marks(
    name: str, expr: str, panels: Sequence[int], colour: str, told: tuple[str, str]
) -> m.AnnotationQuery:
    title, text = told
    return m.AnnotationQuery(
        name=name,
        datasource=SOURCE,
        enable=True,
        icon_color=colour,
        filter_val=m.AnnotationPanelFilter(ids=list(panels)),
        target=prometheus.Dataquery(datasource=SOURCE, ref_id="Marks", expr=expr, interval="30s"),
        title_format=title,
        text_format=text,
    )


def _variables() -> list[m.VariableModel]:
    source = m.VariableModel(
        type_val=m.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        refresh=m.VariableRefresh.ON_DASHBOARD_LOAD,
    )
    return [source, *(_variable(place) for place in range(len(VARIABLES)))]


def _variable(place: int) -> m.VariableModel:
    """Offer the values of one label, for what is chosen of the labels before it."""
    name = VARIABLES[place]
    before = ", ".join(f'{other}=~"${other}"' for other in VARIABLES[:place])
    selector = f"{BUILD_INFO}{{{before}}}" if before else str(BUILD_INFO)
    return label_choice(name, selector)


def _links(links: Links) -> list[m.DashboardLink]:
    family = m.DashboardLink(
        title="Dashboards",
        type_val=m.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )
    return [
        family,
        _link(actions.REFRESH.title, "bolt", links.page(actions.REFRESH)),
        _link(actions.PREFERENCES.title, "cog", links.page(actions.PREFERENCES)),
        _link(actions.HISTORY.title, "bell", links.page(actions.HISTORY)),
        _link("Runbook", "doc", links.runbook()),
    ]


def _link(title: str, icon: str, url: str) -> m.DashboardLink:
    return m.DashboardLink(title=title, icon=icon, url=url, target_blank=True)
