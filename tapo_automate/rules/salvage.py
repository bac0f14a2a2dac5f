"""What can be carried out of rule files that are broken in parts: one broken rule must not keep a house dark.

What is broken goes out, and then whatever cannot be without it, until the rest is sound.  Where a mistake leaves open
which part of a file it belongs to, all that it may belong to goes out: a rule must not fire without its condition.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Literal, TypeAlias

from tapo_automate.errors import ConfigError
from tapo_automate.rules.diagnosis import COMMENT_SIGNS
from tapo_automate.rules.faults import Fault, Path, listed
from tapo_automate.rules.files import RuleFile
from tapo_automate.rules.load import book_of, checked, files_in, load_texts, text_of
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import Problem
from tapo_automate.rules.sockets import parted
from tapo_automate.rules.syntax import read_toml

Kind: TypeAlias = Literal["rule", "device", "group", "test", "table", "file"]
_KINDS: dict[str, Kind] = {"rules": "rule", "devices": "device", "groups": "group"}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part that was left out, and why.

    kind: "table" for one that the language does not have, "file" for a whole file.  name: as the user wrote it,
    or "".
    reason: half a sentence.  file, line: where the reason stands.
    """

    kind: Kind
    name: str
    reason: str
    file: str
    line: int

    def __str__(self) -> str:
        what = "the file" if self.kind == "file" else f"{self.kind} {self.name}".rstrip()
        return f"{self.file}:{self.line}: {what} is left out: {self.reason}"


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What came of rule files that may be broken.

    book: the sound part; None where the site is broken or no rule is left.
    problems: all, as `load` has them.  dropped: what is not in the book, by file and line.
    """

    book: RuleBook | None
    problems: tuple[Problem, ...]
    dropped: tuple[Dropped, ...]


def salvage(paths: Iterable[str | FilePath], *, drivers: Collection[str] | None = None) -> Salvaged:
    """Read files and folders as `load` does, and leave out what is broken.

    Raises ConfigError as `load` does, but for files that are not text where there are others.
    """
    texts, dropped, problems = [], [], []
    unreadable: ConfigError | None = None
    names = files_in(paths)
    for name in names:
        try:
            texts.append((name, text_of(name)))
        except ConfigError as error:
            if not isinstance(error.__cause__, UnicodeDecodeError):
                raise
            unreadable = error
            reason = str(error).removeprefix(f"{name}: ")
            dropped.append(Dropped("file", name, reason, name, 1))
            problems.append(Problem("E100", "error", reason, name, 1, 1))
    if unreadable and not texts:
        raise unreadable
    loaded = load_texts(texts, drivers=drivers)
    problems += loaded.problems
    if loaded.book:
        return Salvaged(loaded.book, tuple(problems), tuple(dropped))
    rest = _Rest([read_toml(name, text) for name, text in texts])
    book = rest.book(drivers)
    dropped += rest.dropped
    order = {name: number for number, name in enumerate(names)}
    return Salvaged(book, tuple(problems), tuple(sorted(dropped, key=lambda each: (order[each.file], each.line))))


class _Rest:
    """The files, less what was left out of them so far."""

    def __init__(self, read: Iterable[tuple[RuleFile, list[Fault]]]) -> None:
        self.dropped: list[Dropped] = []
        self._gone: set[tuple[str, str]] = set()
        self._files: list[RuleFile] = []
        for file, faults in read:
            if faults and not file.document:
                self._report("file", file.name, file, faults[0])
                continue
            # Its wounds are seen to here; with them, names would be taken for unknown that are only not read.
            rest = replace(file, document=_copied(file.document), wounds=())
            self._files.append(rest)
            for fault in faults:
                self._cut(rest, fault)

    def book(self, drivers: Collection[str] | None) -> RuleBook | None:
        """Leave out what is broken until nothing is, and return the book, or None if it is no use."""
        while self._files:
            self._without_devices()
            tables, found = checked(self._files, drivers)
            if not found:
                book = book_of(self._files, [table for table in tables if table])
                return book if book.rules else None
            before = self._size()
            found.sort(key=lambda each: each[1].code in ("E103", "E114"))  # what is missing may only be misspelt
            usable = [self._leave_out(file, fault) for file, fault in found]
            if not all(usable):
                return None
            assert self._size() < before, found[0]
        return None

    def _size(self) -> tuple[int, int]:
        """Return the number of files and of what is in them: less with each round."""
        parts = [len(part) for file in self._files for part in (file.document, *map(file.tables, _KINDS))]
        return len(self._files), sum(parts)

    def _leave_out(self, file: RuleFile, fault: Fault) -> bool:
        """Leave out what has a fault; False where that is the site, without which there is no book."""
        if file not in self._files:
            return True
        match fault.path:
            case ("rules" | "devices" | "groups" as table, str() as name):
                if fault.code == "E110":
                    self._drop_twins(table, name, file, fault)
                else:
                    self._drop(table, name, file, fault)
            case ("rules" | "devices" | "groups" as table, str() as name, *_):
                self._drop(table, name, file, fault)
            case ("tests", *_):
                self._drop_tests(file, fault)
            case ("schema",):
                self._drop_file(file, fault)
            case () | ("site", *_):
                return False
            case (str() as key, *_):
                if _taken(file.document, key) is not None:
                    self._report("table", key, file, fault)
        return True

    def _cut(self, file: RuleFile, fault: Fault) -> None:
        """Leave out all that a mistake of syntax may belong to: what it was to be is lost, a condition perhaps."""
        if len(fault.path) < 2 and fault.place and file.lines[fault.place.line - 1].lstrip().startswith(COMMENT_SIGNS):
            return
        match _torn(file, fault):
            case None:
                self._drop_file(file, fault)
            case ("site", _):
                _taken(file.document, "site")
            case ("tests", _):
                self._drop_tests(file, fault)
            case (table, name):
                same = [each for each in file.tables(table) if each == name or _may_be(each, name, fault)]
                for each in same:
                    self._drop(table, each, file, fault)
                if not same:  # a table that could not be read at all
                    self._gone.add((table, name))
                    self._report(_KINDS[table], name, file, fault)

    def _drop(self, table: str, name: str, file: RuleFile, fault: Fault) -> None:
        if name in file.tables(table):
            reason = self._lacking(file, fault) or fault.message
            _taken(file.document[table], name)
            self._gone.add((table, name))
            self._report(_KINDS[table], name, file, fault, reason)

    def _drop_twins(self, table: str, name: str, file: RuleFile, fault: Fault) -> None:
        """Leave out what is defined twice, all of it: nobody knows which one is meant.  Equal ones are one."""
        sides = ("rules",) if table == "rules" else ("devices", "groups")
        twins = [(other, side) for other in self._files for side in sides if name in other.tables(side)]
        if len(twins) < 2:
            return  # the other one was left out meanwhile
        first, first_side = twins[0]
        if all(side == first_side and other.tables(side)[name] == first.tables(side)[name] for other, side in twins):
            _taken(file.document[table], name)
            return
        for other, side in twins:
            self._drop(side, name, other, replace(fault, path=(side, name)))

    def _drop_tests(self, file: RuleFile, fault: Fault) -> None:
        """Leave out all tests of a file: who runs a book that is broken in parts runs no tests."""
        tests = _taken(file.document, "tests")
        if tests is not None:
            number = fault.path[1] if len(fault.path) > 1 else None
            test = tests[number] if isinstance(tests, list) and isinstance(number, int) else None
            name = test.get("name") if isinstance(test, dict) else None
            self._report("test", str(name or ""), file, fault)

    def _drop_file(self, file: RuleFile, fault: Fault) -> None:
        if file in self._files:
            self._files.remove(file)
            self._report("file", file.name, file, fault)
            self._gone |= {(table, name) for table in _KINDS for name in file.tables(table)}

    def _without_devices(self) -> None:
        """Take devices that are left out from the groups and rules that have others beside."""
        gone = {name for table, name in self._gone if table == "devices"}
        for file in self._files if gone else ():
            for table in ("groups", "rules"):
                for name, value in list(file.tables(table).items()):
                    names = value.get("devices") if table == "rules" and isinstance(value, dict) else value
                    names = names if isinstance(names, list) else []
                    lost = [each for each in names if isinstance(each, str) and parted(each)[0] in gone]
                    left = [each for each in names if each not in lost]
                    if lost and left:
                        file.document[table][name] = {**value, "devices": left} if table == "rules" else left
                    elif lost:
                        path: Path = (table, name, "devices") if table == "rules" else (table, name)
                        self._drop(
                            table,
                            name,
                            file,
                            Fault(
                                "E111", path, _left_out("device", [*dict.fromkeys(parted(each)[0] for each in lost)])
                            ),
                        )

    def _lacking(self, file: RuleFile, fault: Fault) -> str:
        """Return 'the device "tv" is left out' for a name that is unknown because of that, or ""."""
        if fault.code != "E111" or len(fault.path) < 3:
            return ""
        named = fault.path[-1] if fault.on == "key" else _value_at(file.document, fault.path)
        whole = parted(named)[0] if isinstance(named, str) else named
        kinds = [_KINDS[table] for table, name in self._gone if name == whole and table != "rules"]
        return _left_out(kinds[0], [whole]) if kinds else ""

    def _report(self, kind: Kind, name: str, file: RuleFile, fault: Fault, reason: str = "") -> None:
        line = (fault.place or file.place(fault.path, fault.on)).line
        self.dropped.append(Dropped(kind, name, reason or fault.message, file.name, line))


_HEAD = re.compile(r"\s*\[*\s*(site|devices|groups|rules|tests)\b\s*(?:\.\s*(.*))?")


def _torn(file: RuleFile, fault: Fault) -> tuple[str, str] | None:
    """Return the kind of table that a mistake of syntax belongs to, and its name; None where that is not known.

    Of a header that could not be read, the name is all that follows: `porch.only_if`, `porch at dusk`.
    """
    match fault.path:
        case ("rules" | "devices" | "groups" as table, str() as name, *_):
            return table, name
        case ("site" | "tests" as table, *_):
            return table, ""
    line = file.lines[fault.place.line - 1] if fault.place else ""
    if fault.path:  # a pair beneath [rules]
        key = re.match(r"\s*([\w-]+|\"[^\"]*\")\s*[.=:]", line)
        return (str(fault.path[0]), key[1].strip('"')) if key and fault.path[0] in _KINDS else None
    head = _HEAD.match(line)
    if head is None or (head[1] in _KINDS and not head[2]):
        return None
    return head[1], (head[2] or "").split("#")[0].strip().rstrip("]").strip()


def _may_be(name: str, text: str, fault: Fault) -> bool:
    """Whether a header that could not be read may have been of a table, or in a table, of this name."""
    if fault.path:
        return False  # the header could be read
    return name in re.findall(r"[\w-]+", text) if re.fullmatch(r"[\w-]+", name) else name in text


def _copied(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, dict) else value for key, value in document.items()}


def _value_at(document: Any, path: Path) -> Any:
    for word in path:
        document = document[word]
    return document


def _taken(table: Mapping[str, Any], key: str) -> Any:
    """Remove a key from one of our own copies, and return what it held, or None."""
    assert isinstance(table, dict)
    return table.pop(key, None)


def _left_out(kind: str, names: list[Any]) -> str:
    more = len(names) > 1
    return f"the {kind}{'s' * more} {listed(map(str, names), 'and')} {'are' if more else 'is'} left out"
