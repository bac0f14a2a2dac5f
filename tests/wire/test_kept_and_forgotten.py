"""A client whose session is forgotten while the memory holds another, which may be forgotten too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tapo_automate.wire.memory import ShortMemory
from wire.peers import KlapPeer, lost_after, status


class Keeps(ShortMemory):
    """Holds the sessions that other processes have given, the latest last."""

    def __init__(self, *kept: Mapping[str, Any]) -> None:
        super().__init__()
        self.kept = list(kept)

    def take_session(self) -> Mapping[str, Any] | None:
        return self.kept.pop() if self.kept else None

    def give_session(self, kept: Mapping[str, Any]) -> None:
        self.kept.append(kept)


def a_session_with(peer: KlapPeer) -> Mapping[str, Any]:
    memory = Keeps()
    client = peer.client(memory=memory)
    client.call("get_device_info")
    client.close()
    return memory.kept[0]


@pytest.mark.parametrize("method", ["get_device_info", "add_schedule_rule"])
def test_both_forgotten_cost_one_handshake(method: str) -> None:
    peer, memory = KlapPeer(), Keeps()
    client = peer.client(memory=memory)
    client.call("get_device_info")
    memory.kept = [a_session_with(peer)]
    peer.logins, peer.faults, peer.done = 0, [status(403), status(403)], []
    client.call(method)
    assert (peer.logins, peer.done, memory.kept) == (1, [method], [])


def test_one_that_another_process_gave_is_gone_on_with() -> None:
    peer, memory = KlapPeer(), Keeps()
    client = peer.client(memory=memory)
    client.call("get_device_info")
    memory.kept = [a_session_with(peer)]
    peer.logins, peer.faults, peer.done = 0, [status(403)], []
    client.call("add_schedule_rule")
    assert (peer.logins, peer.done) == (0, ["add_schedule_rule"])


def test_a_device_that_forgets_all_is_not_logged_in_to_twice() -> None:
    peer, memory = KlapPeer(), Keeps()
    client = peer.client(memory=memory)
    client.call("get_device_info")
    memory.kept = [a_session_with(peer)] * 5
    peer.logins, peer.faults, peer.done = 0, [status(403)] * 9, []
    with pytest.raises(Exception, match="right after a login"):
        client.call("get_device_info")
    assert (peer.logins, len(peer.faults), len(memory.kept)) == (1, 6, 4)


def test_an_answer_that_is_lost_after_a_kept_session_was_is_asked_for_once_more() -> None:
    peer = KlapPeer()
    memory = Keeps(a_session_with(peer))
    client = peer.client(memory=memory)
    peer.logins, peer.faults, peer.done = 0, [status(403), lost_after], []
    client.call("get_device_info")
    assert (peer.logins, peer.done) == (1, ["get_device_info"] * 2)
