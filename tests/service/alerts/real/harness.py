"""A real Alertmanager, with silences of seconds, and what can be seen in it."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

from exporter.service.silencing import Times
from tests.service.alerting import WARNING, Service, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.service.looks import LiveAlert
    from scripts.children import Child
    from tests.conftest import Start

Labels = dict[str, str]


# Real silences need real time: they are short here.
QUICK = Times(
    silence_s=20.0,
    renew_s=17.0,
    dismiss_s=4.0,
    longest_s=600.0,
    apart_s=0.2,
    settle_s=0.0,
    grace_s=0.0,
)


CONFIG = """
route:
  receiver: ops
  group_by: [alertname, backend]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: ops
    webhook_configs:
      - url: http://127.0.0.1:{port}/webhooks/alertmanager
        max_alerts: 0
        http_config: {{authorization: {{credentials: word}}}}
"""


class Real:
    """An Alertmanager that can be restarted; what it notifies goes to *webhook_port*."""

    def __init__(
        self, program: Path, folder: Path, start: Start, free_port: Callable[[], int]
    ) -> None:
        self._start = start
        self._storage = folder / "alertmanager"
        self.webhook_port = free_port()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = folder / "alertmanager.yml"
        config.write_text(CONFIG.format(port=self.webhook_port), "utf-8")
        self._command: list[str | Path] = [
            program,
            f"--config.file={config}",
            f"--storage.path={self._storage}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        self._child: Child | None = None
        self.start()

    def start(self) -> None:
        self._child = self._start(*self._command, ready=f"{self.url}/-/ready")

    def stop(self, *, lose_all: bool = False) -> None:
        assert self._child is not None
        self._child.stop()
        if lose_all:
            shutil.rmtree(self._storage)

    async def tell(self, *alerts: Labels, ended: bool = False) -> None:
        """Say what Prometheus says: these fire, or have ended."""
        now = time.time()
        body = [
            {
                "labels": labels,
                "annotations": {"summary": "Something is wrong."},
                "startsAt": _iso(now - 60),
                "endsAt": _iso(now if ended else now + 300),
            }
            for labels in alerts
        ]
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.url}/api/v2/alerts", json=body)
            assert answer.status_code == 200, answer.text


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


async def found(service: Service, labels: Labels) -> LiveAlert | None:
    look = await service.client.look()
    return next((alert for alert in look.alerts if alert.labels == labels), None)


async def hidden(service: Service, labels: Labels) -> bool:
    alert = await found(service, labels)
    return alert is not None and bool(alert.silenced_by)


async def told(service: Service, labels: Labels) -> bool:
    alert = await found(service, labels)
    return alert is not None and not alert.silenced_by


async def standing(service: Service) -> list[str]:
    return [one.id for one in (await service.client.look()).silences if not one.over]


async def acknowledged(service: Service, real: Real) -> None:
    await real.tell(WARNING)
    await eventually(lambda: found(service, WARNING))
    kept = await service.acknowledge()
    assert kept.created, kept.message
    await eventually(lambda: hidden(service, WARNING))


async def renewed_until(service: Service, happened: Callable[[], Any]) -> None:
    async def renewed() -> object:
        await service.renew()
        return await happened()

    await eventually(renewed, every_s=0.25)
