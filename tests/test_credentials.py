"""Where credentials are looked for, and that they are never shown."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest

from tapo_automate import ConfigError, Credentials, DeviceSpec
from tapo_automate.credentials import StoredCredentials

PORCH = DeviceSpec("porch", "tapo-bulb", "127.0.0.1:9")


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", 'username = "file"\npassword = "f"\n')
    environ = {"TAPO_USERNAME": "Me@Example.com", "TAPO_PASSWORD": " spaced "}
    assert StoredCredentials(environ, path).find_credentials(PORCH) == Credentials("Me@Example.com", " spaced ")
    assert StoredCredentials({}, path).find_credentials(PORCH) == Credentials("file", "f")


def test_a_file_may_hold_other_credentials_for_one_device(tmp_path: Path) -> None:
    text = 'username = "a"\npassword = "b"\n[devices.porch]\nusername = "p"\npassword = "q"\n'
    reader = StoredCredentials({}, write(tmp_path / "c.toml", text))
    assert reader.find_credentials(PORCH) == Credentials("p", "q")
    assert reader.find_credentials(DeviceSpec("other", "tapo-bulb", "h")) == Credentials("a", "b")


def test_a_file_that_systemd_keeps_may_show_the_group_s_right(tmp_path: Path) -> None:
    """With an access list for the service's user, which `stat` shows as 0440."""
    path = write(tmp_path / "credentials.toml", 'username = "a"\npassword = "b"\n', 0o440)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert StoredCredentials(environ, path).find_credentials(PORCH) == Credentials("a", "b")
    for elsewhere in ({}, {"CREDENTIALS_DIRECTORY": str(tmp_path / "other")}):
        with pytest.raises(ConfigError, match="others can read it"):
            StoredCredentials(elsewhere, path).find_credentials(PORCH)
    path.chmod(0o444)
    with pytest.raises(ConfigError, match="others can read it"):
        StoredCredentials(environ, path).find_credentials(PORCH)


def test_no_file_and_nothing_set_is_nobody_knows(tmp_path: Path) -> None:
    assert StoredCredentials({}, tmp_path / "none.toml").find_credentials(PORCH) is None


@pytest.mark.parametrize(
    ("environ", "text", "mode", "message"),
    [
        ({"TAPO_PASSWORD": "x"}, None, 0, "TAPO_PASSWORD is set, but TAPO_USERNAME is not"),
        (
            {"TAPO_USERNAME": "x"},
            None,
            0,
            "TAPO_USERNAME is set, but TAPO_PASSWORD is not, and no file or keyring holds a password",
        ),
        ({}, 'username = "a"\npassword = "b"\n', 0o644, "{path}: others can read it; run chmod 600 on it"),
        ({}, 'username = "a"\n', 0o600, '{path}: it should hold both username = "…" and password = "…"'),
        *(
            ({}, text, 0o600, "{path}: write a table [devices.NAME] for a device with an account of its own")
            for text in ('devices = "porch"\n', '[devices]\nporch = "hunter2"\n')
        ),
        (
            {},
            "password = hunter2\n",
            0o600,
            '{path}: not valid TOML; it should hold username = "…" and password = "…"',
        ),
    ],
)
def test_half_a_pair_or_a_bad_file_is_said_plainly(
    tmp_path: Path, environ: dict[str, str], text: str | None, mode: int, message: str
) -> None:
    path = tmp_path / "c.toml"
    if text is not None:
        write(path, text, mode)
    with pytest.raises(ConfigError) as caught:
        StoredCredentials(environ, path).find_credentials(PORCH)
    assert str(caught.value) == message.format(path=path)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        StoredCredentials({}, tmp_path / "c.toml", must_exist=True).find_credentials(PORCH)
    assert str(caught.value) == f"{tmp_path / 'c.toml'}: there is no such credentials file"


def test_a_repr_shows_neither_name_nor_password() -> None:
    assert repr(Credentials("me@example.com", "hunter2")) == "Credentials()"


class FakeKeyring:
    """What the keyring package offers, over a dict."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words

    def get_password(self, service: str, username: str) -> str | None:
        assert service == "tapo-automate"
        return self.words.get(username)

    def get_credential(self, service: str, username: str | None) -> Credentials | None:
        return next((Credentials(*item) for item in self.words.items()), None)


def test_the_keyring_is_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeKeyring({"me": "ring"})
    monkeypatch.setattr(keyring, "get_password", fake.get_password)
    monkeypatch.setattr(keyring, "get_credential", fake.get_credential)
    nowhere = tmp_path / "none.toml"
    assert StoredCredentials({}, nowhere).find_credentials(PORCH) == Credentials("me", "ring")
    assert StoredCredentials({"TAPO_USERNAME": "me"}, nowhere).find_credentials(PORCH) == Credentials("me", "ring")
