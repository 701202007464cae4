"""Asks Prometheus what Grafana would ask for a dashboard, its variables filled in as it does."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from tests.mixin.written import panels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Series = dict[str, Any]

# The shortest of the ranges that the dashboards offer.
RANGE_S: Final = 3600
# A panel asks for as many points as it is wide, in pixels.
POINTS: Final = 1000
_DEADLINE_S: Final = 60.0
_ALL: Final = "$__all"
_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)(?::raw)?\}")
_LABEL_VALUES: Final = re.compile(r"label_values\((?P<selector>.+), (?P<label>\w+)\)")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A query of a panel or of an annotation."""

    dashboard: str
    panel: int | None  # None: of an annotation
    name: str  # of the query in its panel, or of the annotation
    title: str
    expr: str
    instant: bool
    points: int

    def __str__(self) -> str:
        return f"{self.dashboard} {self.panel or 'annotation'} {self.name}"


def targets(tree: dict[str, Any]) -> Iterator[Target]:
    """Yield every query of a dashboard, also of collapsed rows and of annotations."""
    for panel in panels(tree):
        for target in panel.get("targets", ()):
            yield Target(
                dashboard=tree["uid"],
                panel=panel["id"],
                name=target["refId"],
                title=panel["title"],
                expr=target["expr"],
                instant=target["instant"],
                points=panel.get("maxDataPoints", POINTS),
            )
    for annotation in tree["annotations"]["list"]:
        yield Target(
            dashboard=tree["uid"],
            panel=None,
            name=annotation["name"],
            title=annotation["name"],
            expr=annotation["target"]["expr"],
            instant=False,
            # Finer than Grafana, which would miss what did not last for half a minute.
            points=POINTS,
        )


class Grafana:
    """
    Somebody who looks at the dashboards.

    Args:
        url: Of Prometheus.
        scrape_s: What the data source says of the interval of scrapes.
    """

    def __init__(self, url: str, scrape_s: int) -> None:
        self._scrape_s = scrape_s
        self._client = httpx.Client(base_url=url, timeout=_DEADLINE_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def options(self, tree: Mapping[str, Any], wanted: str) -> list[str]:
        """Return what the variable *wanted* offers when all is chosen of those before it."""
        return self._offered(tree)[wanted]

    def choices(self, tree: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        """Yield what can be chosen: all of everything, then one alone of one variable."""
        offered = self._offered(tree)
        variables = {v["name"]: v for v in tree["templating"]["list"] if v["name"] in offered}
        everything = {name: _all(v, offered[name]) for name, v in variables.items()}
        yield everything
        for name, values in offered.items():
            for value in values:
                yield {**everything, name: _escaped(value)}

    def ask(self, target: Target, chosen: Mapping[str, str]) -> list[Series]:
        """Return the series of a query, for the range that ends now."""
        now = time.time()
        step = max(RANGE_S // target.points, self._scrape_s)
        expr = _filled(
            target.expr,
            {
                **chosen,
                "__range": f"{RANGE_S}s",
                "__interval": f"{step}s",
                "__rate_interval": f"{max(step + self._scrape_s, 4 * self._scrape_s)}s",
            },
        )
        if target.instant:
            return self._get("query", {"query": expr, "time": now})
        # Grafana moves both ends to a multiple of the step, which is a matter of one point.
        ends = {"start": now - RANGE_S, "end": now, "step": step}
        return self._get("query_range", {"query": expr, **ends})

    def _offered(self, tree: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return what each variable offers, in their order: one depends on those before it."""
        offered: dict[str, list[str]] = {}
        chosen: dict[str, str] = {}
        for variable in tree["templating"]["list"]:
            name = variable["name"]
            if variable["type"] == "datasource":
                continue
            if variable["type"] == "custom":
                offered[name] = variable["query"].split(",")
            else:
                asked = _LABEL_VALUES.fullmatch(_filled(variable["query"], chosen))
                assert asked, variable["query"]
                offered[name] = self._values(asked["label"], asked["selector"])
            chosen[name] = _all(variable, offered[name])
        return offered

    def _values(self, label: str, selector: str) -> list[str]:
        now = time.time()
        parameters: dict[str, str | float] = {"match[]": selector}
        parameters |= {"start": now - RANGE_S, "end": now}
        answer = self._client.get(f"/api/v1/label/{label}/values", params=parameters)
        assert answer.is_success, answer.text
        values: list[str] = answer.json()["data"]
        return values

    def _get(self, what: str, form: dict[str, str | float]) -> list[Series]:
        answer = self._client.post(f"/api/v1/{what}", data=form)
        assert answer.is_success, f"{answer.text}\n{form['query']}"
        found: list[Series] = answer.json()["data"]["result"]
        return found


def _all(variable: Mapping[str, Any], offered: Sequence[str]) -> str:
    """Return what stands for all: the text that the variable has for it, or all by name."""
    assert variable["current"]["value"] == [_ALL]
    return variable.get("allValue") or f"({'|'.join(map(_escaped, offered))})"


def _escaped(value: str) -> str:
    """Escape what a regular expression in a PromQL string would not take literally."""
    return re.sub(r"([\\^$.*+?()|{}\[\]])", r"\\\\\1", value)


def _filled(expr: str, values: Mapping[str, str]) -> str:
    """Fill in variables; what is none of them ($1 of a replacement) stays."""
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), expr)
