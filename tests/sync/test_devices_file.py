"""Devices as tables of rule files: their names, and where they go in files that people have written."""

from __future__ import annotations

import pytest

from tapo_automate.device import DeviceSpec
from tapo_automate.errors import ConfigError
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.devices_file import NewDevice, added, named, new_file, tables, unknown

PLUG = NewDevice("P110", "tapo-plug", "192.168.1.31", "48-22-54-AA-BB-CC")
SITE = '[site]\ntimezone = "Europe/Berlin"\n'
NEW = '[devices.p110-bbcc]\ndriver = "tapo-plug"\nhost = "192.168.1.31"\nmac = "48-22-54-AA-BB-CC"\n'
OLD = '[devices.old]\ndriver = "tapo-plug"\nhost = "192.168.1.99"\n'


def book(text: str) -> RuleBook:
    loaded = load_text(SITE + text)
    assert loaded.book is not None, loaded.errors
    return loaded.book


def plug(mac: str, model: str = "P110", host: str = "192.168.1.31") -> NewDevice:
    return NewDevice(model, "tapo-plug", host, mac)


def test_a_table_is_as_a_person_would_write_it() -> None:
    assert tables({"p110-bbcc": PLUG}) == NEW


def test_a_device_without_a_host_is_known_by_its_mac() -> None:
    text = tables({"p110-bbcc": plug(PLUG.mac, host="")})
    assert text == '[devices.p110-bbcc]\ndriver = "tapo-plug"\nmac = "48-22-54-AA-BB-CC"\n'
    assert book(text).devices["p110-bbcc"].mac == PLUG.mac


def test_names_have_as_many_digits_as_they_need() -> None:
    macs = ["48-22-54-AA-BB-CC", "48-22-54-AB-BB-CC", "48-22-55-AB-BB-CC", "48-22-54-AA-BB-CD"]
    assert list(named([plug(mac) for mac in macs], ())) == [
        "p110-bbcc",
        "p110-abbbcc",
        "p110-482255abbbcc",
        "p110-bbcd",
    ]


def test_a_name_in_use_is_not_given_twice() -> None:
    taken = {"p110-bbcc", "p110-aabbcc", "p110-482254aabbcc", "p110-482254aabbcc-2"}
    assert list(named([PLUG], taken)) == ["p110-482254aabbcc-3"]


@pytest.mark.parametrize(
    ("model", "name"),
    [("L900-5", "l900-5-bbcc"), ("TP 15/x", "tp-15-x-bbcc"), ("插座", "device-bbcc"), ("P110M", "p110m-bbcc")],
)
def test_a_name_can_be_written_without_quotes_and_names_no_socket(model: str, name: str) -> None:
    assert list(named([plug(PLUG.mac, model)], ())) == [name]


def test_a_new_file_loads() -> None:
    text = new_file({"p110-bbcc": PLUG}, "Europe/Berlin")
    loaded = load_text(text)
    assert loaded.book is not None
    assert loaded.book.devices == {
        "p110-bbcc": DeviceSpec("p110-bbcc", "tapo-plug", "192.168.1.31", "48-22-54-AA-BB-CC")
    }


# What is there already


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('mac = "48:22:54:aa:bb:cc"', "it is there as 'old'"),
        ('mac = "48:22:54:aa:bb:cc"\nhost = "192.168.1.31:80"', "it is there as 'old'"),
        ('mac = "48:22:54:aa:bb:cc"\nhost = "192.168.1.32"', "it is there as 'old', at 192.168.1.32"),
        ('host = "192.168.1.31"', "its address is there, as that of 'old'"),
        ('host = "192.168.1.31:80"', "its address is there, as that of 'old'"),
        (
            'host = "192.168.1.31"\nmac = "48:22:54:00:00:01"',
            "at its address the rules have 'old', whose mac is 48-22-54-00-00-01",
        ),
    ],
)
def test_what_the_rules_have_is_left_out_and_said(words: str, said: str) -> None:
    new, lines = unknown([PLUG], book(f'[devices.old]\ndriver = "tapo-plug"\n{words}\n'))
    assert (new, lines) == ([], [f"P110 48-22-54-AA-BB-CC at 192.168.1.31: {said}"])


