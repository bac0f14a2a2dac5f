"""`check --executors`: the proof that everything has exactly one executor, or what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tapo_automate.cli.sync_text import count
from tapo_automate.cli.when import with_z
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import annotation
from tapo_automate.sync.executors import Executors, Finding


def as_json(found: Executors, days: int) -> dict[str, Any]:
    """Return what `check --executors --format json` adds, under "executors"."""
    return {
        "ok": not found.findings,
        "days": days,
        "findings": [
            {
                "code": finding.code,
                "rule": finding.rule,
                "device": finding.device,
                "at": with_z(finding.at) if finding.at else None,
                "text": finding.text,
            }
            for finding in found.findings
        ],
        "counts": asdict(found.counts),
    }


def as_github(found: Executors, book: RuleBook) -> Iterator[str]:
    """Yield an annotation for each finding, at its rule where the rule is still there."""
    for finding in found.findings:
        properties = {"title": f"executors: {finding.code}"}
        if rule := book.rules.get(finding.rule):
            properties = {"file": rule.source.file, "line": str(rule.source.line), **properties}
        yield annotation("error", properties, finding.text)


def in_lines(found: Executors, days: int) -> Iterator[str]:
    """Yield the proof, or the findings, for people."""
    for finding in found.findings:
        yield _line(finding)
    counts = found.counts
    if found.findings:
        yield f"executors: {count(len(found.findings), 'finding')} in the next {days} days"
    else:
        yield f"executors: everything in the next {days} days has exactly one executor"
    for who, instants, pairs in (
        ("the devices", counts.device_instants, counts.device_pairs),
        ("the daemon", counts.daemon_instants, counts.daemon_pairs),
    ):
        unknown = f", and {count(pairs, 'rule')} on a device without known ones" if pairs else ""
        yield f"  by {who:<12} {count(instants, 'instant')}{unknown}"
    if counts.chosen:
        yield f"  {count(counts.chosen, 'rule')} on a device as a person has chosen (`sync drift --ignore`)"


def _line(finding: Finding) -> str:
    return f"{finding.code}: {finding.text}"
