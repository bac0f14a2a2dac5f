"""Taking on other rules while the ones from before are carried out.

What came of it is left in `reload.json` in the state folder, where `tapo-automate reload` looks for it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tapo_automate.cli.log import zulu
from tapo_automate.cli.origin import commits
from tapo_automate.cli.watching import Contents, contents
from tapo_automate.daemon import Daemon
from tapo_automate.daemon.sdnotify import Notifier
from tapo_automate.errors import ConfigError, RulesInvalid
from tapo_automate.rules.difference import Canonical, canonical
from tapo_automate.rules.engine import runnable
from tapo_automate.rules.load import load_or_raise
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.support import not_carried_out

RESULT = "reload.json"

log = logging.getLogger("tapo_automate")


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to take on the rules that the files say; the first is the daemon's start.

    pid: the daemon's.  count: of attempts before.  at, since: UTC as ISO 8601; since: when the book last changed.
    began_s: by the machine's monotonic clock, which all its processes share.  changes: in words, one each.
    report: what is wrong with the files, or "".  paths: of the rule files, absolute.
    book: the one that is carried out now, as `difference.canonical` has it: kind -> name -> text.
    """

    pid: int
    count: int
    at: str
    began_s: float
    ok: bool
    changes: tuple[str, ...]
    report: str
    since: str
    paths: tuple[str, ...]
    book: Mapping[str, Mapping[str, str]]

    def write(self, folder: Path) -> None:
        """Leave it in the folder, whole or not at all, for this user's eyes.  Raises OSError."""
        beside = folder / f".{RESULT}.{self.pid}"
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False, indent=1)
        beside.replace(folder / RESULT)

    @property
    def canonical(self) -> Canonical:
        """The book as `difference.differences_of` takes it."""
        return {(kind, name): text for kind, parts in self.book.items() for name, text in parts.items()}


def last_attempt(folder: Path) -> Attempt | None:
    """Return what the last attempt in this folder came to, or None where nothing that can be read says so."""
    try:
        fields = json.loads((folder / RESULT).read_text("utf-8"))
        return Attempt(**{**fields, "changes": tuple(fields["changes"]), "paths": tuple(fields["paths"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def in_numbers(book: RuleBook) -> str:
    """Return "carrying out 7 of 9 rules for 4 devices"."""
    rules, devices = len(book.rules), len(book.devices)
    of = f"{len(runnable(book.rules.values()))} of {rules} rule{'' if rules == 1 else 's'}"
    return f"carrying out {of} for {devices} device{'' if devices == 1 else 's'}"


def say_what_runs(book: RuleBook) -> None:
    """Write into the log how many rules are carried out, and why the others are not."""
    for rule in book.rules.values():
        if reason := not_carried_out(rule):
            log.info("%s: %s", rule.id, reason)
    log.info("%s", in_numbers(book))


def commits_of(book: RuleBook) -> dict[str, str]:
    """Return the git commit of every file that the book's rules stand in."""
    return commits({rule.source.file for rule in book.rules.values()})


class Reloader:
    """Takes the rule files on again when asked to, one attempt at a time, in whatever thread calls `run`.

    paths: as the user named them.  asked: set by whoever wants an attempt.  told: called after each.
    loaded: the files' contents as `book` was read from them.
    """

    def __init__(
        self,
        daemon: Daemon,
        book: RuleBook,
        *,
        paths: Sequence[str],
        loaded: Contents,
        drivers: Sequence[str],
        folder: Path,
        notifier: Notifier,
        asked: threading.Event,
        told: Callable[[Attempt], None],
    ) -> None:
        self._daemon = daemon
        self._book = book
        self._paths = paths
        self._loaded = loaded
        self._drivers = drivers
        self._folder = folder
        self._notifier = notifier
        self._asked = asked
        self._told = told
        self._count = 0
        self._since = _now()
        self._ended = False

    def started(self, report: str) -> None:
        """Leave word that the daemon is up.  report: what is wrong with the files it was started with, or ""."""
        if report:
            self._daemon.refused(report)
        self._leave(time.monotonic(), (), report)

    def files_changed(self) -> None:
        """Ask for an attempt, unless one has seen the files as they are now."""
        if contents(self._paths) != self._loaded:
            self._asked.set()

    def run(self) -> None:
        """Make the attempts that are asked for, until `end`."""
        while True:
            self._asked.wait()
            if self._ended:
                return
            self._asked.clear()  # before the files are read: whoever asks from now on gets another attempt
            self.attempt()

    def end(self) -> None:
        """Let `run` return when the attempt under way, if there is one, is done."""
        self._ended = True
        self._asked.set()

    def attempt(self) -> None:
        """Take the files on, all or nothing; where they have errors, the book from before goes on."""
        began_s = time.monotonic()
        self._notifier.reloading()
        self._count += 1
        changes: tuple[str, ...] = ()
        report = ""
        try:
            self._loaded = contents(self._paths)
            book = load_or_raise(self._paths, drivers=self._drivers)
            changes = self._daemon.reload(book, commits_of(book))
        except RulesInvalid as invalid:
            report = invalid.report
        except ConfigError as problem:
            report = str(problem)
        except Exception as problem:  # a mistake of ours; the daemon has to go on all the same
            log.exception("unexpected error while reloading")
            report = f"unexpected error: {type(problem).__name__}; the daemon's log has more"
        else:
            self._book = book
            if changes:
                self._since = _now()
                say_what_runs(book)
        if report:
            self._daemon.refused(report)
            log.error("the rules were not reloaded, those from before are carried out:\n%s", report)
        self._leave(began_s, changes, report)
        self._notifier.ready(in_numbers(self._book) + ("; what was offered last has errors" if report else ""))

    def _leave(self, began_s: float, changes: tuple[str, ...], report: str) -> None:
        book: dict[str, dict[str, str]] = {}
        for (kind, name), text in canonical(self._book).items():
            book.setdefault(kind, {})[name] = text
        paths = tuple(os.path.abspath(path) for path in self._paths)
        attempt = Attempt(
            os.getpid(), self._count, _now(), began_s, not report, changes, report, self._since, paths, book
        )
        try:
            attempt.write(self._folder)
        except OSError as problem:
            log.warning(
                "%s: cannot be written: %s; `reload` will wait in vain", self._folder / RESULT, problem.strerror
            )
        self._told(attempt)


def _now() -> str:
    return zulu(dt.datetime.now(dt.UTC))
