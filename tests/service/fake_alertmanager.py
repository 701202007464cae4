"""An Alertmanager in memory: as strict about silences as the real one, and with a clock to turn."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import httpx

Labels = dict[str, str]
START = 1_700_000_000.0


@dataclass
class Clock:
    """Unix seconds, as a test has it."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def iso(at: float) -> str:
    """Cut to milliseconds, as the real one's API tells its nanoseconds."""
    cut = datetime.fromtimestamp(int(at * 1000) / 1000, UTC)
    return cut.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def fingerprint(labels: Labels) -> str:
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


@dataclass
class Silence:
    id: str
    matchers: list[dict[str, Any]]
    starts_at: float
    ends_at: float
    created_by: str
    comment: str

    def state(self, now: float) -> str:
        if self.ends_at <= now:
            return "expired"
        return "pending" if self.starts_at > now else "active"

    def matches(self, labels: Labels) -> bool:
        return all(_matches(matcher, labels) for matcher in self.matchers)


def _matches(matcher: dict[str, Any], labels: Labels) -> bool:
    value = labels.get(matcher["name"], "")
    if matcher["isRegex"]:
        return re.fullmatch(matcher["value"], value) is not None
    return bool(value == matcher["value"])


@dataclass
class FakeAlertmanager:
    """
    Attributes:
        ahead_s: Of its clock, before ours.
        failing: Answers each request with this status, having done nothing.
        failing_only: Of this method alone.
        deaf: Posts are done, and then the answer is lost.
        refuses: Words with which silences are refused.
        posts: How many silences were made or changed.
        asked: How many requests came.
        bodies: What is answered instead, by path.
    """

    clock: Clock
    ahead_s: float = 0.0
    failing: int = 0
    failing_only: str = ""
    unreachable: bool = False
    deaf: bool = False
    refuses: str = ""
    posts: int = 0
    asked: int = 0
    bodies: dict[str, bytes] = field(default_factory=dict)
    alerts: dict[str, tuple[Labels, float]] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    started_at: float = START - 86_400

    @property
    def now(self) -> float:
        return self.clock() + self.ahead_s

    def fire(self, **labels: str) -> None:
        self.alerts.setdefault(fingerprint(labels), (labels, self.now))

    def resolve(self, **labels: str) -> None:
        del self.alerts[fingerprint(labels)]

    def restart(self, *, lose_silences: bool = False) -> None:
        """Alerts are never kept over a restart; silences are, unless it was killed."""
        self.alerts.clear()
        self.started_at = self.now
        if lose_silences:
            self.silences.clear()

    def standing(self) -> list[Silence]:
        return [one for one in self.silences.values() if one.state(self.now) != "expired"]

    def hidden(self, **labels: str) -> list[str]:
        return [one.id for one in self.standing() if one.matches(labels)]

    async def was_asked(self) -> bool:
        return self.asked > 0

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.unreachable:
            lost = "refused"
            raise httpx.ConnectError(lost) from ConnectionRefusedError()
        if self.failing and self.failing_only in {"", request.method}:
            return httpx.Response(self.failing, text="not now")
        path = request.url.path.removeprefix("/api/v2")
        if path in self.bodies:
            return httpx.Response(200, content=self.bodies[path])
        if request.method == "GET":
            found: object = {"uptime": iso(self.started_at)}
            if path == "/alerts":
                found = self._alerts()
            elif path == "/silences":
                found = self._silences()
            answer = httpx.Response(200, json=found)
        elif request.method == "POST":
            assert path == "/silences"
            answer = self._post(json.loads(request.content))
        else:
            answer = self._delete(path.removeprefix("/silence/"))
        answer.headers["date"] = formatdate(int(self.now), usegmt=True)
        return answer

    def _alerts(self) -> list[dict[str, Any]]:
        return [
            {
                "fingerprint": fingerprint(labels),
                "labels": labels,
                "annotations": {},
                "startsAt": iso(starts_at),
                "endsAt": iso(self.now + 300),
                "status": {
                    "state": "suppressed" if self.hidden(**labels) else "active",
                    "silencedBy": self.hidden(**labels),
                    "inhibitedBy": [],
                },
            }
            for labels, starts_at in self.alerts.values()
        ]

    def _silences(self) -> list[dict[str, Any]]:
        return [
            {
                "id": one.id,
                "status": {"state": one.state(self.now)},
                "startsAt": iso(one.starts_at),
                "endsAt": iso(one.ends_at),
                "createdBy": one.created_by,
                "comment": one.comment,
                "matchers": one.matchers,
            }
            for one in self.silences.values()
        ]

    def _post(self, body: dict[str, Any]) -> httpx.Response:
        starts_at, ends_at = seconds(body["startsAt"]), seconds(body["endsAt"])
        if self.refuses or ends_at <= max(self.now, starts_at):
            return httpx.Response(400, json=self.refuses or "end time can't be in the past")
        old = self.silences.get(body["id"]) if "id" in body else None
        if "id" in body and old is None:
            return httpx.Response(404, json="silence not found")
        self.posts += 1
        alive = old is not None and old.state(self.now) == "active"
        if (
            old is not None
            and alive
            and (old.starts_at, old.matchers)
            == (
                starts_at,
                body["matchers"],
            )
        ):
            old.ends_at, old.comment, old.created_by = ends_at, body["comment"], body["createdBy"]
            made = old
        else:
            if old is not None:
                old.ends_at = min(old.ends_at, self.now)
            made = Silence(
                id=f"silence-{len(self.silences) + 1}",
                matchers=body["matchers"],
                starts_at=max(starts_at, self.now),
                ends_at=ends_at,
                created_by=body["createdBy"],
                comment=body["comment"],
            )
            self.silences[made.id] = made
        if self.deaf:
            lost = "reset"
            raise httpx.ReadError(lost)
        return httpx.Response(200, json={"silenceID": made.id})

    def _delete(self, silence_id: str) -> httpx.Response:
        found = self.silences.get(silence_id)
        if found is None:
            return httpx.Response(404)
        if found.state(self.now) == "expired":
            return httpx.Response(500, json=f"silence {silence_id} already expired")
        found.ends_at = self.now
        return httpx.Response(200)
