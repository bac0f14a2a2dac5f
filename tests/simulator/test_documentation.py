"""docs/simulator.md says what the simulator has."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from simulator.speaking import Klap
from tapo_automate.cli.simulate import simulate
from tapo_automate.simulator import Change, Device, Fleet
from tapo_automate.simulator.child import Child
from tapo_automate.simulator.faults import table
from tapo_automate.simulator.fleet_file import Wish, read_fleet
from tapo_automate.simulator.habits import CHOICES, Habits
from tapo_automate.simulator.hands import Hands
from tapo_automate.simulator.methods import METHODS
from tapo_automate.simulator.models import MODELS
from tapo_automate.simulator.profiles import TRANSPORTS

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


CLOCKED = ("clock-lost", "offline", "reboots", "asleep")


def test_every_fault_has_a_row_with_its_stage() -> None:
    rows = [line for line in section("Faults").splitlines() if line.startswith("| `")]
    told = {name: row.split("|")[2].strip() for row in rows for name in re.findall("`([^`]+)`", row.split("|")[1])}
    assert told == {name: "" if name in CLOCKED else stage for name, stage, _ in table()}


def test_every_profile_has_a_row_with_its_firmware() -> None:
    for model in MODELS:
        row = next(line for line in section("Profiles").splitlines() if line.startswith(f"| `{model.name}`"))
        for transport, firmware in model.firmware.items():
            assert f"{transport} {firmware.version.split()[0]}" in row


def test_every_transport_has_a_row() -> None:
    for transport in TRANSPORTS:
        assert f"\n| `{transport}` |" in section("Transports")


def test_every_option_has_a_row() -> None:
    for option in simulate.params:
        for name in (*option.opts, *option.secondary_opts):
            assert f"`{name}" in section("Options"), name


OFFERED = {name for kind in (Device, Child, Hands) for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_everything_a_device_offers_is_named(name: str) -> None:
    assert re.search(rf"`{name}\b", section("From Python"))


def test_everything_a_fleet_takes_is_named() -> None:
    names = Fleet.add.__kwdefaults__ or {}
    for name in names:
        assert f"`{name}`" in section("From Python"), name


def test_every_habit_has_a_row_with_its_choices() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", section("Tables"), re.MULTILINE)
    assert {name: tuple(re.findall(r"`(\w+)`", told)) for name, told in rows} == CHOICES
    assert {entry.name: entry.default for entry in fields(Habits)} == {name: row[0] for name, row in CHOICES.items()}
    kinds = {option.name: option.type for option in simulate.params}
    assert {name: tuple(getattr(kinds[name], "choices", ())) for name in CHOICES} == CHOICES


def test_every_method_of_the_tables_has_a_row() -> None:
    table_methods = {name for name in METHODS if "schedule" in name or "countdown" in name or "antitheft" in name}
    assert {name for name in table_methods if f"`{name}`" not in section("Tables")} == set()


def test_the_example_of_a_fleet_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    wishes = read_fleet(path, Wish(username="u", password="p"))
    assert [(wish.transport, wish.count) for wish in wishes] == [("klap", 1), ("klap", 1), ("klap", 20)]
    assert wishes[1].profile == str(tmp_path / "dumps" / "hall.json")


def test_the_examples_in_python_run(capsys: pytest.CaptureFixture[str], plug: Device) -> None:
    first, found, second, third = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(first, "docs/simulator.md", "exec"), {})
    assert capsys.readouterr().out.startswith("127.0.0.1:")
    exec(compile(found, "docs/simulator.md", "exec"), {})
    assert capsys.readouterr().out == "127.0.0.9\n"
    exec(compile(second, "docs/simulator.md", "exec"), {})
    assert capsys.readouterr().out == "1783936800.0 True start\n"
    names: dict[str, Any] = {}
    exec(compile(third, "docs/simulator.md", "exec"), names)
    assert names["logs_in_once_a_minute_at_most"](plug)
    for _ in range(2):
        Klap(plug).greet()
    assert not names["logs_in_once_a_minute_at_most"](plug)


def test_every_maker_of_a_change_has_a_row() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", section("From Python"), re.MULTILINE)
    assert rows[rows.index("start") :] == list(get_args(get_type_hints(Change)["by"]))
