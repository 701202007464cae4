"""Which alert is meant, in the query of a GET and in the body of a POST."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from exporter.actions.model import InputError
from exporter.service.api.models import Asked, Sent
from exporter.service.keeping import COMMENT_MAX

NAME: Final = "alertname"
_LABELS: Final = "labels"
_FINGERPRINT: Final = "fingerprint"
_VALUE_MAX: Final = 256
_LABELS_MAX: Final = 31  # and the name
_LABEL: Final = r"[a-zA-Z_][a-zA-Z0-9_]{0,127}"
_BESIDE: Final = "Send the name of the alert beside the labels."
_ONCE: Final = "Send each label once, and the name as alertname."
_ALONE: Final = "Send it alone, without name and labels."

_Name = Annotated[str, Field(min_length=1, max_length=_VALUE_MAX, examples=["OpsModuleDown"])]
_LabelName = Annotated[str, Field(pattern=f"^{_LABEL}$")]
_LabelValue = Annotated[str, Field(max_length=_VALUE_MAX)]


class OfAlert(Asked):
    """Which alert: by name and labels, or by its fingerprint."""

    alertname: Annotated[str, Field(max_length=_VALUE_MAX, examples=["OpsModuleDown"])] = ""
    label: tuple[Annotated[str, Field(max_length=400, pattern=f"^{_LABEL}=")], ...] = Field(
        (),
        max_length=_LABELS_MAX,
        description="`NAME=VALUE`, as often as there are; one at least beside the name.",
        examples=[["backend=default", "module=auth"]],
    )
    fingerprint: str = Field(
        "", max_length=64, pattern=r"^[0-9a-zA-Z]*$", description="Instead of name and labels."
    )

    def query(self) -> dict[str, str]:
        """Return what is asked for, as a page's link has it."""
        if self.fingerprint:
            if self.alertname or self.label:
                raise InputError(_FINGERPRINT, _ALONE)
            return {_FINGERPRINT: self.fingerprint}
        pairs = [pair.partition("=") for pair in self.label]
        labels = {name: value for name, _, value in pairs}
        if len(labels) < len(pairs) or NAME in labels:
            raise InputError(_LABELS, _ONCE)
        return {NAME: self.alertname, **labels}


class Saying(Sent):
    """Which alert, and why."""

    alertname: _Name
    labels: dict[_LabelName, _LabelValue] = Field(
        min_length=1,
        max_length=_LABELS_MAX,
        description="What tells the alert apart beside its name; an empty one it must not have.",
        examples=[{"backend": "default", "module": "auth"}],
        # A name that is none is refused; Pydantic leaves that out of the schema.
        json_schema_extra={"additionalProperties": False},
    )
    comment: str = Field(
        "", max_length=COMMENT_MAX, description="Why; Alertmanager shows it.", examples=["on it"]
    )

    def query(self) -> dict[str, str]:
        """Return what is asked for, as a page's link has it."""
        if NAME in self.labels:
            raise InputError(_LABELS, _BESIDE)
        return {NAME: self.alertname, **self.labels}
