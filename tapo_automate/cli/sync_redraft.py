"""Rule files that follow what a person made of the rows, shown as a diff before they are written."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.sync_options import load_rules
from tapo_automate.errors import ConfigError
from tapo_automate.rules.load import files_in, load_texts, text_of
from tapo_automate.sync.adopt_drift import adopt_drift

if TYPE_CHECKING:
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.sync.ledger import DeviceLedger, LedgerFile
    from tapo_automate.sync.model import Change, Reading

_COLORS = {"+": "green", "-": "red", "@": "cyan"}


class Redraft:
    """The files of a rule book, changed device by device; nothing is written before `write`.

    done, by_hand: device -> lines for people: what was changed, and what a person has to write.
    """

    def __init__(self, rules: Sequence[str], book: RuleBook) -> None:
        self._rules = rules
        self._book = book
        self._before = {name: text_of(name) for name in files_in(rules)}
        self._texts = dict(self._before)
        self._ledgers: dict[str, DeviceLedger] = {}
        self.done: dict[str, tuple[str, ...]] = {}
        self.by_hand: dict[str, tuple[str, ...]] = {}

    def follow(
        self, device_id: str, drifts: Sequence[Change], reading: Reading, ledger: DeviceLedger, now: dt.datetime
    ) -> None:
        """Let the rules follow the drift of one device."""
        made = adopt_drift(self._book, device_id, drifts, self._texts, reading, ledger, now)
        if made.done:
            self._texts |= made.texts
            book = load_texts(list(self._texts.items())).book
            assert book is not None, "adopt_drift has loaded these texts"
            self._book = book
            self._ledgers[device_id] = made.ledger
            self.done[device_id] = made.done
        if made.by_hand:
            self.by_hand[device_id] = made.by_hand

    def diff(self) -> Iterator[str]:
        """Yield what changes in the files, as git shows it."""
        for name, text in self._changed():
            old, new = self._before[name].splitlines(), text.splitlines()
            for line in difflib.unified_diff(old, new, name, name, lineterm=""):
                yield click.style(line, fg=_COLORS.get(line[0]))

    def write(self, ledger: LedgerFile) -> None:
        """Write the files, and then the ledger.  Raises ConfigError, LedgerUnusable."""
        for name, _ in self._changed():
            if text_of(name) != self._before[name]:
                raise ConfigError(f"{name}: it was changed meanwhile; nothing was written")
        for name, text in self._changed():
            try:
                Path(name).write_bytes(text.encode())
            except OSError as problem:
                raise ConfigError(f"{name}: cannot be written: {problem.strerror}") from None
        load_rules(self._rules)
        for device_id, device in self._ledgers.items():
            ledger.replace(device_id, device)

    def _changed(self) -> list[tuple[str, str]]:
        return [(name, text) for name, text in self._texts.items() if text != self._before[name]]
