"""Devices that nobody here has, each odd in a way that docs/protocol.md allows or leaves open, live under sync."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapo_automate.errors import ApplyIncomplete, Busy, Garbled, Unsupported
from tapo_automate.rows import OpaqueRow
from tapo_automate.sync.ledger import DeviceLedger
from wire.other_home import LAMP, LAMP_MEANS, NIGHT, PLUG, PLUG_MEANS, TONIGHT, Home, Start, homes

Oddities = Mapping[str, Any]

FOREIGN = ["127 at 700: on=True", "once at 701: on=False"]
BESIDE = ["127 normal +0 60 to normal +0 105", "7200 s: on=False"]
RULES = {"plug": (PLUG, PLUG_MEANS), "lamp": (LAMP, LAMP_MEANS), "strip": (PLUG, PLUG_MEANS)}

HARMLESS: tuple[Oddities, ...] = (
    {},
    {"page": 1},
    {"page": 4},
    {"page": 32},
    {"page": 2, "sum": "out"},
    {"page": 2, "sum": "out", "past_end": -1805},
    {"page": 2, "sum": "text"},
    {"page": 2, "sum": "zero", "past_end": -1008},
    {"start_index": "ignored", "sum": "out"},
    {"ids": "next"},
    {"ids": "random"},
    {"ids": "bare"},
    {"added": "nothing"},
    {"added": "conflict"},
    {"added": "more"},
    {"edited": "id"},
    {"moves": True},
    {"floats": True},
    {"bits": True},
    {"e_type_kept": True},
    {"dates_out": True},
    {"sun_minute_zero": True},
    {"once_days_kept": True},
    {"offset_out": True},
    {"more_keys": "empty"},
    {"max_out": True},
    {"enable_out": True},
    {"next_event": -1002},
    {"next_event": -1302},
    {"next_event": "type 2"},
    {"flag_out": True},
    {"versions": "unknown"},
    {"protection": "both"},
    {"protection": "other"},
    {"batch": -1003},
    {"batch": 1200},
    {"batch": "stops", "next_event": -1002},
    {"batch": "fewer"},
    {"short_codes": True},
    {"strict": True},
    {"slow_s": 0.01},
    {"closes": True},
)
OF_STRIPS: tuple[Oddities, ...] = (
    {},
    {"inner_code_out": True},
    {"positions_out": True},
    {"children": 2},
    {"child_components": "out"},
    {"child_components": -1002},
    {"child_components": -1},
    {"positions_out": True, "children": 2, "child_components": -1002, "inner_code_out": True, "batch": -1003},
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with homes(tmp_path) as started:
        yield started


def named(odd: Oddities) -> str:
    return ", ".join(f"{name} {it}" for name, it in odd.items()) or "like most"


def lives(home: Home, kind: str) -> None:
    """Lead a device from the first apply to a restoration, beside two rows of a person's."""
    rules, means = RULES[kind]
    home.part.by_hand("schedule", s_min=700, desired_states={"on": True})
    home.part.by_hand("schedule", s_min=701, mode="once", week_day=0)

    assert home.apply(*rules) == []
    assert (home.part.means(), home.warned) == (sorted([*means, *FOREIGN]), ())
    if kind != "lamp":
        assert sorted(home.part.means("antitheft") + home.part.means("countdown")) == BESIDE
        assert home.part.auto_off == {"enable": True, "delay_min": 45}
        assert home.part.protection == {"enabled": True, "protection_power": 2000}

    later = tuple(each.replace("23:30", "23:35") for each in rules)
    assert home.changes(*later) == ["update every day at 23:35 → off (was every day at 23:30 → off)"]
    assert home.apply(*later) == []
    assert "127 at 1415: on=False" in home.part.means()
    fewer = (rules[0], *rules[2:])
    assert [each.split()[0] for each in home.changes(*fewer)] == ["update", "delete"]
    assert home.apply(*fewer) == []
    assert home.part.means() == sorted([*(each for each in means if each != "62 at 375: on=True"), *FOREIGN])

    written = len(home.part.written)
    home.now += dt.timedelta(days=1)
    assert home.changes(*fewer) == []
    home.now -= dt.timedelta(days=1)
    home.lose_the_ledger(*fewer)
    assert home.changes(*fewer) == []
    home.ledger.replace(home.id, DeviceLedger())
    adopted = home.adopt().replace("schema = 1", "").replace(f'["{home.id}"]', '["it"]')
    assert home.changes(adopted) == []
    assert len(home.part.written) == written, "to adopt writes nothing"

    full = home.part.means()
    assert home.apply() == []
    home.restore()
    assert plain(home.part.means()) == plain(full)


