"""The closed list of what the exporter may say of an endpoint's last answer."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What became of the last request to an endpoint."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"  # the feature is switched off there
    NOT_OFFERED = "not_offered"  # this backend has no such endpoint
    TIMEOUT = "timeout"
    REFUSED = "refused"  # no connection: DNS, connect, TLS, reset
    HTTP_ERROR = "http_error"
    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"  # cut, unparsable or not JSON
    SCHEMA = "schema"  # JSON of a shape that is in neither dialect
    STATUS_ERROR = "status_error"  # HTTP 200 whose body says status: error
    TOO_LARGE = "too_large"

    @property
    def success(self) -> bool:
        """Whether the endpoint did what it is there for."""
        return self in _SUCCESS


_SUCCESS = frozenset((Verdict.OK, Verdict.NOT_APPLICABLE, Verdict.NOT_OFFERED))
FAILURES = tuple(verdict for verdict in Verdict if verdict not in _SUCCESS)
