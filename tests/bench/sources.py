"""What a Prometheus has that scrapes exporter and action service and evaluates the rules."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import httpx

from exporter.catalogue import own_metrics as own
from exporter.catalogue.alerting import Recording
from exporter.catalogue.rules import ALERTS, GROUPS
from exporter.catalogue.rules.anomalies import ACTIVE
from exporter.catalogue.sample import Sample
from exporter.exposition import Families, Page
from scripts.children import LOOPBACK, Child, free_port
from tests.polling.simulated import Simulated

from . import history
from .history import Series
from .working import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from exporter.catalogue.model import Metric

DAYS: Final = 7.0
EXPORTER: Final = 'backend="default",instance="127.0.0.1:9847",job="ops-exporter"'
SERVICE: Final = 'instance="127.0.0.1:9848",job="ops-actions"'

_DEADLINE_S: Final = 60.0
# Then no endpoint is left that would tell something new.
_CALM_S: Final = 8.0
# Until the detectors have seen enough of everything.
_LEARNT_S: Final = 3 * 3600.0
# An alert on modules, workers or models fires of so many of them now and then.
_EACH: Final = 3
# Of an anomaly not every label is made up.
_TOLD_BY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """
    Seven days of history, and a Prometheus that knows them.

    Attributes:
        folder: They are made there, unless they are there already.
        prometheus: The program.
        promtool: Its tool.
    """

    folder: Path
    prometheus: Path
    promtool: Path

    def made(self, progress: Callable[[str], None]) -> int:
        """Make the history; return the unix time at which it ends."""
        last = self.folder / "end"
        if not last.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            progress("what there is to scrape")
            end = int(time.time()) // history.STEP_S * history.STEP_S
            found = self._found(end)
            blocks = history.Blocks(folder=self._blocks, promtool=self.promtool)
            blocks.write(found, end=end, days=DAYS, progress=progress)
            last.write_text(str(end), "utf-8")
        return int(last.read_text("utf-8"))

    @contextmanager
    def served(self) -> Iterator[str]:
        """Run Prometheus on the history; it scrapes nothing. Yields its URL."""
        with _running(self.prometheus, self._blocks) as url:
            yield url

    @property
    def _blocks(self) -> Path:
        return self.folder / "week"

    def _found(self, end: int) -> list[Series]:
        """Return all series that are there at the unix time *end*."""
        page = _exporter(self.folder)
        scraped = [
            *(one for one in history.told(page, EXPORTER) if "ops_anomaly_" not in one.name),
            *history.told(_page(_learnt()), EXPORTER),
            *history.told(_page(_service()), SERVICE),
            Series(name="up", labels=EXPORTER, value=1.0),
            Series(name="up", labels=SERVICE, value=1.0),
        ]
        hour = self.folder / "hour"
        history.Blocks(folder=hour, promtool=self.promtool).write(scraped, end=end, days=1 / 24)
        with _running(self.prometheus, hour) as url:
            recorded = list(_recorded(url, end))
        return [*scraped, *recorded, *_alerts(scraped)]


@contextmanager
def _running(prometheus: Path, folder: Path) -> Iterator[str]:
    config = folder.with_suffix(".yml")
    config.write_text("{}\n", "utf-8")
    address = f"{LOOPBACK}:{free_port()}"
    command = [
        str(prometheus),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}",
        f"--web.listen-address={address}",
    ]
    child = Child("prometheus", command, log=folder.with_suffix(".log"))
    try:
        child.wait_until_ready(f"http://{address}/-/ready", deadline_s=_DEADLINE_S)
        yield f"http://{address}"
    finally:
        child.stop()


def _exporter(folder: Path) -> str:
    """Return the page of the exporter that watches the simulated product."""
    with ExitStack() as stack:
        api = start(stack, "simulate", "/", folder, {})
        exporter = start(stack, "serve", "/-/ready", folder, {"OPS_API_URL": api.url})
        page, lines, since_s = "", -1, time.monotonic()
        while time.monotonic() < since_s + _CALM_S:
            page = httpx.get(f"{exporter.url}/metrics", trust_env=False).raise_for_status().text
            if page.count("\n") != lines:
                lines, since_s = page.count("\n"), time.monotonic()
            time.sleep(1.0)
        return page


def _learnt() -> Mapping[Metric, Sequence[Sample]]:
    """Return what the detectors say of the same product, once they know it."""
    one = Simulated()
    one.run(_LEARNT_S)
    return one.anomalies.by_metric


def _service() -> dict[Metric, list[Sample]]:
    limits = {a.name: a.limit.threshold.value for a in ALERTS if a.limit is not None}
    names = dict.fromkeys(alert.name for alert in ALERTS if alert.switchable)
    told: dict[Metric, list[Sample]] = {
        own.ALERT_THRESHOLD: [Sample(own.ALERT_THRESHOLD, (n,), v) for n, v in limits.items()],
        own.ALERT_ENABLED: [Sample(own.ALERT_ENABLED, (name,), 1.0) for name in names],
        own.ALERT_ACKNOWLEDGED: [
            Sample(own.ALERT_ACKNOWLEDGED, (name, "default"), 1.0) for name in list(names)[::5]
        ],
    }
    for metric in (own.ACTIONS, own.WEBHOOK_NOTIFICATIONS):
        ways = product(("one", "another"), repeat=len(metric.labels))
        told[metric] = [Sample(metric, labels, 3.0) for labels in ways]
    for metric in (own.ACKNOWLEDGEMENTS_OLDEST, own.SPARSE_PROGRESS, own.SPARSE_ETA):
        told[metric] = [Sample(metric, (), 0.5)]
    return told


def _page(told: Mapping[Metric, Sequence[Sample]]) -> str:
    return Page(lambda: Families(0, told)).get("", "").body.decode()


def _recorded(url: str, end: int) -> Iterator[Series]:
    """Yield what each recording rule makes of the rest."""
    for rule in (rule for group in GROUPS for rule in group.rules):
        if isinstance(rule, Recording):
            query = {"query": rule.expr, "time": str(end)}
            answer = httpx.get(f"{url}/api/v1/query", params=query, trust_env=False)
            for one in answer.raise_for_status().json()["data"]["result"]:
                value = float(one["value"][1])
                yield _named(rule.record, one["metric"], value=value, rare=rule is ACTIVE)


def _alerts(scraped: Sequence[Series]) -> Iterator[Series]:
    """Yield every alert, of each on some of the things that it could be about."""
    for alert in ALERTS:
        names = [name for name in alert.by[:_TOLD_BY] if name not in {"backend", "job"}]
        found = [_values(name, scraped) for name in names]
        for values in zip(*found, strict=False) if names else [()]:
            labels = {"alertname": alert.name, "severity": str(alert.severity)}
            labels |= {"backend": "default"} if "backend" in alert.by else {}
            labels |= dict(zip(names, values, strict=True))
            yield _named("ALERTS", labels | {"alertstate": "firing"}, rare=True)
            yield _named("ALERTS_FOR_STATE", labels, rare=True)


def _values(label: str, scraped: Sequence[Series]) -> list[str]:
    pattern = re.compile(rf'(?:^|,){label}="([^"]+)"')
    found = (pattern.search(one.labels) for one in scraped)
    return list(dict.fromkeys(one[1] for one in found if one))[:_EACH]


def _named(
    name: str, labels: Mapping[str, str], value: float = 1.0, *, rare: bool = False
) -> Series:
    told = ",".join(f'{key}="{text}"' for key, text in labels.items() if key != "__name__")
    return Series(name=name, labels=told, value=value, rare=rare)
