"""What is to be said beside a plan: of rows that no line of it is about, and of names for devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from tapo_automate.cli.sync_text import count

if TYPE_CHECKING:
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.sync.ledger import Ledger
    from tapo_automate.sync.model import Reading


def notes(book: RuleBook, ledger: Ledger, readings: Mapping[str, Reading]) -> Iterator[str]:
    """Yield what a person should know.  readings: of the devices, none where a saved plan is carried out."""
    rows = [row for device in ledger.devices.values() for row in device.rows]
    ignored = sum(bool(row.ignored) and any(row.rules.values()) for row in rows)
    if ignored:
        verb = "is" if ignored == 1 else "are"
        yield f"{count(ignored, 'row')} of ours {verb} left as changed by hand: `sync drift --ignored` asks anew"
    hardware = _hardware(readings)
    for _, names in groupby(sorted(hardware, key=lambda name: hardware[name]), key=lambda name: hardware[name]):
        several = sorted(names)
        if len(several) > 1:
            yield (
                f"warning: {' and '.join(several)} are one device: keep one of the names, or each takes the rows of "
                "the other for its own or for somebody else's"
            )
    for device_id, known in ledger.devices.items():
        if device_id in book.devices or not known.rows:
            continue
        now = next((name for name, digest in hardware.items() if digest == known.hardware), "")
        if now:
            yield (
                f"warning: {device_id} is called {now} now: `sync refresh` lets {now} have the "
                f"{count(len(known.rows), 'row')} that the ledger has under the old name"
            )
        else:
            yield (
                f"warning: {device_id}: the rules have this device no more, and {count(len(known.rows), 'row')} of "
                "ours may still be in it: put its [devices] table back without rules, run `sync apply`, then take it "
                "out"
            )


def _hardware(readings: Mapping[str, Reading]) -> dict[str, str]:
    """Return the digest of each device that says which one it is."""
    from tapo_automate.sync.ledger import hardware_digest

    found = {name: hardware_digest(each.holdings.description.hardware_id) for name, each in readings.items()}
    return {name: digest for name, digest in found.items() if digest}
