"""Drivers of others, that tell what they were given."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from cli.running import daemon, install
from cli.terminal import tapo_automate
from tapo_automate.device import Credentials
from tapo_automate.wire.private import hide, scrubbed

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

    def close(self):
        pass


@hookimpl
def register_drivers():
    return [Blab()]
"""


@pytest.mark.parametrize(
    "error",
    [
        'RuntimeError(f"POST /login user={self.account.username}&pw={quote(self.account.password)}")',
        'DeviceError("10.0.0.9", f"no {self.account!s} {self.account.username} with {self.account.password}")',
    ],
)
def test_a_driver_of_others_that_tells_what_it_was_given_is_not_repeated(tmp_path: Path, error: str) -> None:
    secret = {"TAPO_USERNAME": "somebody+home@example.com", "TAPO_PASSWORD": "canary: of a house"}
    (tmp_path / "rules.toml").write_text(
        'site.timezone = "UTC"\n[devices.it]\ndriver = "blab"\nhost = "10.0.0.9"\n'
        '[rules.often]\ndevices = ["it"]\nwhen.every = { interval = "1s" }\nset = { on = true }\nwithin = "1s"\n'
    )
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


def test_a_word_is_not_taken_out_of_sentences() -> None:
    hide(Credentials("me@example.com", "another"))
    assert scrubbed("me@example.com: another device answers") == "…: another device answers"
    hide(Credentials("me@example.com", "an0ther"))
    assert scrubbed("pw=an0ther, bWVAZXhhbXBsZS5jb20, me%40example.com, another") == "pw=…, …, …, another"
