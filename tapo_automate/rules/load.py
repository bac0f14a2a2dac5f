"""From rule files to a book, or to everything that is wrong in them.

The only file under `rules/` that reads files.  All mistakes of all files are found at once, each reported once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from pydantic import ValidationError

from tapo_automate.errors import ConfigError, RulesInvalid
from tapo_automate.rules import build
from tapo_automate.rules.explain import explain
from tapo_automate.rules.faults import Fault
from tapo_automate.rules.files import RuleFile
from tapo_automate.rules.keys import one_each
from tapo_automate.rules.model import RuleBook, Source
from tapo_automate.rules.problems import Problem, report
from tapo_automate.rules.references import References
from tapo_automate.rules.relations import relations
from tapo_automate.rules.shapes import FileTable
from tapo_automate.rules.slots import slot_faults
from tapo_automate.rules.sunless import sunless
from tapo_automate.rules.syntax import read_toml
from tapo_automate.rules.trial_build import rule_test
from tapo_automate.rules.twins import twins
from tapo_automate.rules.words import CREDENTIALS_HINT

ADOPTED_SUFFIX = ".adopted.toml"
LEDGER_SUFFIX = ".ledger.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of some rule files.

    book: None if there is any error.  problems: errors and warnings by file, line and column.
    files: the files that were read, as the user named them.
    """

    book: RuleBook | None
    problems: tuple[Problem, ...]
    files: tuple[str, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "warning")


def load(paths: Iterable[str | FilePath], *, drivers: Collection[str] | None = None) -> Loaded:
    """Read files, and the `*.toml` files directly in folders, sorted by name, as one book.

    With a file NAME.toml, NAME.adopted.toml beside it is read too; in folders, `*.ledger.toml` are passed over.

    drivers: the names of the installed drivers, or None if they are not to be checked.
    Raises ConfigError for what cannot be read at all: a missing file, a folder without rule files, not UTF-8.
    """
    return load_texts([(name, text_of(name)) for name in files_in(paths)], drivers=drivers)


def load_text(text: str, name: str = "rules.toml", *, drivers: Collection[str] | None = None) -> Loaded:
    """Read one file's text as a whole book."""
    return load_texts([(name, text)], drivers=drivers)


def load_or_raise(paths: Iterable[str | FilePath], *, drivers: Collection[str] | None = None) -> RuleBook:
    """Return the book.  Raises RulesInvalid with the report on all errors, or ConfigError as `load` does."""
    loaded = load(paths, drivers=drivers)
    if loaded.book is None:
        raise RulesInvalid(len(loaded.errors), report(loaded.errors))
    return loaded.book


def load_texts(texts: Sequence[tuple[str, str]], *, drivers: Collection[str] | None = None) -> Loaded:
    """Read files, given as (name, text), as one book."""
    read = [read_toml(name, text) for name, text in texts]
    files = [file for file, _ in read]
    found = [(file, fault) for file, faults in read for fault in faults]
    tables, more = checked(files, drivers)
    found += more
    sound = not found
    book = None
    if sound:
        if not any(file.tables("rules") for file in files):
            found.append((files[0], Fault("W206", (), "there is no rule here yet", "add a [rules.NAME] table")))
        book = book_of(files, [table for table in tables if table])
        homes = {name: file for file in files for name in file.tables("rules")}
        found += [(homes[str(fault.path[1])], fault) for fault in sunless(book)]
        homes = {name: file for file in files for name in file.tables("devices")}
        found += [(homes[str(fault.path[1])], fault) for fault in twins(book)]
    return Loaded(book, tuple(_placed(files, found)), tuple(name for name, _ in texts))


def checked(
    files: Sequence[RuleFile], drivers: Collection[str] | None
) -> tuple[list[FileTable | None], list[tuple[RuleFile, Fault]]]:
    """Return the checked tables of files that are one book, None for a file of the wrong shape, and every mistake."""
    tables: list[FileTable | None] = []
    found: list[tuple[RuleFile, Fault]] = []
    for file in files:
        try:
            tables.append(FileTable.model_validate(file.document))
        except ValidationError as error:
            tables.append(None)
            found += [(file, fault) for fault in explain(file.document, error)]
        found += [(file, fault) for fault in relations(file.document)]
    found += References(files, drivers).faults()
    found += slot_faults(files)
    return tables, found


def _placed(files: Sequence[RuleFile], found: Sequence[tuple[RuleFile, Fault]]) -> Iterator[Problem]:
    """Yield the problems in the order of the files and then of their places, those that follow from others left out."""
    for file in files:
        faults = one_each(fault for home, fault in found if home is file)
        problems = (_problem(file, fault) for fault in faults if not file.follows(fault))
        yield from sorted(problems, key=lambda problem: (problem.line, problem.column))


