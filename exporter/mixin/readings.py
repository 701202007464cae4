"""How states are read: a sign and a word for each, and a colour."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.verdicts import FAILURES, Verdict
from exporter.mixin.parts import BAD, GOOD, IDLE, WARN, States

# The backend is slow or its answer long: not broken.
_SLUGGISH: Final = (Verdict.TIMEOUT, Verdict.TOO_LARGE)


def _read(verdict: Verdict) -> tuple[str, str]:
    text = verdict.replace("_", " ")
    if verdict is Verdict.OK:
        return f"✔ {text}", GOOD
    if verdict not in FAILURES:
        return f"○ {text}", IDLE
    return (f"▲ {text}", WARN) if verdict in _SLUGGISH else (f"✖ {text}", BAD)


# By their place in the state set, from 1, as promql.state_number() has them.
VERDICTS: Final[States] = {place: _read(verdict) for place, verdict in enumerate(Verdict, 1)}


def yes_no(yes: str, no: str) -> States:
    """Read 1 as *yes*, which is good, and 0 as *no*, which is not."""
    return {1: (f"✔ {yes}", GOOD), 0: (f"✖ {no}", BAD)}
