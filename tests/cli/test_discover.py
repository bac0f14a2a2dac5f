"""`discover` at a terminal: little devices on loopback, found, shown and written into rule files."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from cli.terminal import PASSWORD, USERNAME, environment, tapo_automate
from tapo_automate.cli import main
from tapo_automate.cli.discover import discover
from tapo_automate.wire import udp
from tapo_automate.wire.udp import Target
from wire.responders import answering, datagram, result_of, says

OURS = md5(USERNAME.encode()).hexdigest().upper()
WASHER, LAMP, NEIGHBOUR, BARE = (f"48-22-54-00-00-{number:02X}" for number in range(1, 5))
LAMP_SAYS: dict[str, Any] = {
    "owner": OURS,
    "device_type": "SMART.TAPOBULB",
    "device_model": "L900-5(EU)",
    "mgt_encrypt_schm": {"is_support_https": False, "encrypt_type": "AES", "http_port": 8080},
}
TABLES = f"""\
[devices.p110-0001]
driver = "tapo-plug"
host = "127.0.0.31"
mac = "{WASHER}"

[devices.l900-5-0002]
driver = "tapo-bulb"
host = "127.0.0.32:8080"
mac = "{LAMP}"
"""
LEFT_OUT = f"""\
left out: P110 {BARE} at 127.0.0.34 is not set up yet; do that in the Tapo app
left out: P110 {NEIGHBOUR} at 127.0.0.33 belongs to another account
an account is known by its e-mail, in which case counts: spell it as the Tapo app shows it
"""


@pytest.fixture(scope="module")
def everybody() -> Iterator[list[str]]:
    """A plug and a lamp of ours, a neighbour's plug, one that is not set up, a camera, a router; as words."""
    camera = result_of("48-22-54-00-00-05", device_type="SMART.IPCAMERA", mgt_encrypt_schm={"is_support_https": True})
    with ExitStack() as stack:
        places = {
            "127.0.0.31": says(WASHER, owner=OURS),
            "127.0.0.32": says(LAMP, **LAMP_SAYS),
            "127.0.0.33": says(NEIGHBOUR),
            "127.0.0.34": says(BARE, owner="", factory_default=True, firmware_version="1.0.0 Build 1"),
            "127.0.0.35": lambda _probe: [datagram(camera)],
            "127.0.0.36": lambda _probe: [datagram({"device_type": "router"})],
        }
        words = []
        for address, answers in places.items():
            device = stack.enter_context(answering(answers, address))
            words += ["--target", f"{address}:{device.port}"]
        yield words


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Terminal:
    """The command line in this process: one of its own takes longer to start than all that is done here."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._patch = patch
        self._capsys = capsys

    def __call__(self, *words: str, credentials: bool = True, **more: str) -> Done:
        known = {"TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD} if credentials else {}
        with self._patch.context() as patch:
            patch.setattr(os, "environ", environment(self.home, **known, **more))
            patch.chdir(self.home)
            patch.setattr(sys, "argv", ["tapo-automate", *words])
            with pytest.raises(SystemExit) as end:
                main()
        out, err = self._capsys.readouterr()
        return Done(int(end.value.code or 0), out, err)

    def find(self, targets: list[str], *words: str, **more: Any) -> Done:
        return self("discover", *targets, "--timeout", "10", *words, **more)  # it ends when all have answered


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def house(everybody: list[str]) -> list[str]:
    """The devices among them: the others answer nothing that counts, and are waited for to the end."""
    return everybody[:8]


def ours(house: list[str]) -> list[str]:
    return house[:4]


def test_a_table_for_people(everybody: list[str], tmp_path: Path) -> None:
    done = tapo_automate("discover", *everybody, "--timeout", "2", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "MODEL   MAC                HOST             TRANSPORT  OWNER            STATE",
        f"P110    {WASHER}  127.0.0.31       klap       this account",
        f"L900-5  {LAMP}  127.0.0.32:8080  aes        this account",
        f"P110    {NEIGHBOUR}  127.0.0.33       klap       another account",
        f"P110    {BARE}  127.0.0.34       klap                        not set up",
    ]
    first, *passed, number, hint = done.stderr.splitlines()
    assert all(" is passed over: " in each for each in passed)
    assert first.startswith("asking 127.0.0.31:")
    assert first.endswith(" for up to 2 s")
    assert number == "4 devices"
    assert hint == LEFT_OUT.splitlines()[-1]


def test_json_has_one_shape(house: list[str], terminal: Terminal) -> None:
    done = terminal.find(house, "--json")
    assert done.returncode == 0, done.stderr
    plug = {"port": 80, "model": "P110", "device_type": "SMART.TAPOPLUG", "transport": "klap"}
    lamp = {"port": 8080, "model": "L900-5", "device_type": "SMART.TAPOBULB", "transport": "aes"}
    mine = {"owner_matches": True, "factory_default": False, "firmware": None}
    assert json.loads(done.stdout) == {
        "devices": [
            {"mac": WASHER, "host": "127.0.0.31", **plug, **mine},
            {"mac": LAMP, "host": "127.0.0.32", **lamp, **mine},
            {"mac": NEIGHBOUR, "host": "127.0.0.33", **plug, **mine, "owner_matches": False},
            {
                "mac": BARE,
                "host": "127.0.0.34",
                **plug,
                "owner_matches": None,
                "factory_default": True,
                "firmware": "1.0.0 Build 1",
            },
        ]
    }
    keys = ["mac", "host", "port", "model", "device_type", "transport", "owner_matches", "factory_default", "firmware"]
    assert [list(row) for row in json.loads(done.stdout)["devices"]] == [keys] * 4


def test_without_credentials_nobody_is_known_for_another(house: list[str], terminal: Terminal) -> None:
    done = terminal.find(house, "--json", credentials=False)
    assert [row["owner_matches"] for row in json.loads(done.stdout)["devices"]] == [None] * 4
    assert "account" not in terminal.find(ours(house), credentials=False).stdout


def test_no_hash_of_an_owner_is_printed(house: list[str], terminal: Terminal) -> None:
    for words in (("--json",), ("--toml",), ()):
        done = terminal.find(house, *words)
        for secret in (OURS, "F" * 32, USERNAME, PASSWORD):
            assert secret.lower() not in (done.stdout + done.stderr).lower()


def test_a_protocol_that_is_not_said_is_unknown(terminal: Terminal) -> None:
    with answering(says(WASHER, mgt_encrypt_schm={"http_port": 80})) as device:
        target = ["--target", f"127.0.0.1:{device.port}"]
        assert json.loads(terminal.find(target, "--json").stdout)["devices"][0]["transport"] is None
        assert " unknown" in terminal.find(target).stdout


def test_the_variable_says_where_to_look(terminal: Terminal) -> None:
    with answering(says(WASHER), "127.0.0.37") as device:
        done = terminal("discover", TAPO_AUTOMATE_DISCOVERY=f"127.0.0.37:{device.port}")
    assert WASHER in done.stdout


def test_one_interface_is_asked_by_its_broadcast(terminal: Terminal) -> None:
    with answering(says(WASHER), "127.255.255.255", 20002):
        done = terminal("discover", "--interface", "127.0.0.1", "--timeout", "1", "--json")
    assert WASHER in [row["mac"] for row in json.loads(done.stdout)["devices"]], done.stderr
    assert done.stderr.startswith("asking 127.255.255.255 for up to 1 s\n")


def test_when_nobody_answers_it_is_said_what_to_look_for(terminal: Terminal) -> None:
    with answering(lambda _probe: ()) as silent:
        words = ("discover", "--target", f"127.0.0.1:{silent.port}", "--timeout", "0.3")
        done, as_json = terminal(*words), terminal(*words, "--json")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.partition("\n")[2] == (
        "no plug, bulb or switch answered.  What to look for:\n"
        "  - devices are heard in their own network only: is this computer in the same WLAN or VLAN?  Guest networks "
        'and\n    "client isolation" keep devices apart.  A container needs the network of its host.\n'
        "  - a firewall must let UDP to ports 20002 and 20004 out, and the answers back in\n"
        "  - one device whose address you know may answer when it is asked alone: --target 192.168.1.31\n"
        "  - hubs, cameras and vacuum cleaners are passed over, Kasa's older devices without a word\n"
    )
    assert (as_json.returncode, json.loads(as_json.stdout)) == (0, {"devices": []})


def test_a_hub_and_a_vacuum_cleaner_are_named_and_not_listed(terminal: Terminal) -> None:
    def announced(device_type: str, model: str) -> bytes:
        scheme = {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2}
        said = {"device_type": device_type, "device_model": model, "mac": "02-5A-00-00-00-03"}
        return bytes(16) + json.dumps({"error_code": 0, "result": said | {"mgt_encrypt_schm": scheme}}).encode()

    answers = [
        announced("SMART.TAPOHUB", "H100(EU)"),
        announced("SMART.TAPOROBOVAC", "RV30(UN)"),
        announced("SMART.TAPOLOCK", "DL100(US)"),
        announced("IOT.SMARTPLUGSWITCH", "HS100(UK)"),
        announced("SMART.TAPO\x1b[2J", "H100(EU)"),
    ]
    with answering(lambda _probe: answers) as house:
        words = ("discover", "--target", f"127.0.0.1:{house.port}", "--timeout", "0.5")
        done, as_json = terminal(*words), terminal(*words, "--json")
    assert done.stderr.splitlines()[1:5] == [
        "127.0.0.1 is passed over: DL100(US), another kind of device (SMART.TAPOLOCK), which rules cannot switch",
        "127.0.0.1 is passed over: H100(EU), a hub, which rules cannot switch",
        "127.0.0.1 is passed over: RV30(UN), a vacuum cleaner, which rules cannot switch",
        "no plug, bulb or switch answered.  What to look for:",
    ]
    assert json.loads(as_json.stdout) == {"devices": []}


def test_where_nobody_could_be_asked_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = Target("127.0.0.1", 9, source="203.0.113.77")  # no address of this machine: nothing can be sent from it
    for places, text in (
        ([foreign], "127.0.0.1:9 cannot be asked: cannot assign requested address\n"),
        ([], "tapo-automate: this computer is in no network that could be asked; see --target\n"),
    ):
        monkeypatch.setattr(udp, "house_targets", lambda _interfaces, places=places: places)
        done = CliRunner().invoke(discover, [])
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr.endswith(text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--json", "--toml"], "--json, --toml and --write exclude each other"),
        (["--json", "--write", "x.toml"], "--json, --toml and --write exclude each other"),
        (["--dry-run"], "--dry-run is for --write"),
        (["--timezone", "Europe/Berlin"], "--timezone is for --write"),
        (["-r", "rules.toml"], "--rules is for --write"),
        (["--timeout", "0"], "Invalid value for '--timeout': 0.0 is not in the range 0.1<=x<=600."),
        (["--target", "http://plug"], "'http://plug' is no place to look for devices at: write an address or a name, "),
        (["--interface", "nosuch0"], "there is no interface 'nosuch0' with an IPv4 address; there are: "),
        (["--write", "no/rules.toml"], "no/rules.toml: there is no folder no"),
        (["--write", "."], ".: a folder; name a file in it, such as devices.toml"),
        (
            ["--write", "x.toml", "--timezone", "Europe/Berln"],
            "unknown time zone 'Europe/Berln'; did you mean 'Eu",
        ),
        (["--credentials", "none.toml"], "none.toml: there is no such credentials file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_line_and_nobody_is_asked(words: list[str], text: str, terminal: Terminal) -> None:
    done = terminal("discover", *words, credentials=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tapo-automate: {text}")
    assert "asking" not in done.stderr


# Tables for rule files


def test_toml_is_ready_to_paste(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.find(house, "--toml")
    assert (done.returncode, done.stdout) == (0, TABLES)
    assert done.stderr.endswith(f"4 devices\n{LEFT_OUT}")
    (tmp_path / "rules.toml").write_text('schema = 1\n[site]\ntimezone = "Europe/Berlin"\n' + done.stdout)
    check = terminal("check")
    assert check.returncode == 0, check.stderr + check.stdout


def test_a_new_file_is_a_whole_book(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.find(house, "--write", "house.toml", "--timezone", "Europe/Berlin")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (f"p110-0001: P110 {WASHER} at 127.0.0.31\nl900-5-0002: L900-5 {LAMP} at 127.0.0.32:8080\n")
    assert done.stderr.endswith("house.toml: 2 devices added\n")
    text = (tmp_path / "house.toml").read_text()
    sun = "# latitude and longitude belong here too if rules follow the sun\n"
    assert text.endswith(f'timezone = "Europe/Berlin"\n{sun}\n{TABLES}')
    assert tomllib.loads(text)["schema"] == 1
    check = terminal("check", "-r", "house.toml")
    assert check.returncode == 0, check.stderr + check.stdout
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_the_zone_of_this_computer_is_taken_and_said(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.find(ours(house), "--write", "house.toml", TZ="Asia/Tokyo")
    assert (
        "house.toml: the time zone is taken from this computer, Asia/Tokyo; --timezone names another\n" in done.stderr
    )
    assert tomllib.loads((tmp_path / "house.toml").read_text())["site"] == {"timezone": "Asia/Tokyo"}


@pytest.mark.parametrize("zone", ["Etc/UTC", "UTC", "CET-1CEST"])
def test_a_zone_that_says_nothing_of_the_house_is_not_taken(zone: str, terminal: Terminal, tmp_path: Path) -> None:
    done = terminal("discover", "--write", "house.toml", TZ=zone)
    assert (done.returncode, done.stderr) == (
        2,
        "tapo-automate: house.toml: a new rule book needs the time zone of the house, and this computer does not say "
        "which it is in: --timezone Europe/Berlin\n",
    )
    assert not (tmp_path / "house.toml").exists()


BOOK = f"""\
# Our house.
schema = 1
site = {{ timezone = "Europe/Berlin" }}   # all year