def book_of(files: Sequence[RuleFile], tables: Sequence[FileTable]) -> RuleBook:
    """Return the book that sound files make, with the checked tables of each."""
    site = next(build.site(table.site) for table in tables if table.site)
    written = {name: names for table in tables for name, names in table.groups.items()}
    groups = {name: build.members(name, written) for name in written}
    rules = {}
    for file, table in zip(files, tables, strict=True):
        lines = file.positions.header_lines("rules")
        for name, rule in table.rules.items():
            line = lines.get(name) or file.place(("rules", name), "key").line
            rules[name] = build.rule(name, rule, groups, Source(file.name, line))
    written_devices = {name: build.device(name, device) for table in tables for name, device in table.devices.items()}
    tests = [
        rule_test(test, groups, site.timezone, Source(file.name, file.place(("tests", number), "key").line))
        for file, table in zip(files, tables, strict=True)
        for number, test in enumerate(table.tests)
    ]
    devices = build.with_sockets(written_devices, groups.values(), rules.values(), tests)
    return RuleBook(site, devices, groups, rules, tuple(tests))


def _problem(file: RuleFile, fault: Fault) -> Problem:
    place = fault.place or file.place(fault.path, fault.on)
    source = file.lines[place.line - 1]
    shown = without_secrets(source, everything=fault.path[:1] == ("site",))
    message, hint = (_without_login(text) for text in (fault.message, fault.hint))
    if shown != source and fault.code == "E100":  # its words are taken from the line
        message, hint = (_hidden(text) for text in (message, hint))
        secrets = [word for found in _CREDENTIAL.finditer(source) for word in re.findall(r"""[^\s"',]{3,}""", found[2])]
        if any(_hidden(word) in message + hint for word in secrets):
            message = "not TOML" if any(_hidden(word) in message for word in secrets) else message
            hint = CREDENTIALS_HINT
    return Problem(
        code=fault.code,
        severity="warning" if fault.code.startswith("W") else "error",
        message=message,
        file=file.name,
        line=place.line,
        column=place.column,
        hint=hint,
        source_line=shown,
        length=place.length,
    )


def without_secrets(line: str, *, everything: bool) -> str:
    """Return a source line as it may be shown: reports are pasted into issues and printed by build servers.

    Hides the digits of latitude and longitude (everything: all digits), and what stands as a password or its like.
    """
    line = _without_login(_CREDENTIAL.sub(lambda match: match[1] + "•" * len(match[2]), line))
    return _hidden(line) if everything else _COORDINATE.sub(lambda match: _hidden(match[0]), line)


def _without_login(text: str) -> str:
    """Hide what stands before the @ of an address: user:password@host."""
    return _LOGIN.sub(lambda match: "•" * (len(match[0]) - 1) + "@", text)


def _hidden(text: str) -> str:
    return re.sub("[0-9]", "•", text)


_COORDINATE = re.compile(
    r"""\b((?:lat|lon|lng)\w*|\w*(?:titud|gitud)\w*)["']?\s*[=:][^#}]*?(?=$|[#}]|,\s*["'a-zA-Z_])""", re.IGNORECASE
)
_CREDENTIAL = re.compile(
    r"""(\b\w*?(?:pass|secret|token|user|e?mail)\w*["']?\s*[=:]\s*)([^\s,}][^,}]*)""", re.IGNORECASE
)
# It begins where a word begins: trying each letter of a line of ten million would take hours.
_LOGIN = re.compile(r"""(?<![^\s"'/@:])[^\s"'/@:]++:[^\s"'@]*@(?=[\w\[])""")


def files_in(paths: Iterable[str | FilePath]) -> list[str]:
    """Return the files that paths mean, folders opened, each once, and NAME.adopted.toml after NAME.toml.

    Raises ConfigError as `load` does.
    """
    names: dict[FilePath, str] = {}
    for path in map(FilePath, paths):
        try:
            if path.is_dir():
                inside = sorted(child for child in path.iterdir() if holds_rules(child) and child.is_file())
                if not inside:
                    raise ConfigError(f"{path}: a folder without a .toml file in it")
            elif path.name.endswith(LEDGER_SUFFIX):
                problem = "the sync tool's own record, not rules; name the rule file that it stands beside"
                raise ConfigError(f"{path}: {problem}")
            else:
                inside = [path, *adopted_beside(path)]
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        for child in inside:
            names.setdefault(FilePath(os.path.realpath(child)), str(child))
    if not names:
        raise ConfigError("no rule file was named")
    return list(names.values())


def holds_rules(file: FilePath) -> bool:
    """Whether a file in a folder is one of rules, by its name."""
    return file.suffix == ".toml" and not file.name.endswith(LEDGER_SUFFIX)


def adopted_beside(file: FilePath) -> list[FilePath]:
    """Return the file beside a given one that holds what was adopted from devices for it, if there is one."""
    if file.suffix != ".toml" or file.name.endswith(ADOPTED_SUFFIX):
        return []
    beside = file.with_name(file.stem + ADOPTED_SUFFIX)
    return [beside] if beside.is_file() else []


def text_of(name: str) -> str:
    """Return what a file says.  Raises ConfigError for what cannot be read."""
    try:
        return FilePath(name).read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{name}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
