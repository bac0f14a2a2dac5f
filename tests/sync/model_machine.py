"""What may happen to a house under sync, in any order: to its rules, in the app, to devices, to the ledger."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sync.memory_device import BULB, PLUG
from sync.model_house import House
from sync.model_rules import START, rows, rules, schedule_rows
from sync.model_simulated import SimulatedThing
from sync.model_things import FAULTS, LivingDevice, Thing
from tapo_automate.errors import LedgerUnusable, Refused
from tapo_automate.rows import AutoOff, CountdownRow, OpaqueRow, PowerProtection, ScheduleRow, id_of, table_of
from tapo_automate.rules.model import Rule
from tapo_automate.simulator import Fleet

MOST_RULES = 9
_QUICK = "/dev/shm"  # a ledger is brought to the disk at each write, which takes its time where there is one
_faults = st.tuples(st.sampled_from(FAULTS), st.sampled_from([0, 1, 1, 1, 2, 2, 3, 4, 5, 6]))
_HAPPENINGS = (
    "write_rule", "write_rule", "remove_rule", "rename_rule", "change_conduct", "move_rule",
    "apply_with_a_fault", "apply_with_a_fault", "apply_with_options", "apply_what_has_aged", "answer_drift",
    "adopt", "refresh", "back_up", "restore", "commit_ledger", "check_out_ledger", "lose_ledger", "damage_ledger",
    "hand_adds", "hand_edits", "hand_edits", "hand_makes_a_twin", "hand_fills_the_table", "hand_throws_the_switch",
    "hand_sets_a_neighbour", "reboot", "time_passes", "time_passes",
)  # fmt: skip


class SyncMachine(RuleBasedStateMachine):
    """Any house; `things` says of what kind its devices are."""

    house: House

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="sync-model-", dir=_QUICK if os.path.isdir(_QUICK) else None))
        self._damaged = False

    def things(self, data: st.DataObject) -> Mapping[str, Thing]:
        raise AssertionError("each kind of machine says of what its houses are made")

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.house = House(self._folder, self.things(data), START)
        for number in range(data.draw(st.sampled_from([2, 4, 6, 8]), label="rules")):
            self._set_rule(data, f"r{number}")

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.close()
        shutil.rmtree(self._folder)

    # Somebody edits the rules -----------------------------------------------------------------------------------------

    def write_rule(self, data: st.DataObject) -> None:
        """A rule is added, or becomes another one."""
        names = [f"r{number}" for number in range(MOST_RULES)]
        self._set_rule(data, data.draw(st.sampled_from(names), label="rule"))

    def remove_rule(self, data: st.DataObject) -> None:
        if self.house.rules:
            del self.house.rules[self._rule(data).id]

    def rename_rule(self, data: st.DataObject) -> None:
        """A rule gets another name, where it stands or at the end."""
        if self.house.rules:
            old = self._rule(data)
            free = [name for number in range(MOST_RULES + 3) if (name := f"r{number}") not in self.house.rules]
            new = replace(old, id=data.draw(st.sampled_from(free), label="new name"))
            stays = data.draw(st.booleans(), label="where it stands")
            before = self.house.rules.items()
            self.house.rules = {(new.id if stays and name == old.id else name): each for name, each in before}
            self.house.rules.pop(old.id, None)
            self.house.rules[new.id] = new

    def change_conduct(self, data: st.DataObject) -> None:
        if self.house.rules:
            old = self._rule(data)
            executor = data.draw(st.sampled_from(["auto", "daemon", "device"]), label="executor")
            enabled = data.draw(st.booleans(), label="enabled")
            self.house.rules[old.id] = replace(old, enabled=enabled, executor=executor)

    def move_rule(self, data: st.DataObject) -> None:
        """A rule moves to the top of its file."""
        if self.house.rules:
            chosen = self._rule(data)
            self.house.rules = {chosen.id: chosen, **self.house.rules}

    # Sync -------------------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def live_and_settle(self, data: st.DataObject) -> None:
        """Several things happen before the next apply that is let be."""
        for name in data.draw(st.lists(st.sampled_from(_HAPPENINGS), min_size=1, max_size=6), label="happen"):
            getattr(self, name)(data)
            if not self._damaged:
                self.house.check_always()
        self._mended()
        self.house.settle()
        if data.draw(st.booleans(), label="keep a backup"):
            self.back_up(data)

    def apply_with_a_fault(self, data: st.DataObject) -> None:
        """An apply is interrupted at some request; the next one goes on."""
        self._mended()
        options = {name: data.draw(st.booleans(), label=name) for name in ("fix_clock", "rearm")}
        plan = self.house.plan(**options)
        if not any(device.writes for device in plan.devices):
            self.write_rule(data)
            plan = self.house.plan(**options)
        written = [device.device for device in plan.devices if device.writes]
        if written:
            self.house.apply(plan, {data.draw(st.sampled_from(written)): data.draw(_faults, label="fault")})

    def apply_with_options(self, data: st.DataObject) -> None:
        self._mended()
        options = {name: data.draw(st.booleans(), label=name) for name in ("fix_clock", "rearm")}
        assert self.house.apply(self.house.plan(**options)), self.house.log
        self.house.check_settled()

    def apply_what_has_aged(self, data: st.DataObject) -> None:
        """Something happens between a plan and its apply."""
        self._mended()
        plan = self.house.plan()
        match data.draw(st.sampled_from(["hand", "time", "rules"]), label="in between"):
            case "hand":
                self.hand_edits(data)
            case "time":
                self._pass(dt.timedelta(minutes=data.draw(st.integers(1, 5), label="minutes")))
            case _:
                self.write_rule(data)
        self.house.apply(plan)

    def answer_drift(self, data: st.DataObject) -> None:
        self._mended()
        if data.draw(st.booleans(), label="there is some"):
            self.hand_edits(data)
        some = data.draw(st.booleans(), label="some")
        chosen = [self._rule(data).id] if some and self.house.rules else []
        answer = data.draw(st.sampled_from(["restore", "ignore"]), label="answer")
        self.house.change([self._device(data)], chosen, answer)

    def adopt(self, data: st.DataObject) -> None:
        self._mended()
        self.house.adopt(self._device(data))

    def refresh(self, data: st.DataObject | None) -> None:
        self.house.refresh()
        self._damaged = False

    def back_up(self, data: st.DataObject) -> None:
        self._mended()
        self.house.back_up(self._device(data))

    def restore(self, data: st.DataObject) -> None:
        self._mended()
        if self.house.kept:
            number = data.draw(st.integers(0, len(self.house.kept) - 1), label="backup")
            fault = data.draw(st.none() | _faults, label="fault")
            self.house.restore(self.house.kept[number], fault, foreign=data.draw(st.booleans(), label="foreign"))

    # The ledger -------------------------------------------------------------------------------------------------------

    def commit_ledger(self, data: st.DataObject) -> None:
        self._mended()
        self.house.commit()

    def check_out_ledger(self, data: st.DataObject) -> None:
        """The ledger is taken back from an older commit."""
        if self.house.commits:
            self.house.check_out(data.draw(st.integers(0, len(self.house.commits) - 1), label="commit"))
            self._damaged = False

    def lose_ledger(self, data: st.DataObject) -> None:
        self.house.path.unlink(missing_ok=True)
        self.house.ledger_lost()
        self._damaged = False

    def damage_ledger(self, data: st.DataObject) -> None:
        if self.house.path.exists() and not self._damaged:
            text = self.house.path.read_text()
            self.house.path.write_text(text[: len(text) // 2] + "\x00[[")
            self.house.ledger_lost()
            self._damaged = True
            with pytest.raises(LedgerUnusable, match="rebuild it with `sync refresh`"):
                self.house.plan()

    # A person in the app, and the world -------------------------------------------------------------------------------

    def hand_adds(self, data: st.DataObject) -> None:
        self._by_hand(self._thing(data), data.draw(rows(), label="row"))

    def hand_edits(self, data: st.DataObject) -> None:
        """A person changes a row, switches it off or on, or removes it."""
        name = self._device(data)
        thing, ours = self.house.doors[name].thing, self.house.doors[name].mine
        found = thing.found()
        there = [row for name in ("schedule", "antitheft", "countdown") if name in found for row in found[name].rows]
        if data.draw(st.booleans(), label="ours"):
            there = [row for row in there if (table_of(row), id_of(row)) in ours]
        if not there:
            return
        row = there[data.draw(st.integers(0, len(there) - 1), label="row")]
        match data.draw(st.sampled_from(["remove", "switch", "change"]), label="how"):
            case "remove":
                thing.removed_by_hand(table_of(row), id_of(row))
            case "switch" if not isinstance(row, CountdownRow | OpaqueRow):
                self._by_hand(thing, replace(row, enabled=not row.enabled), id_of(row))
                self.house.doors[name].switched.add((table_of(row), id_of(row)))
            case _ if isinstance(row, ScheduleRow):
                self._by_hand(thing, data.draw(schedule_rows(), label="new"), id_of(row))

    def hand_makes_a_twin(self, data: st.DataObject) -> None:
        """A person adds a row like one that is there already."""
        thing = self._thing(data)
        there = thing.found()["schedule"].rows
        if there:
            self._by_hand(thing, there[data.draw(st.integers(0, len(there) - 1), label="row")])

    def hand_fills_the_table(self, data: st.DataObject) -> None:
        thing = self._thing(data)
        table = thing.found()["schedule"]
        leave = data.draw(st.integers(0, 2), label="free")
        for _ in range(table.max_rows - len(table.rows) - leave):
            self._by_hand(thing, data.draw(schedule_rows()))

    def hand_throws_the_switch(self, data: st.DataObject) -> None:
        table: Any = data.draw(st.sampled_from(["schedule", "antitheft"]), label="table")
        self._thing(data).throw_switch(table, data.draw(st.booleans(), label="on"))

    def hand_sets_a_neighbour(self, data: st.DataObject) -> None:
        enabled = data.draw(st.booleans(), label="enabled")
        row = data.draw(st.sampled_from([AutoOff(5, enabled), AutoOff(60, enabled), PowerProtection(900, enabled)]))
        self._by_hand(self._thing(data), row)

    def reboot(self, data: st.DataObject) -> None:
        thing = self._thing(data)
        thing.reboot()
        if data.draw(st.booleans(), label="the clock is lost"):
            thing.lose_clock()

    def time_passes(self, data: st.DataObject) -> None:
        minutes = data.draw(st.integers(1, 9) | st.integers(10, 600) | st.integers(600, 3000), label="minutes")
        self._pass(dt.timedelta(minutes=minutes))

    # Words ------------------------------------------------------------------------------------------------------------

    def _mended(self) -> None:
        """With a damaged ledger there is one thing to do."""
        if self._damaged:
            self.refresh(None)

    def _rule(self, data: st.DataObject) -> Rule:
        return self.house.rules[data.draw(st.sampled_from(list(self.house.rules)), label="rule")]

    def _set_rule(self, data: st.DataObject, name: str) -> None:
        self.house.rules[name] = data.draw(rules(name, list(self.house.doors), self.house.now), label=name)

    def _device(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.house.doors)), label="device")

    def _thing(self, data: st.DataObject) -> Thing:
        return self.house.doors[self._device(data)].thing

    def _by_hand(self, thing: Thing, row: Any, row_id: str = "") -> None:
        with contextlib.suppress(Refused):  # full, or a countdown runs
            thing.by_hand(row, row_id)

    def _pass(self, elapsed: dt.timedelta) -> None:
        self.house.now += elapsed
        for door in self.house.doors.values():
            door.thing.live(self.house.now)


class InMemory(SyncMachine):
    """Two strict devices in memory: a plug and a lamp, with tables of any size and habits of any kind."""

    def things(self, data: st.DataObject) -> Mapping[str, Thing]:
        def made(description: Any) -> LivingDevice:
            places = data.draw(st.sampled_from([3, 5, 16, 20, 32]), label="places")
            return LivingDevice(
                START,
                spent=data.draw(st.sampled_from(["disabled", "gone"]), label="spent"),
                ids=data.draw(st.sampled_from(["lowest", "next"]), label="ids"),
                limits={"schedule": places, "countdown": 1, "antitheft": 1},
                description=description,
            )

        return {"plug": made(PLUG), "lamp": made(replace(BULB, hardware_id="B0B1C2D3E4F5"))}


class OverHttp(SyncMachine):
    """A plug and a lamp of the simulator, each asked by the driver over HTTP."""

    def things(self, data: st.DataObject) -> Mapping[str, Thing]:
        self._fleet = Fleet()

        def made(model: str) -> SimulatedThing:
            ids = data.draw(st.sampled_from(["lowest", "next"]), label="ids")
            spent = data.draw(st.sampled_from(["disabled", "gone"]), label="spent")
            return SimulatedThing(self._fleet, model, START, ids=ids, spent=spent)

        return {"plug": made("P110"), "lamp": made("L900")}

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            if hasattr(self, "_fleet"):
                self._fleet.close()