def test_what_the_rules_do_not_have_is_new() -> None:
    other = '[devices.old]\ndriver = "tapo-plug"\nhost = "192.168.1.31:8080"\nmac = "48:22:54:00:00:01"\n'
    assert unknown([PLUG], book(other)) == ([PLUG], [])


# Where it goes

RULE = '[rules.off]\ndevices = ["old"]\nwhen.time = { at = 23:00:00 }\nset = { on = false }\n'
PLACES = {
    "behind the last device": (
        f"{SITE}\n{OLD}\n{RULE}",
        f"{SITE}\n{OLD}\n{NEW}\n{RULE}",
    ),
    "at the end where there is none": (SITE, f"{SITE}\n{NEW}"),
    "at the end of a file without a last line break": (SITE.rstrip(), f"{SITE}\n{NEW}"),
    "behind a comment that belongs to the device": (
        f"{SITE}\n{OLD}# its cable is loose\n\n{RULE}",
        f"{SITE}\n{OLD}# its cable is loose\n\n{NEW}\n{RULE}",
    ),
    "before a comment that leads over": (
        f"{SITE}\n{OLD}\n# ---- rules\n{RULE}",
        f"{SITE}\n{OLD}\n{NEW}\n# ---- rules\n{RULE}",
    ),
    "before a comment that stands close to the next table": (
        f"{SITE}{OLD}# ---- rules\n{RULE}",
        f"{SITE}{OLD}\n{NEW}\n# ---- rules\n{RULE}",
    ),
    "behind the options of the last device": (
        f'{SITE}{OLD}[devices.old.options]\nx = "1"\n\n{RULE}',
        f'{SITE}{OLD}[devices.old.options]\nx = "1"\n\n{NEW}\n{RULE}',
    ),
    "behind the last of two runs of devices": (
        f"{OLD}\n{RULE}\n{OLD.replace('old', 'more')}\n{SITE}",
        f"{OLD}\n{RULE}\n{OLD.replace('old', 'more')}\n{NEW}\n{SITE}",
    ),
    "behind devices under one header": (
        f'{SITE}[devices]\nold = {{ driver = "tapo-plug", host = "192.168.1.99" }}\n\n{RULE}',
        f'{SITE}[devices]\nold = {{ driver = "tapo-plug", host = "192.168.1.99" }}\n\n{NEW}\n{RULE}',
    ),
    "not into a text that looks like a header": (
        f"{SITE}{OLD}[devices.old.options]\nx = '''\n[devices.old]\n\n[y]'''\n{RULE}",
        f"{SITE}{OLD}[devices.old.options]\nx = '''\n[devices.old]\n\n[y]'''\n{RULE}\n{NEW}",
    ),
}


@pytest.mark.parametrize(("before", "after"), PLACES.values(), ids=PLACES)
def test_a_device_goes(before: str, after: str) -> None:
    assert added({"rules.toml": before}, "rules.toml", {"p110-bbcc": PLUG}) == after


def test_line_ends_stay_as_they_are() -> None:
    before = f"{SITE}\n{OLD}\n{RULE}".replace("\n", "\r\n")
    after = f"{SITE}\n{OLD}\n{NEW}\n{RULE}".replace("\n", "\r\n")
    assert added({"rules.toml": before}, "rules.toml", {"p110-bbcc": PLUG}) == after


def test_a_new_file_of_a_book_has_no_site_of_its_own() -> None:
    text = added({"a.toml": SITE}, "b.toml", {"p110-bbcc": PLUG})
    assert text.endswith(f"schema = 1\n\n{NEW}")
    assert "[site]" not in text


def test_a_file_that_cannot_be_added_to_is_left_to_a_person() -> None:
    inline = 'devices = { old = { driver = "tapo-plug", host = "192.168.1.99" } }\n' + SITE
    with pytest.raises(ConfigError) as problem:
        added({"rules.toml": inline}, "rules.toml", {"p110-bbcc": PLUG})
    assert str(problem.value) == (
        "rules.toml: it is written in a way that cannot be added to for certain; paste what `discover --toml` prints"
    )
