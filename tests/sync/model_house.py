"""A house under sync: rules, a ledger in a folder, backups, devices behind doors; and what must always hold of it.

What is claimed is worked out from what went through the doors and from what rules mean, not from the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sync.memory_device import Killed
from sync.model_rules import SITE, Deed, deeds_of_row, deeds_of_rule
from sync.model_things import NEIGHBOURS, Door, Fault, Place, Thing, Words, counted, same
from tapo_automate.cli.sync_drift import _drifted, _ignored, _undoing
from tapo_automate.device import DeviceSpec
from tapo_automate.errors import ApplyIncomplete, DeviceError, LedgerUnusable, PlanStale, PlanUnsafe, SyncError
from tapo_automate.rows import CountdownRow, FoundRow, id_of
from tapo_automate.rules.model import Rule, RuleBook
from tapo_automate.sync.adopt import adopt_rows
from tapo_automate.sync.apply import Applied, apply_device
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.executors import who_executes
from tapo_automate.sync.ledger import DeviceLedger, Ledger, LedgerFile, load_ledger, locked, save_ledger
from tapo_automate.sync.model import Change, DevicePlan, Plan, Reading, Recorded
from tapo_automate.sync.partition import partition
from tapo_automate.sync.plan import plan_device, stops
from tapo_automate.sync.planfile import dump_plan, load_plan
from tapo_automate.sync.refresh import refresh
from tapo_automate.sync.restore import plan_restore, restore_device

ASKED_FOR = frozenset({"--allow-emptying", "--allow-mass-delete"})
Mine = Mapping[str, Mapping[Place, Words]]


@dataclass(frozen=True)
class Kept:
    """A backup, and what the model knows of that moment."""

    path: Path
    device: str
    words: Mapping[Place, Words]
    mine: Mapping[Place, Words]


class House:
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
        adopted = [change for change in plan.changes if change.action == "adopt" and change.wanted is not None]
        try:
            self.warned(work().warnings)
        except (ApplyIncomplete, DeviceError, PlanStale, SyncError) as error:
            self.log.append(f"{door.name}: {error}")
            return False
        finally:
            self._check_others(door, others)
            self._take_up(door, adopted)
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
            adopted = [each for each in plans[name].changes if each.action == "adopt" and each.wanted is not None]
            self._take_up(self.doors[name], adopted)
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
                as_then = (own for key, own in kept.mine.items() if same(own, words[place], place))
                door.mine[place] = next(as_then, words[place])

    # What must hold ---------------------------------------------------------------------------------------------------

    def check_always(self) -> None:
        """What holds at any time, whatever was cut off."""
        for door in self.doors.values():
            self._check_recorded(door)
        for (rule_id, name), row in partition(self.book, self.ledger).items():
            place = row.table, row.row_id
            rule = self.rules[rule_id]
            assert name in rule.device_ids
            if place in self.doors[name].untouched() and not row.phase:
                done, wanted = deeds_of_row(self._row(name, *place)), deeds_of_rule(rule)
                assert wanted <= done, f"{rule_id} is said to be done by {name}, which does {done}"

    def check_settled(self) -> None:
        """What holds after an apply that was completed."""
        ledger = self.ledger
        plan = self.plan()
        for device in plan.devices:
            left = [(each.action, each.text) for each in device.changes if each.action not in ("foreign", "drift")]
            assert not left, f"{device.device}: {left} after {self.log}"
            assert not device.error
        self._check_nothing_to_do(plan)
        parts = partition(self.book, ledger)
        for device in plan.devices:
            door = self.doors[device.device]
            drifted = [each for each in device.changes if each.action == "drift"]
            self._check_no_doubles(door)
            self._check_ledger_true(door, ledger.of(device.device), drifted)
            self._check_executors(device, parts)
            if not drifted and not any(row.ignored for row in ledger.of(device.device).rows):
                self._check_deeds(door, parts)
                self._check_recoverable(device, ledger.of(device.device))
        found = who_executes(self.book, ledger, self.now, days=10).findings
        undecided = {rule for device in plan.devices for each in device.changes for rule in each.rules}
        undecided |= {rule for device in plan.devices for rule in device.nowhere}
        rows = (row for device in ledger.devices.values() for row in device.rows)
        drifted = {(each.table, each.row_id) for device in plan.devices for each in device.changes if each.rules}
        undecided |= {
            rule for row in rows if self._happening(row) or (row.table, row.row_id) in drifted for rule in row.rules
        }
        wrong = [each for each in found if each.code != "meeting" and each.rule not in undecided]
        assert not wrong, wrong

    def _happening(self, row: Recorded) -> bool:
        """Whether it is left for the moment because it happens any moment."""
        return row.spent_at is not None and abs(row.spent_at - self.now) <= dt.timedelta(minutes=2)

    def _check_removed(self, plan: DevicePlan, ledger: DeviceLedger) -> None:
        """What a person has removed is not made again without being asked."""
        door = self.doors[plan.device]
        words = door.thing.words()
        made = {rule for change in plan.changes if change.action == "create" for rule in change.rules}
        for row in ledger.rows:
            place = row.table, row.row_id
            by_hand = place in door.mine and place not in words and not row.phase and row.spent_at is None
            if by_hand and row.table in ("schedule", "antitheft"):
                assert not made & row.rules.keys(), f"{plan.device}: {row.text} was removed by hand, and comes back"

    def _check_nothing_to_do(self, plan: Plan) -> None:
        """An apply of a plan with nothing to do asks nobody and writes nothing."""
        before = self._marks()
        assert self.apply(load_plan(dump_plan(plan), "plan.toml"))
        assert self._marks() == before

    def _marks(self) -> list[Any]:
        status = self.path.stat() if self.path.exists() else None
        file = None if status is None else (status.st_mtime_ns, status.st_ino, self.path.read_bytes())
        return [file, *((len(door.requests), door.thing.writes) for door in self.doors.values())]

    def _check_no_doubles(self, door: Door) -> None:
        words = door.thing.words()
        ours = [(place[0], words[place]) for place in door.untouched() if words[place]["enable"]]
        for table in {table for table, _ in ours}:
            twice = [own for own, number in counted(own for name, own in ours if name == table).items() if number > 1]
            assert not twice, f"{door.name} has {table} rows of ours twice: {twice}"

    def _check_ledger_true(self, door: Door, ledger: DeviceLedger, drifted: Sequence[Change]) -> None:
        """What the ledger knows is on the device as we wrote it, or it is said that it is not."""
        said = {(each.table, each.row_id) for each in drifted}
        untouched = door.untouched()
        for row in ledger.rows:
            place = row.table, row.row_id
            assert not row.phase or place in said, f"{door.name}: {row.text} is {row.phase}"
            if not row.ignored and place not in said and row.table != "countdown":
                assert place in untouched, f"{door.name}: {row.text} is not as the ledger says, and nobody tells"

    def _check_executors(self, plan: DevicePlan, parts: Mapping[tuple[str, str], Recorded]) -> None:
        drifted = {rule for each in plan.changes if each.action == "drift" for rule in each.rules}
        for rule_id, rule in self.rules.items():
            if plan.device not in rule.device_ids:
                assert (rule_id, plan.device) not in parts
                continue
            by_device = (rule_id, plan.device) in parts
            elsewhere = rule_id in plan.daemon or rule_id in plan.nowhere
            if rule_id in drifted:
                continue  # until a person has chosen, it is whoever had it
            if elsewhere:
                assert not by_device, f"{rule_id} on {plan.device}: {plan.daemon.get(rule_id)}, and the device's"
            else:
                assert by_device, f"{rule_id} on {plan.device} is neither the device's nor the daemon's"

    def _check_deeds(self, door: Door, parts: Mapping[tuple[str, str], Recorded]) -> None:
        """The rows of ours do what the rules say that are the device's, each deed once."""
        wanted: Counter[Deed] = Counter()
        for rule_id, device_id in parts:
            if device_id == door.name:
                wanted |= deeds_of_rule(self.rules[rule_id])  # rules may ask for the same
        done: Counter[Deed] = Counter()
        for place in door.untouched():
            row = self._row(door.name, *place)
            if row is not None and row.enabled and not isinstance(row, CountdownRow):
                done += deeds_of_row(row)
        lasting = Counter({deed: number for deed, number in wanted.items() if deed[0] != "countdown"})
        once_done = {deed for deed in lasting if deed[0] == "once" and deed not in done}
        for deed in once_done:  # just happened, and not yet two minutes ago
            del lasting[deed]
        assert done == lasting, f"{door.name} does {done - lasting} too much and {lasting - done} too little"

    def _check_recoverable(self, plan: DevicePlan, ledger: DeviceLedger) -> None:
        """From the device alone, the ledger is found again."""
        name = plan.device
        found = refresh(self.book, {name: self.reading(name)}, Ledger(), self.now).of(name)

        def outlines(of: DeviceLedger) -> Counter[tuple[str, str, str]]:
            rows = (row for row in of.rows if row.table != "countdown" and row.spent_at is None)
            return Counter((row.table, repr(sorted(row.rules.items())), row.wrote) for row in rows)

        assert outlines(found) == outlines(ledger), f"{name}: {outlines(ledger) - outlines(found)} is not found again"

    def _check_recorded(self, door: Door) -> None:
        """Whatever we wrote is in the ledger: by its id, or as being under way."""
        rows = self.ledger.of(door.name).rows
        known = {(row.table, row.row_id) for row in rows}
        under_way = {row.table for row in rows if row.phase == "coming" and not row.row_id}
        words = door.thing.words()
        for place in door.untouched():
            if place[0] not in (*NEIGHBOURS, "countdown") or words[place]["enable"]:
                assert place in known or place[0] in under_way, f"{door.name}: {place} is ours, and the ledger lost it"

    def _others(self, door: Door, ours: set[Place] | None = None) -> dict[Place, Words]:
        """Return the rows that nobody may touch: all but those that are ours and untouched."""
        ours = door.untouched() | (door.may or set()) if ours is None else ours
        return {
            place: own
            for place, own in door.thing.words().items()
            if place not in ours and (place[0] not in (*NEIGHBOURS, "countdown") or own["enable"])
        }

    def _check_others(self, door: Door, others: Mapping[Place, Words]) -> None:
        now = door.thing.words()
        for place, own in others.items():
            assert now.get(place) == own, f"{door.name}: {place} was {own} and is {now.get(place)}"

    def _check_restored(self, door: Door, kept: Kept, *, foreign: bool) -> None:
        """The rows of the backup are there, byte for byte, but for what happened or is to happen once."""

        def lasting(words: Mapping[Place, Words]) -> Counter[str]:
            return counted(
                {"table": place[0], **own}
                for place, own in words.items()
                if place[0] != "countdown"
                and own.get("mode") != "once"
                and (place[0] not in NEIGHBOURS or own["enable"])
            )

        now, then = lasting(door.thing.words()), lasting(kept.words)
        if foreign:
            assert now == then, f"{door.name}: {then - now} did not come back, {now - then} is too much"
        else:
            ones = Counter({own: number for own, number in (then - now).items() if "'auto_off'" not in own})
            ones = Counter({own: number for own, number in ones.items() if "'power_protection'" not in own})
            assert not ones, f"{door.name}: {ones} did not come back"

    def _open(self, name: str) -> Counter[tuple[str, str, str]]:
        [device] = self.plan([name]).devices
        return Counter((each.action, each.table, each.row_id) for each in device.changes if each.action != "foreign")

    def _row(self, name: str, table: Any, row_id: str) -> Any:
        found = self.doors[name].thing.found()
        rows: Sequence[FoundRow] = found[table].rows if table in found else ()
        return next((row for row in rows if id_of(row) == row_id), None)
