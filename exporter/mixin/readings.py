"""How states are read: a sign and a word for each, and a colour."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.metrics import HEALTH_STATES, JOB_STATES, WORKER_STATES
from exporter.catalogue.model import Severity
from exporter.catalogue.verdicts import Tone, Verdict
from exporter.mixin.parts import BAD, CLEAR, GOOD, GREEN, IDLE, ORANGE, PLAIN, WARN, States

_COLOURS: Final = {Tone.GOOD: GOOD, Tone.WARN: WARN, Tone.BAD: BAD, Tone.IDLE: IDLE}


def _read(tone: Tone, words: str) -> tuple[str, str]:
    return f"{tone.sign} {words.replace('_', ' ')}", _COLOURS[tone]


def _states(names: tuple[str, ...], tones: dict[str, Tone]) -> States:
    """Read each state by its place in the state set, from 1, as promql.state_number() has them."""
    return {place: _read(tones.get(name, Tone.IDLE), name) for place, name in enumerate(names, 1)}


VERDICTS: Final[States] = {
    place: _read(verdict.tone, verdict.words) for place, verdict in enumerate(Verdict, 1)
}
HEALTH: Final = _states(
    HEALTH_STATES, {"healthy": Tone.GOOD, "degraded": Tone.WARN, "down": Tone.BAD}
)
# Added to the place of a state that was told before the API fell silent.
SILENT: Final = 10
WAS: Final[States] = {
    SILENT + place: (f"{Tone.IDLE.sign} was {words.split(' ', 1)[1]}", IDLE)
    for place, (words, _) in HEALTH.items()
}
WORKERS: Final = _states(
    WORKER_STATES, {"online": Tone.GOOD, "degraded": Tone.WARN, "offline": Tone.BAD}
)
JOBS: Final = _states(JOB_STATES, {"completed": Tone.GOOD, "failed": Tone.BAD}) | {
    JOB_STATES.index("pending") + 1: ("◷ pending", IDLE),
    JOB_STATES.index("processing") + 1: ("▶ processing", IDLE),
}
# By how bad they are, from 1.
SEVERITIES: Final[States] = {
    place: _read(tone, severity)
    for place, (severity, tone) in enumerate(
        zip(Severity, (Tone.IDLE, Tone.WARN, Tone.BAD), strict=True), 1
    )
}
ANOMALY: Final[States] = {0: (f"{Tone.GOOD.sign} usual", CLEAR), 1: _read(Tone.WARN, "anomaly")}
# How many alerts fire of a thing.
FIRING: Final[States] = {
    0: (f"{Tone.GOOD.sign} none", CLEAR),
    **{
        n: (f"{Tone.WARN.sign} {word}", WARN)
        for n, word in enumerate(("one", "two", "three", "four", "five", "six"), 1)
    },
}
GPU: Final[States] = {1: (f"{Tone.GOOD.sign} GPU", CLEAR), 0: (f"{Tone.IDLE.sign} none", CLEAR)}
LOADED: Final[States] = {
    1: _read(Tone.GOOD, "loaded"),
    0: _read(Tone.BAD, "not loaded"),
}
# The change of a duration: less than a tenth is none.
SLOWER: Final = (
    (None, -0.1, ("▼ faster", GREEN)),
    (-0.1, 0.1, ("▶ steady", PLAIN)),
    (0.1, None, ("▲ slower", ORANGE)),
)


def yes_no(yes: str, no: str) -> States:
    """Read 1 as *yes*, which is good, and 0 as *no*, which is not."""
    return {1: _read(Tone.GOOD, yes), 0: _read(Tone.BAD, no)}
