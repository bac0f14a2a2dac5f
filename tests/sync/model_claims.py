"""What must always hold of a house under sync.

It is worked out from what went through the doors and from what rules mean, not from the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.model_rules import Deed, deeds_of_row, deeds_of_rule
from sync.model_things import NEIGHBOURS, Door, Place, Words, counted
from tapo_automate.rows import CountdownRow, FoundRow, id_of
from tapo_automate.rules.model import Rule
from tapo_automate.sync.executors import who_executes
from tapo_automate.sync.ledger import DeviceLedger, Ledger
from tapo_automate.sync.model import Change, DevicePlan, Plan, Recorded
from tapo_automate.sync.partition import partition
from tapo_automate.sync.planfile import dump_plan, load_plan
from tapo_automate.sync.refresh import refresh


@dataclass(frozen=True)
class Kept:
    """A backup, and what the model knows of that moment."""

    path: Path
    device: str
    words: Mapping[Place, Words]
    mine: Mapping[Place, Words]


class Claims:
    """Of the house that it is a part of; each claim fails with what it found."""

    doors: Mapping[str, Door]
    rules: dict[str, Rule]
    path: Path
    now: dt.datetime
    log: list[str]

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
        """What a person has removed is not made again without being asked, as long as the rule says the same."""
        door = self.doors[plan.device]
        words = door.thing.words()
        created = [change.wanted for change in plan.changes if change.action == "create" and change.wanted]
        made = {meant for wanted in created for meant in wanted.rules.items()}
        for row in ledger.rows:
            place = row.table, row.row_id
            by_hand = place in door.mine and place not in words and not row.phase and row.spent_at is None
            if by_hand and row.table in ("schedule", "antitheft"):
                assert not made & row.rules.items(), f"{plan.device}: {row.text} was removed by hand, and comes back"

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
            why = plan.daemon.get(rule_id) or plan.nowhere.get(rule_id)
            for_good = why is not None and why.code in ("rule", "past")
            if by_device and parts[rule_id, plan.device].ignored and not for_good:
                continue  # a person has chosen, and what keeps the rule off the device may be over tomorrow
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
            lost = place not in known and place[0] not in under_way
            if lost and place in door.switched and not words[place]["enable"]:
                del door.mine[place]  # switched off before its id was known: like any row that a person has changed
            elif place[0] not in (*NEIGHBOURS, "countdown") or words[place]["enable"]:
                assert not lost, f"{door.name}: {place} is ours, and the ledger lost it"

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
