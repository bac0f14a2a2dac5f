"""Nothing secret and no place gets out: every command against simulated devices in each protocol, the daemon, its log
and all files, searched for canaries in every spelling."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from cli.running import daemon
from cli.terminal import PASSWORD, USERNAME
from tapo_automate.cli import main
from tapo_automate.device import Credentials
from tapo_automate.memory import FOLDER
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import connect, pace
from tapo_automate.wire.vault import Vault

ACCOUNT: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}
SITE = (-37.48261, 145.93714)
DEVICES = {"plug": ("P110", "klap"), "lamp": ("L530", "aes"), "strip": ("P304M", "tpap")}
SSID, BSSID, OWN_SSID = "canary-neighbour", "C2-A1-B2-C3-D4-E5", "canary-own-wifi"
WIFI_PASSWORD = "canary-wifi-pass"

RULES = """
[groups]
all = ["plug", "lamp"]
[rules.porch-at-dusk]
devices = ["lamp"]
when.sunset = { offset = "-15m" }
set = { on = true, brightness = 40 }
[rules.plug-off]
devices = ["plug"]
when.time = { at = 22:00:00 }
set = { on = false }
[rules.tick]
devices = ["plug", "lamp"]
when.every = { interval = "6h" }
set = { on = true }
executor = "daemon"
"""

HEX = ("key", "iv", "sig", "base", "secret")  # of a session, as it is kept


def spellings(secret: bytes) -> set[bytes]:
    """Return a secret as it is, in hex, in base64 wherever it begins, and as an address has it."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), quote(secret, safe="").encode()}
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret)
        found.add(text[(0, 2, 3)[before] : 8 * (before + len(secret)) // 6])  # what its neighbours do not change
    return found


def account() -> dict[str, bytes]:
    """Return what the account gives away."""
    user, password = USERNAME.encode(), PASSWORD.encode()
    secrets = {
        "e-mail": user,
        "password": password,
        "Wi-Fi password": WIFI_PASSWORD.encode(),
        "owner": hashlib.md5(user).digest(),
        "hash of the e-mail": hashlib.sha1(user).digest(),
        "hash of the password": hashlib.sha1(password).digest(),
        "KLAP's hash": hashlib.sha256(hashlib.sha1(user).digest() + hashlib.sha1(password).digest()).digest(),
    }
    return secrets | {"e-mail in small letters": user.lower()}


def places() -> dict[str, bytes]:
    """Return where the house is, as files, devices and people write it."""
    found = {}
    for name, degrees in zip(("latitude", "longitude"), SITE, strict=True):
        digits = f"{abs(degrees)}"
        found[name] = digits[:6].encode()  # rounded, too
        found[f"{name} of the device"] = str(round(abs(degrees) * 10_000)).encode()
    return found | {
        "Wi-Fi": OWN_SSID.encode(),
        "BSSID": BSSID.encode(),
        "BSSID in small letters": BSSID.lower().encode(),
    }


class House(SimpleNamespace):
    """A home with three devices.  secrets: what has to stay here, by name.  heard: all that libraries logged."""

    home: Path
    devices: dict[str, Device]
    secrets: dict[str, bytes]
    printed: list[tuple[str, str]]
    heard: io.StringIO

    def learn_sessions(self) -> None:
        """Take the sessions that are kept now among the secrets."""
        folder = self.home / "state" / FOLDER
        if not (folder / "key").exists():
            return
        vault = Vault((folder / "key").read_bytes())
        self.secrets["the key of the sessions"] = (folder / "key").read_bytes().strip()
        for path in folder.glob("*.json"):
            sealed = json.loads(path.read_bytes()).get("session")
            for name, value in (vault.unseal(sealed) or {}).items() if sealed else ():
                if name in HEX:
                    self.secrets[f"{name} {value[:6]}"] = bytes.fromhex(value)
                elif name in ("cookie", "path", "stok") and value:
                    self.secrets[f"{name} {value[-6:]}"] = value.split("=")[-1].encode()

    def told(self, text: str, where: str, *, but: tuple[str, ...] = ()) -> None:
        self.search(text.encode(), where, but)

    def search(self, content: bytes, where: str, but: tuple[str, ...] = ()) -> None:
        for name, secret in self.secrets.items():
            if name in but:
                continue
            for spelling in spellings(secret):
                if len(spelling) >= 5:
                    assert spelling not in content, f"{name} as {spelling!r} is in {where}"

    def search_files(self) -> None:
        """Search all that is kept; the rules are the user's own."""
        searched = 0
        for path in self.home.rglob("*"):
            if path.is_file() and path.name not in ("rules.toml", "broken.toml"):
                but = ("the key of the sessions",) if path.name == "key" else ()
                self.search(path.read_bytes(), str(path), but)
                searched += 1
        assert searched > 3


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    for name in [name for name in os.environ if name.startswith(("TAPO_", "XDG_")) and name != "TAPO_FIXTURES"]:
        monkeypatch.delenv(name)
    settings = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "user-state"),
        "TAPO_WIFI_PASSWORD": WIFI_PASSWORD,
    }
    settings |= {"TAPO_AUTOMATE_DISCOVERY": "127.0.0.1", "TAPO_AUTOMATE_SPACING": "0s"}
    settings |= {"TAPO_AUTOMATE_STATE": str(tmp_path / "state"), "TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    heard = io.StringIO()
    ear = logging.StreamHandler(heard)
    root = logging.getLogger()
    before = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    text = f'[site]\ntimezone = "Australia/Melbourne"\nlatitude = {SITE[0]}\nlongitude = {SITE[1]}\n'
    with Fleet() as fleet:
        devices = {}
        for name, (model, transport) in DEVICES.items():
            device = fleet.add(model, transport=transport, on=True, discovery="127.0.0.1:0", **ACCOUNT)
            device.set_location(*SITE)
            appliance = device._core.appliance
            with device._core.lock:
                appliance.info["ssid"] = base64.b64encode(OWN_SSID.encode()).decode()
                row = {"bssid": BSSID, "channel": 6, "cipher_type": 2, "key_type": "wpa2_psk", "signal_level": 2}
                row |= {"ssid": base64.b64encode(SSID.encode()).decode()}
                scan = {"ap_list": [row], "start_index": 0, "sum": 1, "wep_supported": False}
                appliance.replies["get_wireless_scan_info"] = scan
            driver = "tapo-bulb" if name == "lamp" else "tapo-plug"
            text += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{device.address}"\n'
            devices[name] = device
        (tmp_path / "rules.toml").write_text(text + RULES)
        yield House(home=tmp_path, devices=devices, secrets=account() | places(), heard=heard)
    root.removeHandler(ear)
    root.setLevel(before)


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command line in this process, and search what it says; what went wrong inside is searched too."""

    def it(*words: str, but: tuple[str, ...] = (), **more: str) -> SimpleNamespace:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["tapo-automate", *words])
            patched.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115  # nobody is there to be asked
            for name, value in more.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
            sys.stdin.close()
        out, err = capsys.readouterr()
        house.learn_sessions()
        where = f"the output of {' '.join(words)}"
        house.told(out + err, where, but=but)
        chain = "".join(traceback.format_exception(ended.value))
        house.told(chain, f"the traceback of {' '.join(words)}", but=but)
        return SimpleNamespace(code=ended.value.code or 0, out=out, err=err)

    return it


COMMANDS = """
check
forecast
next
explain porch-at-dusk
plugins
schema
status
status --json
on plug lamp strip/1
off plug --json
set lamp --brightness 30 --transition 1s
countdown plug 45m off
countdown plug
info {device}
info {device} --json
usage {device}
clock {device}
firmware {device} --check
led {device}
call {device} get_device_info
call {device} get_device_info --json
call {device} get_wireless_scan_info {{"start_index":0}}
call {device} get_device_running_info
call {device} get_matter_setup_info
call {device} get_inherit_info
call {device} no_such_method
call strip get_child_device_list
call strip/1 get_device_info
call {device} set_device_info {{"latitude":-374826}} --dry-run
call {device} set_wireless_info {{"password":"canary-wifi-pass","ssid":"x"}} --dry-run --yes-i-know
energy plug
discover --target {ear} --json --timeout 1
discover --target {ear} --timeout 1
doctor -v
doctor --json
sync plan
sync plan --json
sync plan -o saved.plan
sync apply saved.plan --yes
sync backup
sync restore lamp --yes
sync drift
sync adopt --dry-run
sync adopt -o adopted.toml --yes
sync refresh
reboot lamp
history
why plug
"""


def test_no_command_tells_what_is_secret_or_private(house: House, run: Any) -> None:
    ended: dict[str, int] = {}
    for line in COMMANDS.strip().splitlines():
        for name in DEVICES if "{device}" in line else ("plug",):
            words = line.format(device=name, ear=house.devices[name].discovery).split(" ")
            ended[" ".join(words)] = run(*words).code
        run("status", TAPO_AUTOMATE_KEEP_SESSIONS="0") if line.startswith("sync") else None
    assert len(house.secrets) > 20, "sessions were kept, and their keys looked for"
    assert sum(code == 0 for code in ended.values()) > 60, ended
    for name in DEVICES:
        run("wifi", name)
        run("wifi", name, "--json")
    house.told(house.heard.getvalue(), "what libraries log")
    house.search_files()


def test_what_is_asked_for_is_shown(house: House, run: Any) -> None:
    asked = tuple(places())
    for name in DEVICES:
        shown = run("call", name, "get_device_info", "--show-private", but=asked).out
        assert str(round(SITE[0] * 10_000)) in shown
        assert base64.b64encode(OWN_SSID.encode()).decode() in shown
        assert '"latitude": "…"' in run("call", name, "get_device_info").out
        assert BSSID in run("wifi", name, "--show-private", but=asked).out
        assert "37.48" in run("info", name, "--show-private", but=asked).out


FAULTS = (
    "403=always html=always garbage=always drop=always 500=always busy=always bad-signature=always 401.any=always "
    "html.any=always wrong-proof locked off-curve 429.any=always drop-after=always"
)


@pytest.mark.parametrize("faults", FAULTS.split())
def test_no_failure_does(house: House, run: Any, faults: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PATIENCE_S", (0.01,))
    run("status")
    for device in house.devices.values():
        device.set_faults(faults)
        device.forget_session()
    failed = [run("on", "plug", "lamp", "strip/1").code]
    for name in DEVICES:
        failed += [run("call", name, "get_device_info").code, run("info", name).code]
    assert any(failed), "the fault struck"
    run("doctor")
    house.told(house.heard.getvalue(), f"what libraries log at {faults}")
    house.search_files()


BROKEN = {
    "latitude = -37.48261": ["latitude = -374.8261", "latitude = '-37.48261'", "latitude = -37.48261 north"],
    "longitude = 145.93714": [
        "longitude = 1459.3714",
        "longitude = [145.93714]",
        "longitude = 145.93714\nlongitude = 145.93714",
    ],
}


@pytest.mark.parametrize(("line", "broken"), [(line, each) for line in BROKEN for each in BROKEN[line]])
def test_no_error_in_the_rules_shows_where_the_house_is(house: House, run: Any, line: str, broken: str) -> None:
    path = house.home / "rules.toml"
    good = path.read_text()
    assert line in good
    path.write_text(good.replace(line, broken))
    house.secrets |= {"latitude, moved": b"374.82", "longitude, moved": b"1459.3"}
    for words in (
        ["check"],
        ["check", "--format", "json"],
        ["check", "--format", "github"],
        ["status"],
        ["forecast"],
        ["run"],
    ):
        assert run(*words).code, words


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_daemon_tells_nothing_in_its_log_and_its_files(house: House, run: Any, style: str) -> None:
    path = house.home / "rules.toml"
    path.write_text(path.read_text().replace('interval = "6h"', 'interval = "1s"'))
    run("sync", "apply", "--yes")
    words = ("--log-level", "debug", "--log-format", style, "--look", "1", "--poll", "1", "--health", "127.0.0.1:0")
    with daemon(house.home, *words, PYTHONFAULTHANDLER="1", TAPO_AUTOMATE_SPACING="0s") as running:
        running.says("health is told at")
        running.until(lambda: sum("tick" in line for line in running.log) > 3)
        house.devices["plug"].set_faults("garbage=3x,403=2x,drop=2x")
        house.devices["lamp"].set_credentials("another@example.com", "another")
        house.devices["lamp"].forget_session()
        running.until(lambda: any("e-mail and password" in line for line in running.log))
        path.write_text(path.read_text().replace("latitude = -37.48261", "latitude = -374.8261"))
        running.send(signal.SIGHUP)
        running.says("were not reloaded")
        for place in ("/healthz", "/readyz", "/metrics"):
            house.told(running.ask(place)[1], place)
        for words in ("history", "why plug", "why lamp --json", "history --json"):
            run(*words.split(), "--state", str(running.state))
        running.send(signal.SIGABRT)  # a crash: where all threads were goes to the log
        running.process.wait(timeout=40)
    assert any("Current thread" in line for line in running.log)
    house.learn_sessions()
    house.secrets["latitude, moved"] = b"374.82"
    house.search_files()


def test_objects_show_nothing_of_what_they_hold(house: House, run: Any) -> None:
    """What a traceback with its variables, a debugger or a log would show of whatever is at work with a device."""
    credentials = Credentials(USERNAME, PASSWORD)
    house.told(repr(credentials), "credentials")
    for name, device in house.devices.items():
        client = connect(device.address, credentials)
        client.call("get_device_info")
        house.secrets |= {f"{name}'s {key}": _bytes(value) for key, value in _kept(client).items()}
        shown = "".join(_reprs(client, set()))
        assert device.address in shown
        house.told(shown, f"what is at work with {name}")
        client.close()


def test_a_text_of_others_loses_what_opens_a_session(capsys: pytest.CaptureFixture[str]) -> None:
    from tapo_automate.cli.log import set_up_log

    before = logging.getLogger("tapo_automate").handlers[:]
    try:
        for style in ("text", "json"):
            set_up_log(style, "debug", ZoneInfo("UTC"))
            try:
                raise OSError("Max retries exceeded with url: /app?token=0AF1CANARY (Caused by …/stok=0AF1CANARY/ds)")
            except OSError:
                logging.getLogger("tapo_automate").exception("Cookie: TP_SESSIONID=0AF1CANARY;TIMEOUT=86400")
    finally:
        logging.getLogger("tapo_automate").handlers[:] = before
        logging.getLogger("tapo_automate").propagate = True
    said = capsys.readouterr().err
    assert "url: /app?token=… (Caused by …/stok=…/ds)" in said
    assert "CANARY" not in said


@pytest.mark.parametrize("name", [*account(), *places()])
def test_the_search_finds_what_it_looks_for(tmp_path: Path, name: str) -> None:
    house = House(home=tmp_path, secrets=account() | places())
    secret = house.secrets[name]
    for text in (secret, base64.b64encode(b"ab" + secret + b"c"), secret.hex().encode(), quote(secret).encode()):
        with pytest.raises(AssertionError, match="is in a file"):
            house.search(b"before " + text + b" after", "a file")


def _kept(client: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in client._session.keep().items()
        if name in (*HEX, "cookie", "path", "stok") and value
    }


def _bytes(value: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        return value.split("=")[-1].encode()


def _reprs(value: Any, seen: set[int]) -> Iterator[str]:
    """Yield how objects of ours show themselves, and all that is in those without words of their own for it."""
    if id(value) in seen or not type(value).__module__.startswith("tapo_automate"):
        return
    seen.add(id(value))
    yield repr(value) + "\n"
    names = [*getattr(value, "__dict__", {}), *getattr(type(value), "__slots__", ())]
    for name in names:
        inner = getattr(value, name, None)
        for each in inner if isinstance(inner, list | tuple) else [inner]:
            yield from _reprs(each, seen)
