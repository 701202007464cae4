"""The kinds of panels: what each asks for, and how it reads."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest

from exporter.catalogue import actions, dashboards, metrics
from exporter.links import Links
from exporter.mixin import parts
from exporter.mixin.cards import Item, bars, cards
from exporter.mixin.charts import Line, limit_of, lines, marks, percentiles, shares
from exporter.mixin.dashboards.overview import health
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import VALUE, detail, field, label, linked, page
from exporter.mixin.panels import text
from exporter.mixin.parts import Query, config
from exporter.mixin.promql import AT_END, anomalous, known, marked, named, state_number, threshold
from exporter.mixin.stats import Rising, card, tiles

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

LINKS = Links(
    exporter_url="https://e.example.org",
    actions_url="https://a.example.org",
    grafana_url="https://g.example.org",
    alertmanager_url="https://m.example.org",
)
# The backgrounds of a panel in Grafana's themes.
WHITE, DARK = "#ffffff", "#181b1f"


def targets(panel: Panel) -> Any:
    return panel.targets


def options(panel: Panel) -> Any:
    return panel.options


def links_of(panel: Panel) -> Any:
    return panel.links


def expressions(panel: Panel) -> list[str]:
    return [target.expr for target in targets(panel)]


def overrides(panel: Panel) -> dict[Any, dict[str, Any]]:
    """Return the properties by what they are for."""
    return {
        o.matcher.options: {p.id_val: p.value for p in o.properties}
        for o in config(panel).overrides
    }


def luminance(colour: str) -> float:
    parts_ = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts_)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [parts.GOOD, parts.IDLE, parts.WARN, parts.BAD])
def test_white_letters_on_the_colour_of_a_state_have_the_contrast_of_wcag_aa(colour: str) -> None:
    assert contrast(colour, WHITE) >= 4.5


@pytest.mark.parametrize(
    ("colour", "background"),
    [
        *product(
            (parts.BLUE, parts.ORANGE, parts.RED, parts.GREEN, parts.PURPLE, parts.WARN),
            (WHITE, DARK),
        )
    ],
)
def test_a_line_and_large_letters_stand_out_in_either_theme(colour: str, background: str) -> None:
    assert contrast(colour, background) >= 3


def test_several_quantities_are_asked_for_with_one_query_and_have_units_of_their_own() -> None:
    panel = cards(
        1,
        "Cache",
        "Why.",
        Item(title="Size", expr="a", unit="bytes"),
        Item(title="Evictions", expr="b", unit="ops"),
        size=(8, 4),
    )

    (expr,) = expressions(panel)
    assert expr.split("\nor\n") == [
        'label_replace(a, "series", "Size", "", "")',
        'label_replace(b, "series", "Evictions", "", "")',
    ]
    assert {name: o["unit"] for name, o in overrides(panel).items()} == {
        "Size": "bytes",
        "Evictions": "ops",
    }


def test_a_trend_is_red_where_rising_is_bad() -> None:
    panel = card(1, "Errors", "Why.", Query(expr="x"), unit="percentunit", rising=Rising.BAD)

    assert options(panel).show_percent_change
    assert options(panel).percent_change_color_mode == "inverted"
    assert targets(panel)[0].range_val


def test_the_threshold_in_force_is_a_dashed_line_beside_the_quantity() -> None:
    panel = lines(
        1,
        "Queue",
        "Why.",
        Line(title="Tasks", expr="q", colour=parts.BLUE),
        limit_of("OpsQueueBacklogHigh"),
        unit="short",
        size=(12, 8),
    )

    (expr,) = expressions(panel)
    assert 'max(alert:ops_alert_threshold:current{alert="OpsQueueBacklogHigh"})' in expr
    drawn = overrides(panel)["/^Threshold ·/"]
    assert drawn["custom.lineStyle"]["fill"] == "dash"
    assert drawn["displayName"] == "Threshold"


def test_an_anomaly_is_a_point_on_the_line_of_its_backend() -> None:
    line = marks("q", anomalous(metrics.QUEUE_LENGTH) + " == 1")

    assert line.expr == (
        "q\nand on (backend)\nmax by (backend) (series:ops_anomaly_active:max"
        '{metric="ops_queue_length", backend=~"$backend"}) == 1'
    )


def test_a_badge_names_the_series_by_what_holds_at_the_end_of_the_range() -> None:
    expr = marked(
        "x",
        ("▲ over threshold", f"x{AT_END} > on () group_left () {threshold('A', AT_END)}"),
        ("▲ anomaly", anomalous(metrics.QUEUE_LENGTH, at=AT_END) + " == 1"),
        usual="✔ usual",
    )

    assert expr.count("or on (backend)") == 2  # the first that holds, and no other
    assert expr.count("@ end()") == 3
    promql_parser.parse(expr)


def test_a_number_is_kept_for_hours_and_a_name_only_while_its_endpoint_fails() -> None:
    chosen = 'job=~"$job", backend=~"$backend", instance=~"$instance"'

    assert known(metrics.UPTIME) == f"last_over_time(ops_uptime_seconds{{{chosen}}}[6h])"
    assert known(metrics.MODEL_MEMORY) == (
        f"(last_over_time(ops_model_memory_bytes{{{chosen}}}[2m]) or on (backend)"
        f" last_over_time(ops_model_memory_bytes{{{chosen}}}[6h]))"
    )


def test_what_is_in_none_of_the_chosen_states_is_left_out() -> None:
    expr = state_number(
        metrics.MODULE_STATUS, "module", select=known, matchers=('status=~"$status"',)
    )

    assert expr.endswith("> 0")
    assert expr.count('status=~"$status"') == 2 * len(metrics.MODULE_STATUS.states)


def test_a_click_at_a_tile_leads_to_what_it_is_about() -> None:
    lead = detail(dashboards.MODULE, module="${__field.labels.module}")

    panel = tiles(1, "Modules", "Why.", Query(expr="x"), size=(24, 4), lead=lead)

    ((link,),) = (o["links"] for o in overrides(panel).values())
    assert str(link["url"]).endswith("&var-module=${__field.labels.module}")
    assert not link["targetBlank"]


def test_what_a_link_sets_is_not_in_it_a_second_time() -> None:
    """On its own dashboard all variables have it among them, and Grafana would choose both."""
    kept, chosen = detail(dashboards.CACHE), detail(dashboards.MODULE, module="search")

    assert kept.url == "/d/ops-cache?${__url_time_range}&${__all_variables}"
    assert chosen.url == (
        "/d/ops-module?${__url_time_range}&${datasource:queryparam}&${job:queryparam}"
        "&${backend:queryparam}&${instance:queryparam}&var-module=search"
    )


def test_an_action_stands_in_its_row_and_leads_to_the_page_that_asks() -> None:
    retry = page(LINKS, actions.RETRY_JOB, job_id=VALUE)

    panel = grid(
        1,
        "Jobs",
        "Why.",
        Column(title="Job", label="job_id"),
        Column(title="Retry", label="retry", says="↻ Retry", lead=retry),
        Column(title="State", expr="x"),
    )

    column = overrides(panel)["Retry"]
    assert column["links"] == [
        {
            "title": "Retry a job",
            "url": "https://a.example.org/actions/retry-job?job_id=${__value.raw}",
            "targetBlank": True,
            "oneClick": True,
        }
    ]
    (mapping,) = column["mappings"]
    assert (mapping.options.pattern, mapping.options.result.text) == (".+", "↻ Retry")


def test_a_panel_leads_on_from_its_header() -> None:
    panel = linked(
        text(1, "Notes", "Why.", "Text.", (24, 3)),
        detail(dashboards.CACHE, dashboards.CACHE_HIT_RATIO),
    )

    (link,) = links_of(panel)
    assert link.title == "Open Cache"
    assert str(link.url).endswith("&viewPanel=10")


def test_a_field_whose_name_has_a_space_is_put_in_brackets() -> None:
    assert field("Job") == "${__data.fields.Job}"
    assert field("Job id") == '${__data.fields["Job id"]}'


def test_the_parts_of_a_whole_have_the_colours_of_their_states() -> None:
    panel = shares(1, "Jobs", "Why.", Query(expr="x"), size=(8, 8), colours={"failed": parts.RED})

    assert overrides(panel)["failed"]["color"]["fixedColor"] == parts.RED
    assert options(panel).pie_type == "donut"


def test_a_click_at_a_part_of_a_whole_leads_to_what_it_is_made_of() -> None:
    lead = detail(dashboards.INGESTION, job_status=label("status"))

    panel = shares(1, "Jobs", "Why.", Query(expr="x"), size=(8, 8), lead=lead)

    ((link,),) = (o["links"] for o in overrides(panel).values())
    assert str(link["url"]).endswith("&var-job_status=${__field.labels.status}")


def test_percentiles_and_their_threshold_are_told_apart_without_colours() -> None:
    limit = limit_of("OpsEventLatencyHigh")
    panel = lines(
        1, "Latency", "Why.", *percentiles(metrics.EVENT_LATENCY), limit, unit="s", size=(12, 8)
    )

    drawn = overrides(panel)
    dashes = [drawn[f"/^{name} ·/"].get("custom.lineStyle") for name in ("P50", "P95", "P99")]
    dashes.append(drawn["/^Threshold ·/"]["custom.lineStyle"])
    assert len({str(dash) for dash in dashes}) == len(dashes)
    assert dashes[1] is None  # solid: this is the one that is judged
    colours = [drawn[f"/^{name} ·/"]["color"]["fixedColor"] for name in ("P50", "P95", "P99")]
    assert colours == [parts.BLUE, parts.ORANGE, parts.RED]


def test_a_bar_ends_where_it_is_told_to_be_full() -> None:
    panel = bars(1, "Pool", "Why.", Item(title="Used", expr="x", top=1.0), size=(8, 6))

    assert overrides(panel)["Used"]["max"] == 1.0


def test_the_names_of_a_union_are_labels_of_their_own() -> None:
    assert named({"A": "x"}, "kind") == 'label_replace(x, "kind", "A", "", "")'


def test_a_column_reads_ranges_as_words() -> None:
    panel = grid(
        1,
        "T",
        "Why.",
        Column(title="Trend", expr="x", ranges=((0.1, None, ("▲ slower", parts.RED)),)),
    )

    (mapping,) = overrides(panel)["Trend"]["mappings"]
    assert (mapping.options.from_val, mapping.options.to) == (0.1, None)
    assert mapping.options.result.text == "▲ slower"


def test_a_label_that_an_expression_brings_is_shown_instead_of_its_number() -> None:
    panel = grid(
        1,
        "T",
        "Why.",
        Column(title="Name", label="name", texts={"A": "It is broken."}),
        Column(title="Value", label="value", expr="x"),
        Column(title="N", expr="y"),
    )

    assert panel.transformations is not None
    organized: Any = panel.transformations[1].options
    assert organized["excludeByName"] == {"Time": True, "Value #A": True}
    assert organized["renameByName"] == {"name": "Name", "value": "Value", "Value #B": "N"}
    (mapping,) = overrides(panel)["Name"]["mappings"]
    assert mapping.options["A"].text == "It is broken."


def test_the_badge_of_the_health_card_is_read_by_sign_and_word_and_leads_to_the_alerts() -> None:
    (card_,) = [p for p in health.panels(LINKS) if p.id_val == dashboards.OVERVIEW_STATUS.id]

    badges = overrides(card_)
    states = badges.pop("product")["mappings"]
    assert states[0].options["3"].text == "✖ down"
    assert [badges[str(rank)]["displayName"] for rank in range(4)] == [
        "✔ no alert",
        "○ info alerts",
        "▲ warning alerts",
        "✖ critical alerts",
    ]
    for badge in badges.values():
        assert badge["links"][0]["url"].startswith("/d/ops-alerts?")
        assert "mappings" not in badge
    # A number of alerts is no state of the product, and an override adds to what holds for all.
    assert not config(card_).defaults.mappings


def test_the_legend_of_known_parts_is_below_them_and_of_many_beside() -> None:
    query = Query(expr="x", legend="{{status}}")

    few: Any = shares(1, "Jobs", "Why.", query, size=(6, 8), colours={"failed": parts.RED}).options
    many: Any = shares(2, "Types", "Why.", query, size=(8, 8)).options

    assert (few.legend.placement, few.legend.display_mode) == ("bottom", "list")
    assert (many.legend.placement, many.legend.display_mode) == ("right", "table")


def test_a_column_is_no_narrower_than_what_is_read_in_it() -> None:
    panel = grid(
        1,
        "T",
        "Why.",
        Column(title="Name", label="name", least=85),
        Column(title="State", expr="x", states={0: ("✖ not applicable", "red")}),
        Column(title="N", expr="y"),
        Column(title="Backend", label="backend", width=80),
    )

    widths = {
        title: (found.get("custom.minWidth"), found.get("custom.width"))
        for title, found in overrides(panel).items()
    }
    assert widths["Name"] == (85, None)
    assert widths["Backend"] == (None, 80)
    assert widths["State"] == (8 * len("✖ not applicable") + 12, None)
    assert widths["N"] == (8 * len("40.5 min") + 12, None)


def test_what_has_no_row_says_so_in_its_own_words() -> None:
    panel = grid(1, "T", "Why.", Column(title="N", expr="up"), nothing="✔ no alert fires")

    defaults = config(panel).defaults
    assert defaults is not None
    assert defaults.no_value == "✔ no alert fires"


def test_a_table_of_one_query_finds_its_value_by_the_plain_name() -> None:
    panel = grid(
        1, "T", "Why.", Column(title="Module", label="module"), Column(title="N", expr="up")
    )

    assert panel.transformations is not None
    assert panel.transformations[1].options == {
        "excludeByName": {"Time": True},
        "indexByName": {"module": 0, "Value": 1},
        "renameByName": {"module": "Module", "Value": "N"},
    }
