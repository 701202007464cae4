"""How states are read: a sign and a word for each, and a colour."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.verdicts import Tone, Verdict
from exporter.mixin.parts import BAD, GOOD, IDLE, WARN, States

_COLOURS: Final = {Tone.GOOD: GOOD, Tone.WARN: WARN, Tone.BAD: BAD, Tone.IDLE: IDLE}

# By their place in the state set, from 1, as promql.state_number() has them.
VERDICTS: Final[States] = {
    place: (f"{verdict.tone.sign} {verdict.words}", _COLOURS[verdict.tone])
    for place, verdict in enumerate(Verdict, 1)
}


def yes_no(yes: str, no: str) -> States:
    """Read 1 as *yes*, which is good, and 0 as *no*, which is not."""
    return {1: (f"{Tone.GOOD.sign} {yes}", GOOD), 0: (f"{Tone.BAD.sign} {no}", BAD)}
