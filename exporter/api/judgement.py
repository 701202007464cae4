"""How an HTTP status and a body are judged; the table is in the public interface."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from exporter.catalogue.endpoints import HEALTH
from exporter.catalogue.verdicts import Verdict

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

_NOT_OFFERED = frozenset(
    (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
)
_UNAUTHORIZED = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))


def judge(endpoint: Endpoint, status: int, body: bytes | bytearray) -> tuple[Verdict, Any, str]:
    """Return the verdict, the parsed body when it is ok, and why when it is not."""
    verdict = judge_status(endpoint, status)
    if verdict is not Verdict.OK:
        return verdict, None, f"HTTP {status}"
    try:
        payload: Any = _text(body) if endpoint.text else from_json(body)
    except ValueError:
        payload = None
        verdict = Verdict.INVALID
    if not _success(status) and not _tells(payload, endpoint.usable_key):
        return Verdict.HTTP_ERROR, None, f"HTTP {status}"
    if verdict is not Verdict.OK:
        return verdict, None, "not Prometheus text" if endpoint.text else "not JSON"
    verdict = judge_body(endpoint, payload)
    if verdict is Verdict.OK:
        return verdict, payload, ""
    return verdict, None, f"the body says status: {payload['status'].strip().lower()}"


def judge_status(endpoint: Endpoint, status: int) -> Verdict:
    """Judge *status* alone; ok means that the body decides."""
    if _success(status) or status in endpoint.usable_statuses:
        return Verdict.OK
    if status in _UNAUTHORIZED:
        return Verdict.UNAUTHORIZED
    # Every backend has a health endpoint: without it the base URL is wrong, which is a failure.
    if status in _NOT_OFFERED and endpoint is not HEALTH:
        return Verdict.NOT_OFFERED
    return Verdict.HTTP_ERROR


def judge_body(endpoint: Endpoint, payload: Any) -> Verdict:
    """Judge the parsed *payload* of an answer by the status that it tells of itself."""
    if not isinstance(payload, dict) or not isinstance(payload.get("status"), str):
        return Verdict.OK
    status = payload["status"].strip().lower()
    if status == "error":
        return Verdict.STATUS_ERROR
    # The health endpoint's status is the fact that was asked for.
    if status == "not_applicable" and endpoint is not HEALTH:
        return Verdict.NOT_APPLICABLE
    return Verdict.OK


def _success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _tells(payload: Any, key: str) -> bool:
    if isinstance(payload, list) and payload:
        payload = payload[0]  # an older backend answers [{…}, 503]
    return isinstance(payload, dict) and isinstance(payload.get(key), dict)


def _text(body: bytes | bytearray) -> str:
    """Return a Prometheus page as text; ValueError for what cannot be one."""
    text = body.decode("utf-8")
    # A proxy or a single-page application answers any path with its page.
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        message = "markup"
        raise ValueError(message)
    return text