[devices.washer] # in the cellar
driver = "tapo-plug"
mac = "{WASHER.lower().replace("-", ":")}"   # found again
# options = {{ }}

# ------------------------------------------------ rules

[groups]
l900-5-0002 = ["washer"]

[rules.off]
devices = ["washer"]
when.time = {{ at = 23:00:00 }}
set = {{ on = false }} # at last"""


def test_a_file_that_is_there_keeps_every_byte(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(BOOK)
    (tmp_path / "rules.toml").chmod(0o640)
    done = terminal.find(house, "--write", "rules.toml")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"l900-5-000002: L900-5 {LAMP} at 127.0.0.32:8080\n"
    assert f"left out: P110 {WASHER} at 127.0.0.31: it is there as 'washer'\n" in done.stderr
    new = TABLES.partition("\n\n")[2].replace("l900-5-0002", "l900-5-000002")
    before, bar, after = BOOK.partition("\n# -----")
    assert (tmp_path / "rules.toml").read_text() == f"{before}\n{new}{bar}{after}"
    assert (tmp_path / "rules.toml").stat().st_mode & 0o777 == 0o640
    check = terminal("check")
    assert check.returncode == 0, check.stderr + check.stdout


def test_a_second_time_adds_nothing(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    terminal.find(house, "--write", "rules.toml", "--timezone", "Europe/Berlin")
    before = (tmp_path / "rules.toml").read_text()
    done = terminal.find(house, "--write", "rules.toml")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith(
        f"left out: P110 {WASHER} at 127.0.0.31: it is there as 'p110-0001'\n"
        f"left out: L900-5 {LAMP} at 127.0.0.32:8080: it is there as 'l900-5-0002'\n"
        "rules.toml: nothing to add\n"
    )
    assert (tmp_path / "rules.toml").read_text() == before


def test_dry_run_prints_and_writes_nothing(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    words = ("--write", "rules.toml", "--dry-run")
    new = terminal.find(house, *words, "--timezone", "Europe/Berlin")
    assert new.stdout.endswith(TABLES)
    assert new.stdout.startswith("# Devices found by")
    assert list(tmp_path.glob("*.toml")) == []
    (tmp_path / "rules.toml").write_text('site.timezone = "Europe/Berlin"\n')
    more = terminal.find(house, *words)
    assert more.stdout == TABLES
    assert (tmp_path / "rules.toml").read_text() == 'site.timezone = "Europe/Berlin"\n'


def test_a_file_of_a_folder_is_added_to_within_its_book(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "site.toml").write_text('[site]\ntimezone = "Europe/Berlin"\n')
    (tmp_path / "book" / "other.toml").write_text('[devices.p110-0001]\ndriver = "tapo-plug"\nhost = "127.0.0.99"\n')
    done = terminal.find(house, "--write", "book/devices.toml", "-r", "book")
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["p110-000001", "l900-5-0002"]
    assert "[site]" not in (tmp_path / "book" / "devices.toml").read_text()
    check = terminal("check", "-r", "book")
    assert check.returncode == 0, check.stderr + check.stdout


def test_a_file_beside_the_book_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(BOOK)
    done = terminal("discover", "--write", "x.toml", "-r", "rules.toml")
    assert (done.returncode, done.stderr) == (
        2,
        "tapo-automate: x.toml is not part of the rule book that --rules names: name it there too, or put it into a "
        "folder that is named there (see tapo-automate discover --help)\n",
    )


def test_a_file_with_errors_is_not_added_to(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "part.toml").write_text('[devices.washer]\ndriver = "tapo-plug"\nhost = "127.0.0.31"\n')
    done = terminal("discover", "--write", "part.toml")
    assert done.returncode == 2
    assert "part.toml:1:1: no [site] table in any file: wall times need a time zone [E103]" in done.stderr
    assert done.stderr.endswith("If part.toml is one of several files, name them all, or their folder, with --rules.\n")
    assert "asking" not in done.stderr


def test_a_zone_for_a_book_that_has_one_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(BOOK)
    done = terminal("discover", "--write", "rules.toml", "--timezone", "Asia/Tokyo")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "tapo-automate: --timezone is for a new rule book, and rules.toml belongs to one that has its zone"
    )


def test_a_read_only_file_is_left_alone(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(BOOK)
    (tmp_path / "rules.toml").chmod(0o444)
    done = terminal.find(house, "--write", "rules.toml")
    assert done.returncode == 2
    assert done.stderr.endswith("tapo-automate: rules.toml: cannot be written: it is read-only\n")
    assert (tmp_path / "rules.toml").read_text() == BOOK


def test_a_link_stays_one(house: list[str], terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text(BOOK)
    (tmp_path / "rules.toml").symlink_to("real.toml")
    terminal.find(house, "--write", "rules.toml")
    assert (tmp_path / "rules.toml").is_symlink()
    assert LAMP in (tmp_path / "real.toml").read_text()