def plain(means: list[str]) -> list[str]:
    """Return what rows mean without values of nothing, and truths as True and False."""
    spelled = (each.replace("on=1", "on=True").replace("on=0", "on=False") for each in means)
    return [re.sub(r"(auto|hue|saturation|color_temp|transition_period)=(0|False)(, |$)", "", each) for each in spelled]


@pytest.mark.parametrize("odd", HARMLESS, ids=named)
def test_a_plug_lives_with_its_oddity(start: Start, odd: Oddities) -> None:
    lives(start("plug", **odd), "plug")


@pytest.mark.parametrize("odd", HARMLESS[::3], ids=named)
def test_a_lamp_over_the_old_protocol_lives_with_its_oddity(start: Start, odd: Oddities) -> None:
    lives(start("lamp", "aes", **odd), "lamp")


@pytest.mark.parametrize("odd", HARMLESS[1::14], ids=named)
@pytest.mark.parametrize("speaks", ["klap-v1", "aes-v1", "tpap", "tpap-tls"])
def test_a_plug_over_every_other_protocol_lives_with_its_oddity(start: Start, speaks: str, odd: Oddities) -> None:
    lives(start("plug", speaks, **odd), "plug")


@pytest.mark.parametrize("odd", OF_STRIPS, ids=named)
def test_a_socket_lives_with_the_oddity_of_its_strip(start: Start, odd: Oddities) -> None:
    home = start("strip", socket="2", **odd)
    lives(home, "strip")
    assert all(not part.written for part in home.device.parts if part is not home.part)


SIMPLE = [name for odd in HARMLESS for name in odd if len(odd) == 1 and name not in ("slow_s", "page", "sum")]
CHOICES = {name: [odd[name] for odd in HARMLESS if odd.keys() == {name}] for name in SIMPLE}


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in CHOICES.items()}),
    st.sampled_from([{}, {"page": 1}, {"page": 3, "sum": "out"}, {"page": 4, "sum": "text"}]),
    st.sampled_from(["klap", "aes"]),
)
def test_oddities_come_together(start: Start, odd: Oddities, pages: Oddities, speaks: str) -> None:
    lives(start("plug", speaks, **{**odd, **pages}), "plug")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (-1302, "it does not say what it will do next"),
        (
            -1002,
            "the device has no function get_next_event, at least not in this version: error -1002 (UNKNOWN_METHOD); "
            "newer firmware may have it, and nothing else helps",
        ),
    ],
)
def test_a_device_that_never_says_what_comes_next_lacks_the_function(start: Start, code: int, why: str) -> None:
    home = start(next_event=code)
    with pytest.raises(Unsupported) as said:
        home.driver.next_event()
    assert str(said.value) == f"{home.device.address}: {why}"
    holdings = home.reading().holdings
    assert (holdings.next_event, holdings.announces) == (None, False)


class TestValuesOfItsOwn:
    def test_rows_with_values_that_the_device_adds_are_as_they_were_written(self, start: Start) -> None:
        home = start("lamp", adds_states=True)
        assert home.apply(*LAMP) == []
        assert home.part.means() == LAMP_MEANS
        assert home.apply(*LAMP[1:]) == []
        assert home.changes() == [
            "delete weekdays at 06:15 → on, brightness 100, hue 0, saturation 0",
            "delete every day at 18:00 → on, brightness 40, color_temp 2700",
            "delete every day at 19:00 → on, brightness 100, hue 0, saturation 90",
            "delete every day at 20:00 → on, brightness 5, hue 0, saturation 0, transition 10m",
        ]

    def test_a_plug_that_names_colors_lives_all_the_same(self, start: Start) -> None:
        lives(start("plug", adds_states=True), "plug")

    def test_keys_that_nobody_knows_do_not_make_our_rows_strangers(self, start: Start) -> None:
        home = start(more_keys="said")
        home.part.by_hand("schedule", s_min=700)
        assert home.apply(*PLUG) == []
        assert home.part.means() == sorted([*PLUG_MEANS, "127 at 700: on=False"])
        assert all(isinstance(row, OpaqueRow) for row in home.reading().holdings.tables["schedule"].rows)
        assert home.apply(*PLUG[1:]) == []
        assert home.part.means() == sorted([*PLUG_MEANS[1:], "127 at 700: on=False"])
        edited = home.part.rows["schedule"][1]
        edited["s_min"] += 5
        [change] = home.changes(*PLUG[1:])
        assert change.startswith("drift weekdays at 06:15 → on was changed by hand")


