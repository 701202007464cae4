"""Acknowledgements and history with a real Alertmanager."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from exporter.service.alertmanager import AlertmanagerError, SilenceRefusedError
from exporter.service.silencing import Times
from exporter.service.webhook import Webhook
from tests.service.alerting import CRITICAL, MODULE, WARNING, Service, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
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


@pytest.fixture
def real(alertmanager: Path, tmp_path: Path, start: Start, free_port: Callable[[], int]) -> Real:
    return Real(alertmanager, tmp_path, start, free_port)


@pytest.fixture
async def service(tmp_path: Path, real: Real) -> AsyncIterator[Service]:
    service = Service(tmp_path / "ops.sqlite", real.url, time.time, times=QUICK)
    yield service
    await service.close()


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


async def ended_by(service: Service) -> list[str | None]:
    return [record.ended_by for record in await service.records()]


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


async def test_what_is_hidden_is_what_the_preview_says(service: Service, real: Real) -> None:
    others = [
        CRITICAL | {"module": "search"},
        WARNING | {"module": "search"},
        WARNING | {"alertname": "OpsModuleSlow"},
        WARNING | {"backend": "other"},
    ]
    mild = WARNING | {"severity": "info", "instance": 'odd "quotes" \\ and\nlines'}
    await real.tell(WARNING, mild, *others)
    await eventually(lambda: found(service, mild))

    preview = await service.keeper.preview("acknowledge", MODULE)
    await service.acknowledge()
    await eventually(lambda: hidden(service, WARNING))

    look = await service.client.look()
    silenced = {frozenset(alert.labels.items()) for alert in look.alerts if alert.silenced_by}
    assert silenced == {frozenset(alert.labels.items()) for alert in preview.alerts}
    assert silenced == {frozenset(labels.items()) for labels in (WARNING, mild)}
    assert len(await standing(service)) == 1


async def test_odd_values_of_labels_are_matched_as_they_are(service: Service, real: Real) -> None:
    odd = WARNING | {"module": 'a|b.* "{}" \\ \n é %00'}
    await real.tell(odd, WARNING | {"module": "a"})
    await eventually(lambda: found(service, odd))

    await service.acknowledge(**(MODULE | {"module": odd["module"]}))

    await eventually(lambda: hidden(service, odd))
    assert await told(service, WARNING | {"module": "a"})


async def test_the_silence_is_prolonged_under_its_id(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (first,) = (await service.client.look()).silences

    async def prolonged() -> bool:
        assert await hidden(service, WARNING)
        (silence,) = (await service.client.look()).silences
        assert silence.id == first.id
        return silence.end > first.end + 4

    await renewed_until(service, prolonged)
    (record,) = await service.keeper.active()
    assert record.silence_id == first.id
    assert await service.audited() != []


async def test_it_ends_with_the_alert_and_the_history_knows(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    await service.reconciler.reconcile()
    await real.tell(WARNING, ended=True)

    async def resolved() -> bool:
        return await ended_by(service) == ["resolved"]

    await renewed_until(service, resolved)
    assert await standing(service) == []

    async def closed() -> bool:
        await service.reconciler.reconcile()
        return [one.ended_by for one in await service.history()] == ["reconciled"]

    # Alertmanager does not tell of what ends while it is silenced.
    await eventually(closed, every_s=0.25)


async def test_what_gets_worse_is_told_and_ends_it(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    await real.tell(CRITICAL)
    await eventually(lambda: told(service, CRITICAL))

    await service.renew()

    assert await ended_by(service) == ["escalated"]
    assert await standing(service) == []
    await eventually(lambda: told(service, WARNING))


async def test_alertmanager_may_restart(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (before,) = await standing(service)

    real.stop()
    with pytest.raises(AlertmanagerError, match="connection refused"):
        await service.renew()
    real.start()
    await real.tell(WARNING)
    await eventually(lambda: hidden(service, WARNING))
    await service.renew()

    assert await standing(service) == [before]
    assert await ended_by(service) == [None]


async def test_alertmanager_may_lose_all_that_it_had(service: Service, real: Real) -> None:
    await acknowledged(service, real)

    real.stop(lose_all=True)
    real.start()
    await real.tell(WARNING)
    await eventually(lambda: found(service, WARNING))
    assert await standing(service) == []
    await service.renew()

    await eventually(lambda: hidden(service, WARNING))
    (record,) = await service.keeper.active()
    assert [record.silence_id] == await standing(service)


async def test_we_may_restart(tmp_path: Path, service: Service, real: Real) -> None:
    await acknowledged(service, real)
    before = await standing(service)
    await service.renew()
    await service.renewer.close()

    after = Service(tmp_path / "ops.sqlite", real.url, time.time, times=QUICK, instance="two")
    await after.renew()
    assert await standing(after) == before
    assert await hidden(after, WARNING)
    await real.tell(WARNING, ended=True)

    async def resolved() -> bool:
        return await ended_by(after) == ["resolved"]

    await renewed_until(after, resolved)
    assert await standing(after) == []
    await after.close()


async def test_a_dismissal_ends_with_its_silence(service: Service, real: Real) -> None:
    await real.tell(WARNING)
    await eventually(lambda: found(service, WARNING))
    await service.dismiss()
    await eventually(lambda: hidden(service, WARNING))

    async def over() -> bool:
        return await ended_by(service) == ["silence"]

    await renewed_until(service, over)
    await eventually(lambda: told(service, WARNING))


async def test_an_id_that_alertmanager_changes_is_followed(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (silence,) = (await service.client.look()).silences
    # Somebody edits it in Alertmanager's own page, which makes another one of it.
    changed = await service.client.post_silence(
        matchers=[{"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}],
        starts_at=time.time() - 60,
        ends_at=time.time() + 600,
        created_by="joe",
        comment=silence.comment,
        silence_id=silence.id,
    )
    assert changed != silence.id

    await service.renew()

    (record,) = await service.keeper.active()
    assert await standing(service) == [record.silence_id]
    await real.tell(WARNING | {"alertname": "OpsOther"})
    await eventually(lambda: told(service, WARNING | {"alertname": "OpsOther"}))
    await eventually(lambda: hidden(service, WARNING))


async def test_an_expired_and_an_unknown_silence_are_no_error(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (silence_id,) = await standing(service)
    unknown = "01234567-89ab-cdef-0123-456789abcdef"

    for gone in (silence_id, silence_id, unknown):
        await service.client.expire(gone)
    assert await standing(service) == []
    matchers = [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}]
    for gone in (silence_id, unknown):
        made = await service.client.post_silence(
            matchers=matchers,
            starts_at=time.time(),
            ends_at=time.time() + 60,
            created_by="jane",
            comment="c",
            silence_id=gone,
        )
        assert made in await standing(service)
        assert made != gone


async def test_what_alertmanager_refuses_is_told_in_its_words(service: Service, real: Real) -> None:
    assert real.url
    with pytest.raises(SilenceRefusedError, match="past"):
        await service.client.post_silence(
            matchers=[{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
            starts_at=time.time() - 60,
            ends_at=time.time() - 30,
            created_by="jane",
            comment="c",
        )


@asynccontextmanager
async def receiving(service: Service, port: int) -> AsyncIterator[list[str]]:
    """Serve the webhook, wired as the service does it; what became of requests is noted."""
    counted: list[str] = []
    webhook = Webhook(
        service.database,
        token=lambda: "word",
        soon=service.reconciler.soon,
        counted=counted.append,
        wall=time.time,
    )
    app = Starlette(routes=[Route("/webhooks/alertmanager", webhook.receive, methods=["POST"])])
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    serving = asyncio.create_task(server._serve())
    yield counted
    server.should_exit = True
    await serving


async def test_what_alertmanager_notifies_is_in_the_history(service: Service, real: Real) -> None:
    async with receiving(service, real.webhook_port) as counted:
        many = [WARNING | {"module": f"m{number}"} for number in range(300)]

        async def firing() -> bool:
            return {one.status for one in await service.history()} == {"firing"}

        async def ended() -> bool:
            return {one.ended_by for one in await service.history()} == {"resolved"}

        await real.tell(*many)
        await eventually(firing)
        # The same to the millisecond by its webhook and by its API: nothing is added.
        await service.reconciler.reconcile()
        await real.tell(*many, ended=True)
        await eventually(ended)

        assert len(await service.history()) == 300
        assert set(counted) == {"stored"}
