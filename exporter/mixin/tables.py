"""The tables of the documentation, between markers in pages that are otherwise kept by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from exporter.catalogue import metrics, own_metrics
from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.watched import BY_NAME, DOWN, UP, WATCHABLE, WATCHED
from exporter.settings import AlertmanagerSettings, ServiceSettings, known_variables
from exporter.settings.alertmanager import NEWER
from exporter.settings.units import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic.fields import FieldInfo

    from exporter.catalogue.model import Metric
    from exporter.catalogue.watched import Watched

_METRICS = (*metrics.ALL, *own_metrics.ALL)
_DAY_S = 86400.0


def replaced(page: str, name: str, table: str) -> str:
    """
    Return *page* with *table* between its markers of this *name*.

    Raises:
        ValueError: If the markers do not stand there once.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        message = f"needs {begin} and {end}, once each"
        raise ValueError(message)
    pattern = f"{re.escape(begin)}.*{re.escape(end)}"
    return re.sub(pattern, lambda _: f"{begin}\n{table}{end}", page, flags=re.DOTALL)


def metric_overview() -> str:
    """Return the README's table: the names of each source with their labels."""
    rows = [
        (f"`{endpoint.path}`", " · ".join(f"`{_name(metric)}`" for metric in found))
        for endpoint in ENDPOINTS
        if (found := [metric for metric in metrics.ALL if metric.owner is endpoint])
    ]
    own = [metric for metric in own_metrics.ALL if not metric.service]
    rows.append(("the exporter itself", " · ".join(f"`{_name(metric)}`" for metric in own)))
    return markdown_table(("From", "Metrics"), rows)


def metric_reference() -> str:
    """Return the whole table of metrics, in the order of the catalogue."""
    return markdown_table(
        ("Metric", "Type", "Labels", "From", "Dialect", "Meaning"),
        (
            (
                f"`{metric.name}`",
                str(metric.kind),
                ", ".join(f"`{name}`" for name in _labels(metric)),
                _source(metric),
                str(metric.dialect) if metric.dialect else "both",
                metric.help,
            )
            for metric in _METRICS
        ),
    )


def watched() -> str:
    """Return the table of what is watched for anomalies, and what else can be."""
    rows = (
        (
            f"`{one.metric.name}`",
            ", ".join(f"`{name}`" for name in _labels(one.metric)),
            {UP: "too high", DOWN: "too low"}.get(one.direction, "both"),
            _floor(one),
            "value, level and variance" if one.patterns else "value and level",
        )
        for one in WATCHED
    )
    table = markdown_table(("Metric", "Labels", "Bad is", "Floor", "Judged"), rows)
    others = (f"`{name}`" for name in WATCHABLE if name not in BY_NAME)
    return f"{table}\nNot watched unless the configuration says so: {', '.join(others)}.\n"


def configuration() -> str:
    """Return the table of settings."""
    rows = (
        (f"`{setting}`", f"`{variable}`", _default(field), field.description or "")
        for variable, setting in known_variables().items()
        if (field := _field(setting)) is not None
    )
    return markdown_table(("Setting", "Variable", "Default", "Meaning"), rows)


def receivers() -> str:
    """Return the table of what may be set for each kind of receiver."""
    kinds = [
        (name, model)
        for name, field in AlertmanagerSettings.model_fields.items()
        for model in (field.annotation, *get_args(field.annotation))
        if isinstance(model, type) and issubclass(model, BaseModel)
    ]
    rows = (
        (
            f"`{kind}`",
            f"`{name}`" + (" (needed)" if field.is_required() else ""),
            _default(field),
            field.description or "",
        )
        for kind, model in kinds
        for name, field in model.model_fields.items()
    )
    return markdown_table(("Receiver", "Setting", "Default", "Meaning"), rows)


def alertmanager_versions() -> str:
    """Return the table of what an Alertmanager must be new enough for."""
    return markdown_table(
        ("Setting", "Alertmanager", "There"),
        (
            (f"`alertmanager.{setting}`", f"{major}.{minor} or later", feature.name)
            for setting, feature in NEWER.items()
            for major, minor in (feature.since,)
        ),
    )


def _field(setting: str) -> FieldInfo | None:
    """Return the field of ``section.name`` or ``name``; None for a whole section."""
    model: type[BaseModel] = ServiceSettings
    *sections, name = setting.split(".")
    for section in sections:
        kind = model.model_fields[section].annotation
        assert isinstance(kind, type) and issubclass(kind, BaseModel)  # noqa: S101, PT018 - it has fields
        model = kind
    field = model.model_fields[name]
    kind = field.annotation
    # A part of a section is written as one; a whole section has no value of its own.
    is_part = isinstance(kind, type) and issubclass(kind, BaseModel)
    return None if is_part and not sections else field


def _default(field: FieldInfo) -> str:
    """Return the default as one would write it into the file."""
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, tuple) and value:
        return f"`[{', '.join(map(str, value))}]`"
    if not isinstance(value, str | int | float):
        return ""  # none, a secret, or a list that is empty
    if isinstance(value, str):
        return f"`{value}`"
    readers = [getattr(part, "func", None) for part in field.metadata]
    if duration in readers:
        return f"`{value / _DAY_S:g}d`" if value >= _DAY_S else f"`{value:g}s`"
    if size in readers:
        return f"`{value / 2**20:g}MiB`"
    return f"`{value}`"


def _floor(one: Watched) -> str:
    """Return what is too little to matter, as one would write it, and in words."""
    if not one.floor:
        return ""
    share, words = f"{one.floor * 100:g}", ""
    if one.log:
        words = f"{share} %"
    elif one.metric.unit == "ratio":
        words = f"{share} percentage point{'' if share == '1' else 's'}"
    elif one.counter:
        words = "per second"
    return f"`{one.floor:g}`" + (f" ({words})" if words else "")


def _labels(metric: Metric) -> tuple[str, ...]:
    return (*metric.labels, *(["…"] if metric.open_labels else []))


def _name(metric: Metric) -> str:
    labels = _labels(metric)
    return metric.name + (f"{{{','.join(labels)}}}" if labels else "")


def _source(metric: Metric) -> str:
    if metric.service:
        return "action service"
    if metric.owner is None:
        return "exporter"
    others = {"or else": metric.fallback, "and": metric.also}
    words = [metric.owner.name, *(f"{how} {e.name}" for how, e in others.items() if e)]
    return " ".join(words)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; what is a border in Markdown is escaped in its cells."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in cells)
