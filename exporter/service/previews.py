"""What acknowledging or dismissing would hide, before anybody does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.service import silences
from exporter.service.alertmanager import AlertmanagerError
from exporter.store import acknowledgements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.service.alertmanager import AlertmanagerClient
    from exporter.service.looks import LiveAlert, Look
    from exporter.service.silencing import Times
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.database import Database

_FINGERPRINT: Final = "fingerprint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """
    What would be hidden.

    Attributes:
        labels: Canonical: what the button's form sends back.
        severity: The gravest that would be hidden.
        matchers: Of the silence, as Alertmanager writes them.
        alerts: Exactly what the silence hides now.
        told: What has these labels and is told nevertheless, being of a foreign severity.
        until: When it ends at the latest, Unix seconds.
        existing: What is in force for these labels already.
        refusal: Why it cannot be done; empty when it can.
        its_now: Unix seconds by Alertmanager's clock.
    """

    kind: str
    labels: Mapping[str, str]
    severity: str = ""
    matchers: tuple[str, ...] = ()
    alerts: Sequence[LiveAlert] = ()
    told: Sequence[LiveAlert] = ()
    until: float = 0.0
    existing: Acknowledgement | None = None
    refusal: str = ""
    its_now: float = 0.0


class Previewer:
    """
    Looks at Alertmanager, and changes nothing.

    Args:
        wall: Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        client: AlertmanagerClient,
        *,
        times: Times,
        wall: Callable[[], float],
    ) -> None:
        self._database = database
        self._client = client
        self._times = times
        self._wall = wall

    async def preview(self, kind: str, query: Mapping[str, str]) -> Preview:
        """
        Say what would be hidden.

        Args:
            kind: acknowledge or dismiss.
            query: Labels as a link names them, or just ``fingerprint``.

        Raises:
            InputError: If they would hide too much, or cannot be labels.
        """
        given = named(query)
        labels = given or {}
        try:
            look = await self._client.look()
        except AlertmanagerError as error:
            text = f"Alertmanager does not say what fires. {error}"
            return Preview(kind=kind, labels=labels, refusal=text)
        if given is None:
            labels = _looked_up(query[_FINGERPRINT], look)
        found = [alert for alert in look.alerts if silences.matches(labels, alert.labels)]
        if not found or not labels:
            text = "No such alert fires: it has ended, or Prometheus has yet to tell of it again."
            return Preview(kind=kind, labels=labels, refusal=text)
        labels = silences.completed(labels, [alert.labels for alert in found])
        severity = silences.gravest(alert.severity for alert in found)
        hidden = [a for a in found if silences.hides(labels, severity, a.labels)]
        acknowledge = kind == acknowledgements.ACKNOWLEDGE
        return Preview(
            kind=kind,
            labels=labels,
            severity=severity,
            matchers=silences.written(silences.matchers(labels, severity)),
            alerts=hidden,
            told=[alert for alert in found if alert not in hidden],
            until=self._wall() + (self._times.longest_s if acknowledge else self._times.dismiss_s),
            existing=await self._database.read(acknowledgements.same, labels),
            its_now=look.now,
        )


def named(query: Mapping[str, str]) -> dict[str, str] | None:
    """
    Return the labels that a query names; None when it names a fingerprint instead.

    Raises:
        InputError: If they would hide too much, or cannot be labels.
    """
    by_fingerprint = _FINGERPRINT in query and "alertname" not in query
    return None if by_fingerprint else silences.clean(query)


def _looked_up(fingerprint: str, look: Look) -> dict[str, str]:
    """Return the labels of an alert; nothing when it does not fire."""
    for alert in look.alerts:
        if alert.fingerprint == fingerprint:
            return silences.clean(silences.labels_of(alert.labels))
    return {}
