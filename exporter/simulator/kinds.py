"""The closed list of faults that can be switched on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities

if TYPE_CHECKING:
    from collections.abc import Mapping


class Where(Enum):
    """What a fault breaks."""

    TRANSPORT = "the answers of an endpoint"
    WORLD = "the simulated product itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    One kind of fault.

    Attributes:
        parameters: Name -> default. A value given must be of the default's type.
        for_s: How long it lasts when the request does not say; infinity: until cleared.
    """

    name: str
    where: Where
    meaning: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    for_s: float = math.inf


_AT: Final = {"endpoint": "*"}
_OF: Final = {"path": "", "metric": "", "module": "", "model": ""}
_TRANSPORT: Final = Where.TRANSPORT
_WORLD: Final = Where.WORLD

KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(name="down", where=_TRANSPORT, meaning="Answers 503.", parameters=_AT),
        Kind(
            name="refuse",
            where=_TRANSPORT,
            meaning="Closes the connection at once, without an answer.",
            parameters=_AT,
        ),
        Kind(
            name="slow",
            where=_TRANSPORT,
            meaning="Answers `seconds` later; `blocking` makes everything else wait too.",
            parameters={**_AT, "seconds": 3.0, "blocking": False},
        ),
        Kind(
            name="hang",
            where=_TRANSPORT,
            meaning="Does not answer until the fault is cleared or the client leaves; `blocking` "
            "makes everything else wait too, whether the client leaves or not.",
            parameters={**_AT, "blocking": False},
        ),
        Kind(
            name="error",
            where=_TRANSPORT,
            meaning='Answers 200 with `status: "error"` and an error text in the body.',
            parameters=_AT,
        ),
        Kind(
            name="http_500",
            where=_TRANSPORT,
            meaning="Answers 500 with a JSON body; `500` is another name for it.",
            parameters=_AT,
        ),
        Kind(
            name="garbage",
            where=_TRANSPORT,
            meaning="Answers 200 with an HTML page.",
            parameters=_AT,
        ),
        Kind(
            name="truncated",
            where=_TRANSPORT,
            meaning="Sends half of the body that it announced, then closes the connection.",
            parameters=_AT,
        ),
        Kind(
            name="huge",
            where=_TRANSPORT,
            meaning="Answers 200 with a JSON body of `bytes` bytes.",
            parameters={**_AT, "bytes": 100e6},
        ),
        Kind(
            name="wrong_types",
            where=_TRANSPORT,
            meaning="Gives every value in the body another type.",
            parameters=_AT,
        ),
        Kind(
            name="stuck_value",
            where=_TRANSPORT,
            meaning="Repeats the values of the moment: an endpoint's whole answer, only its "
            "timestamp moves, or one quantity when `path` or `metric` names it.",
            parameters={**_AT, **_OF},
        ),
        Kind(
            name="spike",
            where=_WORLD,
            meaning="Multiplies a quantity by `factor` for a minute.",
            parameters={**_OF, "factor": 8.0},
            for_s=60.0,
        ),
        Kind(
            name="drop",
            where=_WORLD,
            meaning="Multiplies a quantity by `factor`, a small one, for a minute.",
            parameters={**_OF, "factor": 0.1},
            for_s=60.0,
        ),
        Kind(
            name="level_shift",
            where=_WORLD,
            meaning="Multiplies a quantity by `factor` and adds `offset`, from now on.",
            parameters={**_OF, "factor": 2.0, "offset": 0.0},
        ),
        Kind(
            name="set",
            where=_WORLD,
            meaning="Forces a quantity or a state to `value`; `/-/world` names them all.",
            parameters={**_OF, "value": None},
        ),
        Kind(
            name="backlog",
            where=_WORLD,
            meaning="Lets the queue grow by `rate` tasks a second up to `limit`; it drains after.",
            parameters={"rate": 5.0, "limit": 400.0},
        ),
        Kind(
            name="worker_lost",
            where=_WORLD,
            meaning="Takes `worker` offline; its last heartbeat was `silent` seconds before.",
            parameters={"worker": quantities.EDGE_WORKER, "silent": 0.0},
        ),
        Kind(
            name="model_unloaded",
            where=_WORLD,
            meaning="Unloads `model`.",
            parameters={"model": "embedding"},
        ),
        Kind(
            name="restart",
            where=_WORLD,
            meaning="Restarts the backend: counters and uptime start at 0, events are forgotten.",
            for_s=1.0,
        ),
    )
}
