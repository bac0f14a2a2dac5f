"""When a device is asked several things in one request, and when no longer."""

from __future__ import annotations

import pytest

from tapo_automate.errors import Unreachable
from tapo_automate.wire.memory import ShortMemory
from wire.peers import KlapPeer, timed_out_after

READS = [("get_device_info", None), ("get_device_time", None)]


def test_a_device_that_was_off_when_it_was_asked_takes_batches_as_before() -> None:
    peer, memory = KlapPeer(), ShortMemory()
    client = peer.client(memory=memory)
    client.call("get_device_info")
    peer.faults = [Unreachable("10.0.0.5", "no connection within 3 s; is it switched on, and in this network?")]
    with pytest.raises(Unreachable):
        client.multiple(READS)
    client.close()
    assert memory.known().batches
    peer.done.clear()
    client.multiple(READS)
    assert peer.done == ["multipleRequest", "get_device_info", "get_device_time"]


def test_one_that_hangs_on_a_batch_gets_none_any_more() -> None:
    peer, memory = KlapPeer(), ShortMemory()
    client = peer.client(memory=memory)
    peer.faults = [timed_out_after]
    with pytest.raises(Unreachable):
        client.multiple(READS)
    client.close()
    assert not memory.known().batches
    peer.done.clear()
    peer.client(memory=memory).multiple(READS)
    assert peer.done == ["get_device_info", "get_device_time"]