def test_a_clash_that_the_device_tells_of_is_told_and_no_error(start: Start) -> None:
    home = start(added="clash")
    assert home.apply(NIGHT) == []
    assert home.warned == (
        "the device says that “every day at 23:30 → off” clashes with its schedule row S99; both are stored",
    )
    assert home.part.means() == ["127 at 1410: on=False"]


class TestRowsThatHappenOnce:
    @pytest.mark.parametrize("spent", ["disabled", "gone"])
    @pytest.mark.parametrize("odd", [{}, {"once_days_kept": True}, {"more_keys": "said"}], ids=named)
    def test_what_is_left_of_them_is_cleared_away(self, start: Start, spent: str, odd: Oddities) -> None:
        home = start(spent=spent, **odd)
        assert home.apply(NIGHT, TONIGHT) == []
        assert home.part.means() == ["127 at 1410: on=False", "once at 1260: on=True"]
        row_id = next(row["id"] for row in home.part.rows["schedule"] if row["mode"] == "once")
        home.now += dt.timedelta(hours=9, minutes=5)
        home.part.let_spend(row_id)
        assert [each.split()[0] for each in home.changes(NIGHT, TONIGHT)] == [
            "delete" if spent == "disabled" else "adopt"
        ]
        assert home.apply(NIGHT, TONIGHT) == []
        assert home.part.means() == ["127 at 1410: on=False"]


class TestNotTrusted:
    @pytest.mark.parametrize(
        ("odd", "why"),
        [
            ({"clock": -1002}, "it does not say what time it has: `tapo-automate clock DEVICE` says why"),
            ({"clock": -1601}, "it does not say what time it has: `tapo-automate clock DEVICE` says why"),
            (
                {"clock": "no region"},
                "it has no time zone, and so no summer time: `sync apply --fix-clock` sets it to Europe/Berlin",
            ),
            ({"versions": "newer"}, "its schedule is of version 3, and versions 1 and 2 are known"),
        ],
        ids=str,
    )
    def test_its_rules_stay_with_the_daemon_and_its_rows_alone(self, start: Start, odd: Oddities, why: str) -> None:
        home = start(**odd)
        home.part.by_hand("schedule", s_min=700)
        plan = home.plan(NIGHT)
        assert (home.changes(NIGHT), plan.daemon["night"].reason) == ([], why)
        assert home.apply(NIGHT) == []
        assert home.part.means() == ["127 at 700: on=False"]

    @pytest.mark.parametrize(
        ("odd", "rules", "why"),
        [
            ({"auto_off": -1002}, PLUG[5], "the device has no auto-off"),
            ({"protection": -1002}, PLUG[6], "the device has no power protection"),
        ],
        ids=["auto_off", "protection"],
    )
    def test_a_neighbour_that_is_listed_and_refused_is_none(
        self, start: Start, odd: Oddities, rules: str, why: str
    ) -> None:
        home = start(**odd)
        assert home.apply(rules) == []
        [in_daemon] = home.plan(rules).daemon.values()
        assert in_daemon.reason == why

    def test_a_table_that_says_it_has_more_than_it_shows_is_not_planned_for(self, start: Start) -> None:
        home = start(sum="most")
        with pytest.raises(Garbled) as said:
            home.plan(NIGHT)
        problem = "the device does not show all the rows that it says its schedule table has"
        assert str(said.value) == f"{home.device.address}: {problem}"
        assert not home.part.written

    def test_busy_now_and_then_is_said_and_taken_up_by_the_next_apply(self, start: Start) -> None:
        home = start(busy_every=13)
        home.part.by_hand("schedule", s_min=700)
        failed = []
        for _ in range(40):
            try:
                if home.apply(*PLUG) == []:
                    break
            except (Busy, ApplyIncomplete) as error:
                failed.append(str(error))
        else:
            pytest.fail(f"it never came to an end: {failed}")
        assert failed
        assert all("error -1301 (DEVICE_ERROR): the device is busy: ask it less often" in each for each in failed)
        assert home.part.means() == sorted([*PLUG_MEANS, "127 at 700: on=False"])
