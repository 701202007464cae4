"""Alertmanager's API, version 2: what it has, and the silences that we ask it for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
from pydantic import Field, TypeAdapter, ValidationError

from exporter.api.body import ACCEPTED, TooLargeError, UnreadableError, read_body
from exporter.api.failure import refusal
from exporter.service.looks import LiveAlert, Look, Model, Silence
from exporter.service.notifications import Time, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_T = TypeVar("_T")
DEADLINE_S: Final = 10.0
# 10,000 alerts with their texts are 20 MB.
_BODY_MAX: Final = 64 * 2**20
_WORDS_MAX: Final = 300
_OK, _NOT_FOUND = 200, 404
# What Alertmanager itself answers about a silence that it does not want. Other refusals are those
# of whatever stands before it, and say nothing of the silence.
_UNWANTED: Final = (400, 422)
_OVER: Final = (b"already expired", b"not found")


class AlertmanagerError(Exception):
    """Raised when Alertmanager gave no answer that counts; whether it did it is not known."""


class SilenceRefusedError(Exception):
    """Raised when Alertmanager refuses a silence; the text is its own and is safe to show."""


class _Status(Model):
    uptime: Time  # the moment at which it was started


class _Posted(Model):
    silence_id: str = Field(alias="silenceID", min_length=1, max_length=64)


_ALERTS: Final = TypeAdapter(tuple[LiveAlert, ...])
_SILENCES: Final = TypeAdapter(tuple[Silence, ...])
_STATUS: Final = TypeAdapter(_Status)
_POSTED: Final = TypeAdapter(_Posted)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytearray
    date: float | None


class AlertmanagerClient:
    """
    The connection to one Alertmanager.

    Args:
        url: Its base URL.
        wall: Unix seconds, in place of Alertmanager's own clock where it does not tell.
        deadline_s: Of one request, connecting included.
        transport: Takes the place of the network in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        wall: Callable[[], float],
        deadline_s: float = DEADLINE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = f"{url.rstrip('/')}/api/v2"
        self._wall = wall
        self._deadline_s = deadline_s
        # Loading the system's certificates takes long, and plain HTTP needs none.
        tls = url.startswith("https:")
        context = ssl.create_default_context() if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            timeout=2 * deadline_s,  # ours is the other one: httpx counts each step apart
            # What was kept may have ended meanwhile, and would make a failure of the next request.
            limits=httpx.Limits(max_keepalive_connections=0),
            transport=transport,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def look(self) -> Look:
        """
        Return all that it has.

        Raises:
            AlertmanagerError: If it cannot be had.
        """
        # What it has resolved, it does not tell.
        alerts, _ = await self._get("/alerts", _ALERTS)
        silences, _ = await self._get("/silences", _SILENCES)
        status, answer = await self._get("/status", _STATUS)
        now = self._wall() if answer.date is None else answer.date
        up_s = now - moment(status.uptime)
        return Look(alerts=alerts, silences=silences, now=now, up_s=up_s)

    async def post_silence(
        self,
        *,
        matchers: Sequence[Mapping[str, Any]],
        starts_at: float,
        ends_at: float,
        created_by: str,
        comment: str,
        silence_id: str | None = None,
    ) -> str:
        """
        Make a silence, or change one; return its id, which may be another one than before.

        Args:
            starts_at: Unix seconds by Alertmanager's clock, as *ends_at*.
            silence_id: Of the one to be changed. If it is not known any more, a new one is made.

        Raises:
            SilenceRefusedError: If Alertmanager does not want it.
            AlertmanagerError: If it may or may not have made it.
        """
        body = {
            "matchers": list(matchers),
            "startsAt": _iso(starts_at),
            "endsAt": _iso(ends_at),
            "createdBy": created_by,
            "comment": comment,
        }
        change = {"id": silence_id} if silence_id is not None else {}
        answer = await self._ask("POST", "/silences", body | change)
        if answer.status == _NOT_FOUND and change:
            answer = await self._ask("POST", "/silences", body)
        if answer.status in _UNWANTED:
            raise SilenceRefusedError(_words(answer.body))
        return (await self._read("POST /silences", answer, _POSTED)).silence_id

    async def expire(self, silence_id: str) -> None:
        """
        End a silence; one that is over or not known is no error.

        Raises:
            AlertmanagerError: If it may still be in force.
        """
        answer = await self._ask("DELETE", f"/silence/{silence_id}")
        # 0.25 answers 500 about one that is over, or that it does not know.
        over = answer.status == _NOT_FOUND or any(said in answer.body for said in _OVER)
        if answer.status != _OK and not over:
            message = f"DELETE /silence: {answer.status}"
            raise AlertmanagerError(message)

    async def _get(self, path: str, model: TypeAdapter[_T]) -> tuple[_T, _Answer]:
        answer = await self._ask("GET", path)
        return await self._read(f"GET {path}", answer, model), answer

    async def _read(self, what: str, answer: _Answer, model: TypeAdapter[_T]) -> _T:
        if answer.status != _OK:
            message = f"{what}: {answer.status}"
            raise AlertmanagerError(message)
        try:
            # Thousands of alerts would hold everybody else up.
            return await asyncio.to_thread(model.validate_json, answer.body)
        except ValidationError:
            message = f"{what}: the answer is not Alertmanager's"
            raise AlertmanagerError(message) from None

    async def _ask(self, method: str, path: str, body: object = None) -> _Answer:
        headers = {"accept": "application/json", "accept-encoding": ACCEPTED}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        request = self._client.build_request(
            method, self._base + path, headers=headers, content=content
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._client.send(request, stream=True)
                try:
                    received = await read_body(response, _BODY_MAX)
                finally:
                    await response.aclose()
        except TimeoutError:
            why = f"no answer within {self._deadline_s:g} s"
        except (TooLargeError, UnreadableError, httpx.ProtocolError):
            why = "the answer was cut, too large or is not HTTP"
        except (httpx.TransportError, OSError) as error:
            why = refusal(error)
        else:
            return _Answer(response.status_code, received, _date(response.headers.get("date")))
        message = f"{method} {path.split('/')[1]}: {why}"
        raise AlertmanagerError(message)


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def _iso(at: float) -> str:
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _words(body: bytearray) -> str:
    """Return what Alertmanager says: a JSON text, or whatever it is."""
    text = body[: 4 * _WORDS_MAX].decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        text = str(json.loads(text))
    return "".join(c if c.isprintable() else " " for c in text)[:_WORDS_MAX].strip()
