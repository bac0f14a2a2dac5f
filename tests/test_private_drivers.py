"""Drivers of others, that tell what they were given."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from cli.running import daemon, install
from cli.terminal import tapo_automate
from tapo_automate import hookimpl
from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConfigError, DeviceError
from tapo_automate.registry import Registry
from tapo_automate.wire.private import cleaned, hide, scrubbed

BLABBER = """
from urllib.parse import quote
from tapo_automate import DeviceError, hookimpl


class Blab:
    name = "blab"

    def open(self, spec, credentials):
        self.account = credentials
        return self

    def state(self):
        raise {error}

    describe = state

    def apply(self, setting):
        self.state()

    def power_w(self):
        self.state()

    def call(self, method, params=None):
        self.state()

    host = "10.0.0.9"

    def close(self):
        pass


@hookimpl
def register_drivers():
    return [Blab()]
"""

RULES = 'site.timezone = "UTC"\n[devices.it]\ndriver = "blab"\nhost = "10.0.0.9"\n'
OFTEN = '[rules.often]\ndevices = ["it"]\nwhen.every = { interval = "1s" }\nset = { on = true }\nwithin = "1s"\n'


@pytest.mark.parametrize(
    "error",
    [
        'RuntimeError(f"POST /login user={self.account.username}&pw={quote(self.account.password)}")',
        'DeviceError("10.0.0.9", f"no {self.account!s} {self.account.username} with {self.account.password}")',
    ],
)
def test_a_driver_of_others_that_tells_what_it_was_given_is_not_repeated(tmp_path: Path, error: str) -> None:
    secret = {"TAPO_USERNAME": "somebody+home@example.com", "TAPO_PASSWORD": "canary: of a house"}
    (tmp_path / "rules.toml").write_text(RULES + OFTEN)
    path = install(tmp_path, "blabber", BLABBER.replace("{error}", error))
    done = tapo_automate("status", home=tmp_path, PYTHONPATH=path, **secret)
    assert done.returncode == 3
    assert "with …" in done.stderr + done.stdout or "pw=…" in done.stderr + done.stdout
    with daemon(tmp_path, "--log-level", "debug", PYTHONPATH=path, **secret) as running:
        running.until(lambda: sum("often" in line for line in running.log) > 2)
        assert running.stop() == 0
    told = "".join([done.stdout, done.stderr, *running.log])
    told += tapo_automate("history", "--json", "--state", str(running.state), home=tmp_path).stdout
    files = b"".join(path.read_bytes() for path in running.state.rglob("*") if path.is_file())
    for word in secret.values():
        assert word not in told
        assert quote(word) not in told
        assert word.encode() not in files


ACCOUNT = Credentials("Jöhn.Canary+home@Example.com", 'pä"ss\\Wörd-9&x')
SECRET = {"TAPO_USERNAME": ACCOUNT.username, "TAPO_PASSWORD": ACCOUNT.password}


@pytest.mark.parametrize(
    ("words", "error", "code", "told"),
    [
        ("call it foo", "RuntimeError", 2, "tapo-automate: plugin 'blabber': RuntimeError: no … with …\n"),
        ("call it foo", "device", 3, "tapo-automate: it: 10.0.0.9: no … with …\n"),
        ("call it foo", "SystemExit", 2, "tapo-automate: plugin 'blabber': SystemExit: no … with …\n"),
        ("info it", "device", 3, "tapo-automate: it: 10.0.0.9: no … with …\n"),
        ("info it", "SystemExit", 1, "tapo-automate: no … with …\n"),
        ("doctor", "device", 1, "  ✗ reachable    no … with …\n"),
        ("doctor --json", "device", 1, '"text": "no … with …"'),
    ],
)
def test_no_command_repeats_what_a_driver_tells(tmp_path: Path, words: str, error: str, code: int, told: str) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    text = 'f"no {self.account.username} with {self.account.password}"'
    raised = f'DeviceError("10.0.0.9", {text})' if error == "device" else f"{error}({text})"
    path = install(tmp_path, "blabber", BLABBER.replace("{error}", raised))
    done = tapo_automate(*words.split(), home=tmp_path, PYTHONPATH=path, **SECRET)
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert not hidden_in(done.stdout + done.stderr)


def test_a_mistake_is_shown_whole_but_for_what_is_secret(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    error = 'KeyError(f"{self.account.username} {self.account.password}")'
    path = install(tmp_path, "blabber", BLABBER.replace("{error}", error))
    done = tapo_automate("info", "it", home=tmp_path, PYTHONPATH=path, **SECRET)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert "in state" in done.stderr
    assert done.stderr.endswith("KeyError: '… …'\n")
    assert not hidden_in(done.stderr)


def test_what_plugins_log_and_their_threads_are_lines_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES + OFTEN)
    stray = (
        "__import__('logging').getLogger('theirs').warning('sent %s', self.account.password), "
        "__import__('warnings').warn('old ' + self.account.username), "
        "__import__('threading').Thread(target=lambda: {}[self.account.password], name='theirs').start()"
    )
    source = BLABBER.replace("raise {error}", f"{stray}; raise DeviceError('10.0.0.9', 'is away')")
    path = install(tmp_path, "blabber", source)
    with daemon(tmp_path, "--log-format", "json", "--look", "1", PYTHONPATH=path, **SECRET) as running:
        running.until(lambda: any("is away" in line for line in running.log))
        running.until(lambda: any("the thread theirs" in line for line in running.log))
        assert running.stop() == 0
    told = {event["message"]: event for event in running.events}  # each line is JSON
    assert "sent …" in told
    assert any("UserWarning: old …" in message for message in told)
    assert told["unexpected error in the thread theirs"]["traceback"].endswith("KeyError: '…'")
    assert not hidden_in("\n".join(running.log))


def hidden_in(told: str) -> list[str]:
    """Return what of the account is in a text, however it is spelt there."""
    plain = [ACCOUNT.username, ACCOUNT.password]
    spelt = [json.dumps(each)[1:-1] for each in plain] + [repr(each)[1:-1] for each in plain]
    return [each for each in plain + spelt + [quote(each) for each in plain] if each in told]


def sha1_of(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


USER, PASSWORD = ACCOUNT.username, ACCOUNT.password


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (json.dumps({"u": USER, "p": PASSWORD}), '{"u": "…", "p": "…"}'),
        (repr([USER, PASSWORD]), "['…', '…']"),
        (repr(USER.encode()), "b'…'"),
        (urlencode({"u": USER, "p": PASSWORD}), "u=…&p=…"),
        (USER.lower(), "…"),
        (f"Basic {base64_of(f'{USER}:{PASSWORD}')}!", None),
        (PASSWORD.encode().hex(), "…"),
        (f"{sha1_of(USER)} {sha1_of(PASSWORD).upper()}", "… …"),
        (f"login {base64_of(sha1_of(USER))} {base64_of(sha1_of(PASSWORD))}", None),
        (hashlib.md5(USER.encode()).hexdigest().upper(), "…"),
        (
            hashlib.sha256(bytes.fromhex(sha1_of(USER) + sha1_of(PASSWORD))).hexdigest(),
            "…",
        ),
        ("token=0AF1CANARY {'stok': '0AF1CANARY'} TP_SESSIONID=0AF1CANARY;TIMEOUT=1", None),
        ('{"latitude": -374826, "ssid": "Y2FuYXJ5", "on": true}', '{"latitude": …, "ssid": …, "on": true}'),
        (r'sent "{\"ssid\":\"my home\",\"owner\":null}"', r'sent "{\"ssid\":…,\"owner\":null}"'),
        ("Info(latitude_deg=49.7, on=True, ssid='my home')", "Info(latitude_deg=…, on=True, ssid=…)"),
        ('{"account": {"username": "me", "password": "a b"}}', '{"account": {"username": …, "password": …}}'),
    ],
)
def test_a_text_of_others_loses_what_is_private_however_it_is_spelt(text: str, left: str | None) -> None:
    hide(ACCOUNT)
    found = scrubbed(text)
    assert "…" in found
    assert "CANARY" not in found
    assert not hidden_in(found)
    if left is not None:
        assert found == left
    for secret in re.findall(r"[\w+/]{24,}", text):  # what was base64 there: its middle is not left
        assert secret[4:20] not in found


def test_sentences_of_ours_stay_whole() -> None:
    hide(ACCOUNT)
    for text in (
        'it should hold username = "…" and password = "…"',
        "set TAPO_USERNAME and TAPO_PASSWORD: the account's e-mail and password",
        'the device is busy: ask it less often, by options = { spacing = "1s" } in its rule file',
    ):
        assert scrubbed(text) == text


def test_an_error_is_cleaned_whole() -> None:
    hide(ACCOUNT)
    error = cleaned(DeviceError("10.0.0.9", f"no {PASSWORD}"))
    assert (str(error), error.problem, error.host) == ("10.0.0.9: no …", "no …", "10.0.0.9")
    assert str(cleaned(ConfigError({"password": PASSWORD}))) == "{'password': …}"


class Safe:
    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
        raise ConfigError('the safe is shut: POST {"token": "canary-of-the-safe"}')


def test_what_a_safe_for_passwords_tells_is_cleaned_too() -> None:
    with pytest.raises(ConfigError) as raised:
        Registry({"safe": Safe()}).credentials(DeviceSpec("it", "tapo-plug", "10.0.0.9"))
    assert str(raised.value) == 'the safe is shut: POST {"token": …}'


def test_texts_without_end_are_searched_soon() -> None:
    hide(ACCOUNT)
    begun = time.monotonic()
    for text in ("a" * 100_000, "password" * 20_000, '"password":"' * 10_000, 'password="' * 10_000, "\\" * 100_000):
        scrubbed(text)
    assert time.monotonic() - begun < 10


def test_a_word_is_not_taken_out_of_sentences() -> None:
    hide(Credentials("me@example.com", "another"))
    assert scrubbed("me@example.com: another device answers") == "…: another device answers"
    hide(Credentials("me@example.com", "an0ther"))
    assert scrubbed("pw=an0ther, bWVAZXhhbXBsZS5jb20, me%40example.com, another") == "pw=…, …, …, another"


def test_what_no_sentence_holds_is_taken_out_although_it_is_of_letters() -> None:
    hide(Credentials("me@example.com", "CanaryOfTheHouse"))
    hide(Credentials("me@example.com", "correcthorsebattery"))
    assert scrubbed("CanaryOfTheHouse, correcthorsebattery, canary of the house") == "…, …, canary of the house"
    hide(Credentials("me@example.com", "another"))
    assert scrubbed('another {"password": "another"} password=another') == 'another {"password": …} password=…'


def test_the_options_of_a_device_are_not_in_its_repr() -> None:
    spec = DeviceSpec("it", "theirs", "10.0.0.9", options={"api_key": "canary-key"})
    assert "canary" not in repr(spec)
    assert "10.0.0.9" in repr(spec)
