"""The tables of rules that a device holds, read page by page.

Source: docs/protocol.md, "On-device rule tables" and "Pages".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tapo_automate.errors import Garbled, Refused
from tapo_automate.rows import AntitheftRow, AutoOff, CountdownRow, FoundRow, ScheduleRow, Table
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.codes import BAD_PARAMS
from tapo_automate.wire.desired import is_whole, truth
from tapo_automate.wire.rows_codec import opaque, read_row, switchings

RowTable: TypeAlias = Literal["schedule", "countdown", "antitheft"]
ROW_TABLES: tuple[RowTable, ...] = ("schedule", "countdown", "antitheft")

MOST_PAGES = 64  # of one row each; the largest table seen has 32 rows
LEAST_ROWS: Mapping[RowTable, int] = {"schedule": 16, "countdown": 1, "antitheft": 1}
"""How many rows the smallest table seen holds: of a device that does not say, no more is asked."""
NO_SUCH_ROW = -1805  # or no such page
VERSIONS = (1, 2)  # of the components, whose rows are known


@dataclass(frozen=True, slots=True)
class Pages:
    """A table in the device's own words.

    rows: as they came, each once.  most: how many it says that it holds, None where it does not.
    whole: they are all that it says it has.
    """

    rows: tuple[object, ...]
    most: int | None
    enabled: bool
    whole: bool


def read_pages(client: Caller, table: RowTable) -> Pages:
    """Return all pages of a table, each asked for by a request of its own.  Raises what `Client.call` raises.

    Where the device does not say how many rows there are, or says fewer than it has shown, it is asked until a page
    brings nothing new.
    """
    rows: list[object] = []
    seen: set[str] = set()
    collected = 0
    page: Mapping[str, Any] = {}
    total: int | None = None
    for _ in range(MOST_PAGES):
        try:
            page = _page(client, table, collected)
        except Refused as error:
            if collected and error.code in (BAD_PARAMS, NO_SUCH_ROW):  # it has nothing there
                break
            raise
        found, total = page.get("rule_list"), _count(page.get("sum"))
        if not isinstance(found, list) or not found:
            break
        known = len(rows)
        for row in found:
            name = row.get("id") if isinstance(row, Mapping) else None
            if not isinstance(name, str) or name not in seen:  # one that is there twice was moved between two pages
                rows.append(row)
                seen |= {name} if isinstance(name, str) else set()
        collected += len(found)
        if table != "schedule" or collected == total or len(rows) == known:  # countdown and away mode have no pages
            break
    most = _count(page.get(f"{table}_rule_max_count"))
    return Pages(tuple(rows), most, truth(page.get("enable")) is not False, total is None or len(rows) >= total)


def read_table(client: Caller, table: RowTable, version: int) -> Table:
    """Return a table, each row read or left opaque.  version: of the device's component.

    Raises Garbled where the device does not show all the rows that it says it has, and what `Client.call` raises.
    """
    pages = read_pages(client, table)
    if not pages.whole:
        raise Garbled(client.host, f"the device does not show all the rows that it says its {table} table has")
    rows = (_row(table, words, version) for words in pages.rows)
    most = pages.most or max(LEAST_ROWS[table], len(pages.rows))
    return Table(most, tuple(row for row in rows if row is not None), pages.enabled)


def read_schedule(client: Caller) -> list[ScheduleRow]:
    """Return how the schedule switches; nothing where it is switched off as a whole.  Raises what `Client.call` raises.

    A row that also does what cannot be read is here with its switching alone, one that has an end as two.
    """
    pages = read_pages(client, "schedule")
    rows = [row for words in pages.rows for row in switchings("schedule", words)]
    return [row for row in rows if isinstance(row, ScheduleRow)] if pages.enabled else []


def read_countdown(client: Caller) -> tuple[CountdownRow, ...]:
    """Return the countdown, running or over; at most one on every device seen.  Raises what `Client.call` raises."""
    # The table's own switch is off while the only row is over: it says nothing.
    return tuple(row for words in read_pages(client, "countdown").rows for row in _countdown_rows(words))


def read_away(client: Caller) -> list[AntitheftRow]:
    """Return the away mode's rows that can be read; nothing where it is switched off as a whole."""
    pages = read_pages(client, "antitheft")
    rows = (read_row("antitheft", words) for words in pages.rows)
    return [row for row in rows if isinstance(row, AntitheftRow)] if pages.enabled else []


def read_auto_off_min(client: Caller) -> int | None:
    """Return after how many minutes the device turns itself off, or None.  Raises what `Client.call` raises."""
    row = read_row("auto_off", client.call("get_auto_off_config"))
    return row.delay_min if isinstance(row, AutoOff) and row.enabled else None


def _page(client: Caller, table: RowTable, start: int) -> Mapping[str, Any]:
    """Return the page that begins at a row; where the device takes no number, its only one."""
    method = f"get_{table}_rules"
    try:
        return client.call(method, {"start_index": start})
    except Refused as error:
        if error.code != BAD_PARAMS or start:
            raise
        return client.call(method, {})


def _row(table: RowTable, words: object, version: int) -> FoundRow | None:
    if version not in VERSIONS and isinstance(words, Mapping):
        return opaque(table, words, f"it is of version {version} of such tables, which is not known here")
    return read_row(table, words)


def _countdown_rows(words: object) -> list[CountdownRow]:
    row = read_row("countdown", words)
    found = [row] if isinstance(row, CountdownRow) else switchings("countdown", words)
    return [each for each in found if isinstance(each, CountdownRow)]


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        value = int(value)
    return value if is_whole(value) and value >= 0 else None
