"""What hides sessions, and marks accounts without giving them away."""

from __future__ import annotations

import pytest

from tapo_automate.device import Credentials
from tapo_automate.wire.vault import Vault

KEPT = {"transport": "klap", "cookie": "canary-cookie", "sequence": 7}


def test_what_was_sealed_is_read_with_the_same_key_alone() -> None:
    key = Vault.new_key()
    sealed = Vault(key).seal(KEPT)
    assert Vault(key).unseal(sealed) == KEPT
    assert Vault(Vault.new_key()).unseal(sealed) is None
    assert "canary" not in sealed
    assert "canary" not in repr(Vault(key))
    assert key.decode() not in repr(Vault(key))


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: "A" + text, lambda text: text.swapcase()])
def test_what_was_changed_is_not_read(change: object) -> None:
    vault = Vault(Vault.new_key())
    assert callable(change)
    assert vault.unseal(change(vault.seal(KEPT))) is None


@pytest.mark.parametrize("text", ["", "x", "é", "\ud800", "gAAAAA=="])
def test_what_was_never_sealed_is_not_read(text: str) -> None:
    assert Vault(Vault.new_key()).unseal(text) is None


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 44, b"\xff" * 32])
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError):
        Vault(key)


def test_a_mark_tells_accounts_apart_and_is_too_short_to_find_one_by() -> None:
    vault, other = Vault(Vault.new_key()), Vault(Vault.new_key())
    accounts = [Credentials(f"me{number}@example.com", "secret") for number in range(50)]
    marks = [vault.mark(account) for account in accounts]
    assert marks == [vault.mark(account) for account in accounts]
    assert {len(mark) for mark in marks} == {4}
    assert len(set(marks)) > 45, "one in 65,536 has the same"
    assert marks != [other.mark(account) for account in accounts], "nobody without the key can compare"
    assert vault.mark(None) != vault.mark(accounts[0])
    assert vault.mark(Credentials("a", "bc")) != vault.mark(Credentials("ab", "c"))
    assert vault.mark(Credentials("me", "\udcff")), "bytes of the environment that are no UTF-8"
