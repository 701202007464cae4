"""
Every query of every dashboard has an answer, asked as Grafana would ask it: real programs.

Prometheus sees an ailing product of each dialect, of which people have set every threshold so low
that whatever is judged by one is beyond it. What a dialect cannot answer is in docs/dialects.md.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.conftest import ROOT
from tests.e2e.ailing import ail, prepared
from tests.e2e.grafana import Grafana, Target, targets
from tests.e2e.stack import DEADLINE_S
from tests.mixin.written import DASHBOARDS, dashboard, panels, selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.stack import Stack

PAGE: Final = ROOT / "docs" / "dialects.md"
# Of a panel that has other answers in the dialect.
NEVER: Final = {
    ("designed", "ops-overview", 41, "B"): "components, in place of modules that nobody tells of",
}
# What the variable would offer is what its dashboard is about.
UNFILLED: Final = {
    ("deployed", "ops-module", "module"): "a deployed backend knows components only",
}
TREES: Final = {path.stem: dashboard(path) for path in DASHBOARDS}
TARGETS: Final = [target for tree in TREES.values() for target in targets(tree)]
VARIABLES: Final = [
    (dialect, uid, variable["name"])
    for dialect in ("designed", "deployed")
    for uid, tree in TREES.items()
    for variable in tree["templating"]["list"]
    if variable["type"] != "datasource"
]


class Empty(NamedTuple):
    """A panel that has no data in one dialect, as the documentation has it."""

    dialect: str
    dashboard: str
    panel: int
    title: str
    why: str


def documented() -> list[Empty]:
    """Return the rows of the tables of panels that are empty, one after the heading of each."""
    found = []
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        dialect = re.match(r"Empty with a (\w+) backend\n", section)
        rows = re.findall(
            r"^\| .*?`(ops-\w+)` \| (\d+) \| (.+?) \| (.+?) \|$", section, re.MULTILINE
        )
        if dialect:
            found += [Empty(dialect[1], uid, int(n), title, why) for uid, n, title, why in rows]
    return found


EMPTY: Final = {(one.dialect, one.dashboard, one.panel) for one in documented()}


class Seen(NamedTuple):
    """A stack, and who looks at its dashboards."""

    stack: Stack
    grafana: Grafana

    def answers(self, target: Target) -> list[dict[str, Any]]:
        """Return what *target* brings for the first choice of variables for which it does."""
        for chosen in self.grafana.choices(TREES[target.dashboard]):
            found = self.grafana.ask(target, chosen)
            if found:
                return found
        return []

    def shows(self, uid: str, panel: int) -> bool:
        """Tell whether a panel shows more than what it shows without a product."""
        return any(
            not _of_us(series)
            for target in TARGETS
            if (target.dashboard, target.panel) == (uid, panel) and selectors(target.expr)
            for series in self.answers(target)
        )


def _of_us(series: dict[str, Any]) -> bool:
    """Whether it is a line of a threshold, which is there whatever the product tells."""
    return "Threshold" in series["metric"].values()


@pytest.fixture(scope="module")
def seen(
    tmp_path_factory: pytest.TempPathFactory, prometheus: Path, alertmanager: Path
) -> Iterator[dict[str, Seen]]:
    """One stack for each dialect; while one is asked, the other goes on."""
    programs = {"prometheus": prometheus, "alertmanager": alertmanager}
    both = {}
    with ExitStack() as running:
        for dialect in ("designed", "deployed"):
            stack = prepared(tmp_path_factory.mktemp(dialect), programs, dialect)
            running.enter_context(stack)
            grafana = Grafana(stack.site.url("prometheus"), stack.site.interval_s)
            both[dialect] = Seen(stack, running.enter_context(grafana))
        for one in both.values():
            ail(one.stack)
        yield both


def eventually(happened: Callable[[], object]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < until, "it never had an answer"
        time.sleep(0.2)


@pytest.mark.parametrize(("dialect", "uid", "name"), [v for v in VARIABLES if v not in UNFILLED])
def test_a_variable_offers_something(
    seen: dict[str, Seen], dialect: str, uid: str, name: str
) -> None:
    eventually(lambda: seen[dialect].grafana.options(TREES[uid], name))


@pytest.mark.parametrize(
    "target",
    [
        target
        for target in TARGETS
        if ("designed", target.dashboard, target.panel) not in EMPTY
        and ("designed", target.dashboard, target.panel, target.name) not in NEVER
    ],
    ids=str,
)
def test_each_query_has_an_answer_from_a_designed_backend(
    seen: dict[str, Seen], target: Target
) -> None:
    eventually(lambda: seen["designed"].answers(target))


@pytest.mark.parametrize(
    ("uid", "panel"),
    [
        (uid, panel["id"])
        for uid, tree in TREES.items()
        for panel in panels(tree)
        if panel.get("targets") and ("deployed", uid, panel["id"]) not in EMPTY
    ],
)
def test_each_panel_that_is_not_listed_has_data_of_a_deployed_backend(
    seen: dict[str, Seen], uid: str, panel: int
) -> None:
    eventually(lambda: seen["deployed"].shows(uid, panel))


# Once all that is to have an answer has one: the lists cannot be longer than they must.


@pytest.mark.parametrize(("dialect", "uid", "panel"), sorted(EMPTY))
def test_each_panel_that_is_listed_is_empty(
    seen: dict[str, Seen], dialect: str, uid: str, panel: int
) -> None:
    assert not seen[dialect].shows(uid, panel)


@pytest.mark.parametrize(("dialect", "uid", "panel", "name"), NEVER)
def test_what_is_said_never_to_have_an_answer_has_none(
    seen: dict[str, Seen], dialect: str, uid: str, panel: int, name: str
) -> None:
    (target,) = [t for t in TARGETS if (t.dashboard, t.panel, t.name) == (uid, panel, name)]

    assert seen[dialect].answers(target) == []


@pytest.mark.parametrize(("dialect", "uid", "name"), UNFILLED)
def test_what_is_said_to_offer_nothing_offers_nothing(
    seen: dict[str, Seen], dialect: str, uid: str, name: str
) -> None:
    assert seen[dialect].grafana.options(TREES[uid], name) == []


def test_the_lists_name_panels_by_their_titles_and_give_a_reason() -> None:
    titles = {(uid, p["id"]): p["title"] for uid, tree in TREES.items() for p in panels(tree)}

    listed = documented()
    assert {one.dialect for one in listed} == {"designed", "deployed"}
    assert len(EMPTY) == len(listed)
    for one in listed:
        assert titles[one.dashboard, one.panel] == one.title
        assert len(one.why.split()) > 3
