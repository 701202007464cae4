"""How an HTTP status and a body are judged; the table is in the public interface."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from exporter.catalogue.endpoints import HEALTH
from exporter.catalogue.verdicts import Verdict

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

_NOT_OFFERED = frozenset(
    (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
)
_UNAUTHORIZED = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))


def judge_status(endpoint: Endpoint, status: int) -> Verdict:
    """Judge *status* alone; ok means that the body decides."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in endpoint.usable_statuses:
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
