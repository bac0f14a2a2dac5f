"""A house under sync: rules, a ledger in a folder, backups, and devices behind their doors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sync.memory_device import Killed
from sync.model_claims import Claims, Kept
from sync.model_rules import SITE, deeds_of_row, deeds_of_rule
from sync.model_things import Door, Fault, Place, Thing, Words, same
from tapo_automate.cli.sync_drift import _drifted, _ignored, _undoing
from tapo_automate.device import DeviceSpec
from tapo_automate.errors import ApplyIncomplete, DeviceError, LedgerUnusable, PlanStale, PlanUnsafe, SyncError
from tapo_automate.rules.model import Rule, RuleBook
from tapo_automate.sync.adopt import adopt_rows
from tapo_automate.sync.apply import Applied, apply_device
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.ledger import Ledger, LedgerFile, load_ledger, locked, save_ledger
from tapo_automate.sync.model import Change, DevicePlan, Plan, Reading, Recorded
from tapo_automate.sync.plan import plan_device, stops
from tapo_automate.sync.refresh import refresh
from tapo_automate.sync.restore import plan_restore, restore_device
from tapo_automate.sync.rows import digest

ASKED_FOR = frozenset({"--allow-emptying", "--allow-mass-delete"})
Mine = Mapping[str, Mapping[Place, Words]]


class House(Claims):
    """The state of the model.  doors: by device.  commits: ledgers as they once were, with what was ours then."""

    def __init__(self, folder: Path, things: Mapping[str, Thing], now: dt.datetime) -> None:
        self.doors = {name: Door(name, thing) for name, thing in things.items()}
        self.now = now
        self.rules: dict[str, Rule] = {}
        self.path = folder / "rules.ledger.toml"
        self.backups = Backups(folder / "backups")
        self.kept: list[Kept] = []
        self.commits: list[tuple[bytes | None, Mine]] = []
        self.log: list[str] = []
        self.warned: Callable[[tuple[str, ...]], object] = lambda warnings: None

    @property
    def book(self) -> RuleBook:
        devices = {name: DeviceSpec(name, "tapo-plug", f"{name}.example") for name in self.doors}
        return RuleBook(SITE, devices, {}, dict(self.rules))

    @property
    def ledger(self) -> Ledger:
        return load_ledger(self.path)

    def close(self) -> None:
        for door in self.doors.values():
            door.thing.close()

    # What sync does ---------------------------------------------------------------------------------------------------

    def reading(self, name: str) -> Reading:
        return Reading(self.doors[name].holdings(), self.now)

    def plan(self, names: Sequence[str] | None = None, **options: bool) -> Plan:
        """Return a plan; made without any flag that a person gives, it touches nothing that is not ours."""
        ledger = self.ledger
        plans = [
            plan_device(self.book, name, self.reading(name), ledger.of(name), self.now, **options)
            for name in (self.doors if names is None else names)
        ]
        made = Plan(tuple(plans), self.now)
        stops(made, ledger, ASKED_FOR)
        for device in plans:
            self._check_removed(device, ledger.of(device.device))
        return made

    def apply(self, plan: Plan, faults: Mapping[str, tuple[Fault, int]] | None = None) -> bool:
        """Carry a plan out, with a fault at one device; return whether all of it was done."""
        done = True
        with locked(self.path):
            file = LedgerFile(self.path)
            for device in plan.devices:
                door = self.doors[device.device]
                if faults and device.device in faults:
                    door.fault(*faults[device.device])
                try:
                    done &= self._carried_out(
                        door, lambda door=door, device=device: self._apply(door, device, file), device
                    )
                except Killed:
                    return False
                finally:
                    door.mend()
        return done

    def _apply(self, door: Door, plan: DevicePlan, file: LedgerFile) -> Applied:
        return apply_device(
            door,
            plan,
            book=self.book,
            ledger=file,
            backups=self.backups,
            now=self.now,
            told=lambda change, said: None,
            clock=lambda: self.now,
        )

    def _carried_out(self, door: Door, work: Callable[[], Applied], plan: DevicePlan) -> bool:
        """Do it, and look at what was not ours, and at what the ledger says afterwards."""
        others = self._others(door)
        adopted = [change for change in plan.changes if change.action == "adopt" and change.after is not None]
        try:
            self.warned(work().warnings)
        except (ApplyIncomplete, DeviceError, PlanStale, SyncError) as error:
            self.log.append(f"{door.name}: {error}")
            return False
        finally:
            self._check_others(door, others)
            self._take_up(door, adopted)
            self._let_go(door, plan)
            self._check_recorded(door)
        return True

    def settle(self) -> None:
        """Apply until all is done, as a person does, and look at everything."""
        assert self.apply(self.plan()), self.log
        self.check_settled()

    def change(self, names: Sequence[str], rules: Sequence[str], answer: str) -> None:
        """Answer drift of these rules, or all of it, with `restore`, `ignore` or `adopt` (the rule follows)."""
        plan = self.plan(names)
        found = _drifted(plan, rules)
        places: dict[str, set[Place]] = {
            each.device: {(change.table, change.row_id) for change in each.changes} for each in found.devices
        }
        if answer == "ignore":
            with locked(self.path):
                _ignored(found, LedgerFile(self.path))
            left = _drifted(self.plan(names), rules)
            assert not any(each.changes for each in left.devices), "ignored, and shown again"
            return
        again = Plan(
            tuple(
                plan_device(self.book, name, self.reading(name), self.ledger.of(name), self.now, restore=True)
                for name in names
            ),
            self.now,
        )
        for name in names:
            self.doors[name].may = places[name]
        try:
            done = self.apply(_undoing(again, found))
        finally:
            for name in names:
                self.doors[name].may = set()
        if done:
            still = _drifted(self.plan(names), rules)
            assert not any(each.changes for each in still.devices), [each.changes for each in still.devices]

    def adopt(self, name: str) -> None:
        """Make rules of the rows that are nobody's."""
        door = self.doors[name]
        before = self._open(name)
        adopted = adopt_rows(self.book, name, self.reading(name), self.ledger.of(name))
        rows = {(row.table, row.row_id): self._row(name, row.table, row.row_id) for row in adopted.recorded}
        for row in adopted.recorded:
            [rule_id] = row.rules
            found = rows[row.table, row.row_id]
            assert found is not None
            assert deeds_of_row(found) == deeds_of_rule(adopted.rules[rule_id])
            assert (row.table, row.row_id) not in {(each.table, each.row_id) for each in self.ledger.of(name).rows}
        self.rules |= adopted.rules
        if adopted.recorded:
            with locked(self.path):
                file = LedgerFile(self.path)
                known = file.ledger.of(name)
                file.replace(name, replace(known, rows=(*known.rows, *adopted.recorded)))
        words = door.thing.words()
        for row in adopted.recorded:
            door.mine[row.table, row.row_id] = words[row.table, row.row_id]
        assert self._open(name) <= before, "what was adopted leaves something to do"

    def refresh(self, names: Sequence[str] | None = None) -> None:
        """Make the ledger anew, from what is left of it."""
        try:
            ledger = self.ledger
        except LedgerUnusable:
            ledger = Ledger()
        names = list(self.doors) if names is None else names
        readings = {name: self.reading(name) for name in names}
        plans = {name: plan_device(self.book, name, readings[name], ledger.of(name), self.now) for name in names}
        writes = {name: self.doors[name].thing.writes for name in names}
        with locked(self.path):
            save_ledger(self.path, refresh(self.book, readings, ledger, self.now))
        assert {name: self.doors[name].thing.writes for name in names} == writes
        marks = self._marks()
        with locked(self.path):
            save_ledger(self.path, refresh(self.book, readings, self.ledger, self.now))
        assert self._marks() == marks, "what is known already is written again"
        for name in names:
            adopted = [each for each in plans[name].changes if each.action == "adopt" and each.after is not None]
            self._take_up(self.doors[name], adopted)
            self._let_go(self.doors[name], plans[name])
            self._check_recorded(self.doors[name])

    def back_up(self, name: str) -> None:
        door = self.doors[name]
        path = self.backups.save(name, door.holdings(), self.now, self.ledger.of(name).rows)
        self.kept.append(Kept(path, name, door.thing.words(), dict(door.mine)))

    def restore(self, kept: Kept, fault: tuple[Fault, int] | None, *, foreign: bool) -> None:
        """Bring a backup back, at once or after a fault; then its rows are there again."""
        door = self.doors[kept.device]
        backup = self.backups.load(kept.path)

        def planned() -> Any:
            known = self.ledger.of(kept.device)
            return plan_restore(backup, kept.device, self.reading(kept.device), known, SITE, foreign=foreign)

        for trouble in (fault, None):
            try:
                restoration = planned()
            except PlanUnsafe:
                assert not foreign
                return
            ours = {(row.table, row.row_id) for row in self.ledger.of(kept.device).rows}
            others = {} if foreign else self._others(door, ours)
            door.may = None if foreign else ours
            door.from_backup = kept.mine
            if trouble is not None:
                door.fault(*trouble)
            try:
                with locked(self.path):
                    restore_device(
                        door,
                        restoration,
                        ledger=LedgerFile(self.path),
                        backups=self.backups,
                        now=self.now,
                        told=lambda change, said: None,
                    )
            except (Killed, DeviceError, SyncError) as error:
                if trouble is None:
                    raise
                self.log.append(f"{door.name}: {error}")
            finally:
                door.mend()
                door.may, door.from_backup = set(), {}
                self._check_others(door, others)
                self._take_back(door, kept, restoration.again_ours)
        self._check_recorded(door)
        again = planned()
        assert not again.lines, [line.change.text for line in again.lines]
        self._check_restored(door, kept, foreign=foreign)

    # What is ours -----------------------------------------------------------------------------------------------------

    def ledger_lost(self) -> None:
        """Nothing is known to be ours any more."""
        for door in self.doors.values():
            door.mine.clear()

    def commit(self) -> None:
        text = self.path.read_bytes() if self.path.exists() else None
        self.commits.append((text, {name: dict(door.mine) for name, door in self.doors.items()}))

    def check_out(self, number: int) -> None:
        """Take the ledger back from an older commit."""
        text, mine = self.commits[number]
        if text is None:
            self.path.unlink(missing_ok=True)
        else:
            self.path.write_bytes(text)
        for name, door in self.doors.items():
            door.mine = dict(mine[name])

    def _take_up(self, door: Door, adopted: Sequence[Change]) -> None:
        """Let rows be ours that were adopted and are in the ledger; each of them is what a rule wants."""
        known = {(row.table, row.row_id): row for row in self.ledger.of(door.name).rows if not row.phase}
        words, untouched = door.thing.words(), door.untouched()
        for change in adopted:
            place = change.table, change.row_id
            wanted = change.wanted
            assert wanted is not None
            if place not in known or place not in words or dict(known[place].rules) != dict(wanted.rules):
                continue
            row = self._row(door.name, *place)
            assert row is not None
            assert place in untouched or row == wanted.row, f"{place} was adopted and is not {change.text}"
            door.mine[place] = words[place]

    def _take_back(self, door: Door, kept: Kept, again: Sequence[Recorded]) -> None:
        """Let rows be ours again that the ledger had lost, and has now as the backup says."""
        words, known = door.thing.words(), {(row.table, row.row_id) for row in self.ledger.of(door.name).rows}
        for record in again:
            place = record.table, record.row_id
            if place in words and place in known:
                row = self._row(door.name, *place)
                if row is None or digest(row) not in (record.wrote, record.shown):
                    continue  # a person had changed it before the backup was made: drift then, and drift again
                as_then = (own for key, own in kept.mine.items() if same(own, words[place], place))
                door.mine[place] = next(as_then, words[place])

    def _let_go(self, door: Door, plan: DevicePlan) -> None:
        """Let rows be a person's that they have changed, and that the ledger was to forget and has forgotten."""
        known = {(row.table, row.row_id) for row in self.ledger.of(door.name).rows}
        forgotten = {(each.table, each.row_id) for each in plan.changes if each.forgets} - known
        for place in (door.mine.keys() & forgotten) - door.untouched():
            del door.mine[place]
