from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.simulator.faults import Faults
from exporter.simulator.scenario import ScenarioError, plan
from tests.simulator.served import ROOT, START

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.world import World


def written(folder: Path, text: str) -> Path:
    path = folder / "scenario.yml"
    path.write_text(text, "utf-8")
    return path


def test_faults_begin_and_end_as_planned(tmp_path: Path, world: World) -> None:
    path = written(
        tmp_path,
        """
        - at: 30s
          fault: {kind: set, path: error_rate, value: 12}
          for: 60s
        """,
    )

    assert plan(path, world.faults, START) == 1

    for second, forced in ((29, False), (30, True), (89, True), (91, False)):
        world.advance_to(START + second)
        assert forced == (world.numbers["error_rate"] == 12)


def test_without_for_a_fault_lasts_to_the_end(tmp_path: Path) -> None:
    faults = Faults()
    plan(written(tmp_path, "[{at: 0, fault: {kind: down}}]"), faults, START)

    assert next(iter(faults)).active(START + 1e9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("at: 3", "must be a list of entries"),
        ("[3]", "[0].entry: 3: must have at and fault"),
        ("[{at: 3}]", "must have at and fault"),
        ("[{at: 3, fault: down}]", "[0].fault: 'down': must be a mapping"),
        ("[{at: soon, fault: {kind: down}}]", '[0].at: "soon": write a number'),
        (
            "[{at: 0, fault: {kind: down}}, {at: 0, fault: {kind: up}}]",
            '[1].kind: "up": no such kind',
        ),
        ("[{at: 0, fault: {kind: down}, until: 3}]", "may have for"),
        ("[", "scenario.yml: "),
    ],
)
def test_a_wrong_scenario_names_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        plan(written(tmp_path, text), Faults(), START)

    assert message in str(error.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "[{at: 0, fault: {kind: up}}, {at: 0, fault: {kind: off}}]")

    with pytest.raises(ScenarioError) as error:
        plan(path, Faults(), START)

    assert len(str(error.value).splitlines()) == 2


def test_a_missing_file_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.yml"):
        plan(tmp_path / "none.yml", Faults(), START)


def test_the_documented_scenario_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs/simulator.md").read_text("utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]

    assert plan(written(tmp_path, example), Faults(), START) >= 3
