"""`test`: what the rule files claim in `[[tests]]`, and whether it holds."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.options import load_book, rules_option

if TYPE_CHECKING:
    from tapo_automate.daemon.verdict import Verdict
    from tapo_automate.rules.trials import RuleTest

_MOST_SHOWN = 20  # mismatches of one test


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@rules_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "junit"]),
    default="text",
    show_default=True,
    help="For people, for programs, as annotations of a GitHub workflow, or as JUnit XML.",
)
def test(names: tuple[str, ...], rules: tuple[str, ...], style: str) -> None:
    """Run the tests in the rule files: all of them, or those named.

    Neither devices nor time are needed: the daemon's own planner is led through each test. Exit code 0: all claims
    hold, or there are none. 1: one does not. 2: the rules have errors.
    """
    from tapo_automate.daemon.verdict import judged

    book = load_book(rules)
    verdicts = [judged(test, book) for test in _chosen(book.tests, names)]
    if not verdicts:
        click.echo(f"{', '.join(rules)}: no tests; a [[tests]] table says what the rules should do", err=True)
    match style:
        case "json":
            found = {"ok": all(verdict.passed for verdict in verdicts), "tests": list(map(_as_json, verdicts))}
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        case "github":
            for verdict in verdicts:
                _print_annotation(verdict)
        case "junit":
            click.echo(_as_junit(verdicts))
        case _:
            _print_text(verdicts)
    sys.exit(0 if all(verdict.passed for verdict in verdicts) else 1)


def _chosen(tests: Sequence[RuleTest], names: Sequence[str]) -> list[RuleTest]:
    """Return the named tests, in the order of the files; all of them where none is named.

    Raises click.UsageError, with the name that was probably meant.
    """
    from tapo_automate.rules.faults import did_you_mean

    known = [test.name for test in tests]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or (f'; the first is "{known[0]}"' if known else "; there are none")
            raise click.UsageError(f'unknown test "{name}"{hint}')
    return [test for test in tests if not names or test.name in names]


def _print_text(verdicts: Sequence[Verdict]) -> None:
    color = False if os.environ.get("NO_COLOR") else None  # click strips colours for what is no terminal by itself
    for verdict in verdicts:
        if verdict.passed:
            click.echo(click.style("ok    ", fg="green") + verdict.test.name, color=color)
            continue
        click.echo(f"{click.style('FAIL  ', fg='red')}{verdict.test.name}  ({verdict.test.source})", color=color)
        for line in _lines(verdict):
            click.echo(f"      {line}")
    failed = sum(not verdict.passed for verdict in verdicts)
    if verdicts:
        click.echo(f"{len(verdicts)} test{'s' * (len(verdicts) != 1)}, {failed or 'none'} failed")


def _lines(verdict: Verdict) -> list[str]:
    """Return what does not hold in a test, two lines for each: what was expected, and beneath it what came."""
    lines = []
    for mismatch in verdict.mismatches[:_MOST_SHOWN]:
        lines.append(f"{mismatch.at}  expected {mismatch.expected}")
        lines.append(f"{' ' * len(mismatch.at)}       got {mismatch.got}")
    more = len(verdict.mismatches) - _MOST_SHOWN
    return [*lines, f"and {more} more"] if more > 0 else lines


def _as_json(verdict: Verdict) -> dict[str, object]:
    source = verdict.test.source
    mismatches = [{"at": each.at, "expected": each.expected, "got": each.got} for each in verdict.mismatches]
    return {
        "name": verdict.test.name,
        "file": source.file,
        "line": source.line,
        "passed": verdict.passed,
        "mismatches": mismatches,
    }


def _print_annotation(verdict: Verdict) -> None:
    from tapo_automate.rules.problems import annotation

    if not verdict.passed:
        source = verdict.test.source
        properties = {"file": source.file, "line": str(source.line), "title": verdict.test.name}
        click.echo(annotation("error", properties, "\n".join(_lines(verdict))))


def _as_junit(verdicts: Sequence[Verdict]) -> str:
    """Return the XML that build servers read, in its common shape: one suite for each file."""
    from xml.etree import ElementTree

    failed = sum(not verdict.passed for verdict in verdicts)
    root = ElementTree.Element("testsuites", name="rules", tests=str(len(verdicts)), failures=str(failed))
    for file in dict.fromkeys(verdict.test.source.file for verdict in verdicts):
        inside = [verdict for verdict in verdicts if verdict.test.source.file == file]
        failures = sum(not verdict.passed for verdict in inside)
        suite = ElementTree.SubElement(
            root, "testsuite", name=_for_xml(file), tests=str(len(inside)), failures=str(failures)
        )
        for verdict in inside:
            name, line = _for_xml(verdict.test.name), str(verdict.test.source.line)
            case = ElementTree.SubElement(
                suite, "testcase", classname=_for_xml(file), name=name, file=_for_xml(file), line=line
            )
            if not verdict.passed:
                failure = ElementTree.SubElement(case, "failure", message=_for_xml(str(verdict.mismatches[0])))
                failure.text = _for_xml("\n".join(_lines(verdict)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _for_xml(text: str) -> str:
    """Return the text without the characters that XML 1.0 does not allow."""
    return re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "�", text)
