"""
Alertmanager's notification templates: what a person reads at 3 a.m.

The sources beside this module are templates of Go's, as Alertmanager 0.25 has them, with what the
catalogue and the settings know filled in by Jinja: ``[[ value ]]``, ``[% block %]``, ``[# comment
#]``. A source holds the parts of one format; what several share is in ``parts.jinja``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter.catalogue import actions

if TYPE_CHECKING:
    from exporter.links import Links

SOURCES: Final = ("ops-email", "ops-msteams", "ops-pagerduty", "ops-plain", "ops-slack")
# These have a link of their own, by the fingerprint of the alert; or nothing to do with an alert.
_NOT_FITTING: Final = (actions.ACKNOWLEDGE, actions.DISMISS, actions.PREFERENCES)
# Annotation and title of what can be done about an alert, in the catalogue's order.
FITTING: Final = tuple(
    (f"{route.slug.replace('-', '_')}_url", route.title)
    for route in actions.ROUTES
    if route.acts and route not in _NOT_FITTING
)


def templates(links: Links) -> dict[str, str]:
    """Return name and text of each template file."""
    environment = Environment(
        loader=PackageLoader("exporter.mixin", "notifications"),
        autoescape=False,  # noqa: S701 - what it makes is a template, which escapes for itself
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
    fingerprint = "{{ .Fingerprint }}"
    known = {
        "acknowledge": links.page(actions.ACKNOWLEDGE, fingerprint=fingerprint),
        "dismiss": links.page(actions.DISMISS, fingerprint=fingerprint),
        "alerts": links.page(actions.ALERTS),
        "runbook": links.runbook(),
        "fitting": FITTING,
    }
    return {
        f"{name}.tmpl": environment.get_template(f"{name}.tmpl").render(known) for name in SOURCES
    }
