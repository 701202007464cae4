"""The API does what its description says, whatever is asked: Schemathesis, with all its checks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import httpx

from exporter.service.api import description
from tests.conftest import ROOT
from tests.e2e.api_hooks import TOKENS
from tests.e2e.calling import callers

if TYPE_CHECKING:
    from pathlib import Path

# Everything that it can do: examples, the edges of each value, values by chance, and what one
# answer leads to; the same in each run. What is beside the point of a check is named.
_SETTINGS: Final = """
hooks = "tests.e2e.api_hooks"

[generation]
deterministic = true
max-examples = 12
database = "none"

[phases.stateful]
generation.max-examples = 10

[warnings]
fail-on = ["rate_limited", "missing_auth"]

[checks]
# 422 is for what no description can say: see the hook `unexplained`.
positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422"]

[[operations]]
include-operation-id = "put_preferences"
# Which version is in force is guessed by few.
checks.positive_data_acceptance.expected-statuses = ["2xx", "412"]
checks.missing_required_header.expected-statuses = ["428"]
"""
_DEADLINE_S: Final = 300.0


def test_the_api_does_what_its_description_says(tmp_path: Path, alertmanager: Path) -> None:
    config, described = tmp_path / "schemathesis.toml", tmp_path / "openapi.json"
    config.write_text(_SETTINGS, "utf-8")
    with callers(tmp_path, alertmanager) as scripts:
        url = f"{scripts.stand.home}/api"
        headers = {"Authorization": f"Bearer {scripts.token}"}
        told = httpx.get(f"{url}/v1/openapi.json", headers=headers, trust_env=False)
        described.write_text(told.raise_for_status().text, "utf-8")
        command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={config}"]
        done = subprocess.run(  # noqa: S603 - a program of our lock file
            [*command, "run", str(described), f"--url={url}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), TOKENS: " ".join(scripts.tokens)},
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    operations = sum(len(methods) for methods in description()["paths"].values())
    assert re.findall(r"Tested: +(\d+)", done.stdout) == [str(operations)], done.stdout
