"""PromQL that alert rules have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own

if TYPE_CHECKING:
    from exporter.catalogue.model import Metric

# Within an hour: more than five restarts are no restarts. increase() extrapolates, so whole numbers
# do not come out whole.
FALLS_MAX: Final = 5.5


def recent(metric: Metric, *matchers: str) -> str:
    """Select the last value of *metric* within its window: one missed poll changes nothing."""
    return f"last_over_time({metric}{_selected(matchers)}[{metric.window}])"


def present(metric: Metric, *matchers: str, by: tuple[str, ...] = ()) -> str:
    """
    Take the last value for each backend and for each of the labels *by*.

    Replicas of one exporter tell the same, each a moment later: what one of them says counts, and
    two are one series.
    """
    return f"max by ({', '.join(('backend', *by))}) ({recent(metric, *matchers)})"


def state(metric: Metric, status: str, by: tuple[str, ...] = ()) -> str:
    """Tell whether *metric* is in a state, or in one of several (``a|b``): 1 or 0."""
    operator = "=~" if "|" in status else "="
    return present(metric, f'status{operator}"{status}"', by=by)


def grown(metric: Metric, window: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
    """Take how much a counter has grown within *window*, as the replica says that saw the most."""
    counted = f"increase({metric}{_selected(matchers)}[{window}])"
    inner = f"sum by ({', '.join(('backend', 'instance', *by))}) ({counted})"
    return f"max by ({', '.join(('backend', *by))}) ({inner})"


def counted(metric: Metric, window: str) -> str:
    """
    Take by how much a counter of the API has grown within *window*, in whole numbers.

    Not of one that falls again and again: processes that take turns in answering make each fall
    look like growth. A restart lets it fall once.
    """
    fell = f'increase({own.RESETS_OBSERVED}{{metric="{metric}"}}[1h])'
    return f"""\
(
  floor({grown(metric, window)})
  unless on (backend)
  max by (backend) ({fell}) > {FALLS_MAX}
)"""


def listed(metric: Metric, label: str, states: str) -> str:
    """
    Return a template that names each *label* that is in one of the *states* now (``a|b``).

    For the description of an alert that has the label ``backend``.
    """
    series = f"{metric}{{backend=%q, status=~'{states}'}}"
    query = f"count by ({label}) (last_over_time({series}[{metric.window}]) == 1)"
    return (
        f'{{{{ range $place, $one := printf "{query}" $labels.backend | query'
        f' | sortByLabel "{label}" }}}}'
        f"{{{{ if $place }}}}, {{{{ end }}}}{{{{ $one.Labels.{label} }}}}"
        "{{ else }}none{{ end }}"
    )


def _selected(matchers: tuple[str, ...]) -> str:
    return f"{{{', '.join(matchers)}}}" if matchers else ""
