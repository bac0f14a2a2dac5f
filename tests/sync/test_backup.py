"""Backups: whole, readable years later, and without anything that is nobody's business."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.memory_device import BULB, MemoryDevice
from tapo_automate.device import Setting
from tapo_automate.errors import ConfigError
from tapo_automate.rows import AntitheftRow, AutoOff, CountdownRow, FoundRow, Moment, OpaqueRow, ScheduleRow
from tapo_automate.sync.backup import KEPT, Backups
from tapo_automate.sync.model import Recorded
from tapo_automate.sync.plainrows import as_plain, from_plain

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
DAYS = st.frozensets(st.integers(0, 6))
MOMENTS = st.one_of(
    st.builds(Moment, st.just("midnight"), st.integers(0, 1439)),
    st.builds(Moment, st.sampled_from(("sunrise", "sunset")), st.integers(-360, 360)),
)
SETTINGS = st.one_of(
    st.builds(Setting, on=st.booleans()),
    st.builds(Setting, on=st.just(True), brightness_pct=st.integers(1, 100), hue_deg=st.integers(0, 360)),
    st.builds(Setting, toggle=st.booleans(), transition_ms=st.none() | st.integers(0, 9999)),
)
OWN = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=3)
IDS = st.from_regex("[SCA][0-9]{1,2}", fullmatch=True)
ROWS: st.SearchStrategy[FoundRow] = st.one_of(
    st.builds(
        ScheduleRow,
        MOMENTS,
        SETTINGS,
        DAYS,
        st.booleans(),
        st.booleans(),
        IDS,
        st.none() | st.dates(),
        st.none() | st.integers(0, 1439),
        OWN,
    ),
    st.builds(CountdownRow, st.integers(1, 86400), SETTINGS, st.booleans(), IDS, own=OWN),
    st.builds(AntitheftRow, MOMENTS, MOMENTS, DAYS, st.booleans(), st.integers(1, 60), st.booleans(), IDS, OWN),
    st.builds(AutoOff, st.integers(1, 1440), st.booleans(), OWN),
    st.builds(OpaqueRow, st.sampled_from(("schedule", "antitheft")), st.text(max_size=5), OWN, IDS),
)


@given(ROWS)
def test_a_row_goes_through_json_and_back(row: FoundRow) -> None:
    back = from_plain(json.loads(json.dumps(as_plain(row))))
    assert back == row
    assert back.own == row.own
    assert as_plain(back) == as_plain(row)


def _device() -> MemoryDevice:
    device = MemoryDevice(NOW, description=BULB, position=(52.5213, 13.4055))
    device.by_hand(ScheduleRow(Moment("sunset", -15), Setting(on=True, brightness_pct=40)))
    device.by_hand_own("schedule", {"enable": True, "mode": "repeat", "days": ["mon"], "type": "moonrise"})
    device.by_hand(CountdownRow(600, Setting(on=False)))
    return device


def test_a_backup_holds_every_row_and_which_are_ours(tmp_path: Path) -> None:
    device, backups = _device(), Backups(tmp_path)
    holdings = device.holdings()
    ours = Recorded("schedule", "S1", {"dusk": "k" * 16}, "a" * 16, "b" * 16, "dusk", NOW, spent_at=NOW)
    path = backups.save("porch", holdings, NOW, [ours])
    backup = backups.load(path)
    assert backup.tables == {name: table.rows for name, table in holdings.tables.items()}
    assert [dict(row.own) for row in backup.tables["schedule"]] == [
        dict(row.own) for row in holdings.tables["schedule"].rows
    ]
    assert backup.recorded == {("schedule", "S1"): ours}
    assert (backup.device, backup.at) == ("porch", NOW)
    assert path == backups.latest("porch")
    assert path.name == "2026-11-22T12-00-00Z.json"


def test_a_backup_says_nothing_of_place_account_or_address(tmp_path: Path) -> None:
    device = _device()
    path = Backups(tmp_path).save("porch", device.holdings(), NOW)
    text = path.read_text()
    assert "every day 15 min before sunset → on, brightness 40" in text
    for secret in ("52.5", "13.4", "5213", device.description.hardware_id, "Berlin"):
        assert secret not in text
    assert path.stat().st_mode & 0o077 == 0


def test_the_last_fifty_are_kept_of_each_device(tmp_path: Path) -> None:
    backups, holdings = Backups(tmp_path), MemoryDevice(NOW).holdings()
    for minute in range(KEPT + 3):
        backups.save("plug", holdings, NOW + dt.timedelta(minutes=minute))
        backups.save("strip/1", holdings, NOW)
    names = [path.name for path in backups.all_of("plug")]
    assert len(names) == KEPT
    assert names[0] == "2026-11-22T12-03-00Z.json"
    assert backups.all_of("strip/1")[-1].name == f"2026-11-22T12-00-00Z~{KEPT + 3:03}.json"
    assert len(backups.all_of("strip/1")) == KEPT


@pytest.mark.parametrize("name", ["..", "a/../../b", "strip/1", "Küche: Herd", "x" * 100, "🔌" * 100, ".x"])
def test_every_name_of_a_device_has_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    backups = Backups(tmp_path / "backups")
    path = backups.save(name, MemoryDevice(NOW).holdings(), NOW)
    assert path.parent.parent == tmp_path / "backups"
    assert backups.load(path).device == name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "damaged, it is not JSON (Expecting property name"),
        ("[]", "no backup of tapo-automate, or damaged ("),
        ('{"schema": 2}', "written by a newer tapo-automate (schema 2); update this one"),
        ('{"schema": 1, "tables": {}}', "no backup of tapo-automate, or damaged ('at'); take an older one"),
        (
            '{"schema": 1, "tables": {"schedule": [{"table": "auto_off", "delay_min": 5, "enabled": true}]}}',
            "no backup of tapo-automate, or damaged (a row of auto_off is in schedule); take an older one",
        ),
    ],
)
def test_what_is_no_backup_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Backups(tmp_path).load(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")


def test_a_backup_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json: No such file or directory"):
        Backups(tmp_path).load(tmp_path / "gone.json")
    assert Backups(tmp_path / "nowhere").latest("plug") is None
