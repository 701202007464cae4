"""The API does what its description says, whatever is asked: Schemathesis, with all its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from exporter.service.api import served
from exporter.service.api.problems import KEY_REUSED, Problem
from tests.e2e.calling import Callers, callers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EXAMPLES: Final = 15
_ACCEPTED: Final = ["2xx", "404", "409", "422"]  # of 422, see `unexplained`
_CONFIG: Final[dict[str, Any]] = {
    "generation": {"deterministic": True, "max-examples": _EXAMPLES, "database": "none"},
    "checks": {"positive_data_acceptance": {"expected-statuses": _ACCEPTED}},
    "operations": [
        {
            # Whichever version is in force: few guess it.
            "include-operation-id": "put_preferences",
            "checks": {
                "positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "412"]},
                "missing_required_header": {"expected-statuses": ["428"]},
            },
        },
    ],
}
# What no description can say: which hosts are allowed, which labels would hide too much, that one
# of two fields is needed. Then a field is named, and not its place in the body or the query.
_NAMED: Final = frozenset(
    ("repo_url", "repository", "job_id", "alertname", "labels", "label", "fingerprint")
)
SCHEMA: Final = schemathesis.openapi.from_dict(
    served(""), config=SchemathesisConfig.from_dict(_CONFIG)
)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory, alertmanager: Path) -> Iterator[Callers]:
    with callers(tmp_path_factory.mktemp("api"), alertmanager) as running:
        yield running


def unexplained(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Refuse a 422 for what the description allows, where it could have said so."""
    del ctx
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        told = Problem.model_validate_json(response.content)
        places = {mistake.place for mistake in told.errors}
        assert told.type == KEY_REUSED.urn or places <= _NAMED, told


@SCHEMA.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_does_what_its_description_says(
    case: schemathesis.Case[Any], scripts: Callers
) -> None:
    headers = (
        {"Authorization": f"Bearer {scripts.token}"} if case.method == "GET" else scripts.next()
    )
    case.call_and_validate(
        base_url=f"{scripts.stand.home}/api", headers=headers, additional_checks=[unexplained]
    )
