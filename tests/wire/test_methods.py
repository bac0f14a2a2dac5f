"""Which methods may be repeated, which share a request, which are dangerous."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Any, ClassVar

import pytest

import tapo_automate.wire
from tapo_automate.errors import Busy, Garbled, Refused, Unreachable, Unsupported
from tapo_automate.wire import DANGEROUS_METHODS, dangerous_method, is_repeatable
from wire.peers import AesPeer, KlapPeer, Peer, status


@pytest.mark.parametrize(
    "method",
    [
        "get_device_info",
        "component_nego",
        "qs_component_nego",
        "heart_beat",
        "set_device_info",
        "set_led_info",
        "remove_countdown_rules",
        "apply_segment_effect_rule",
    ],
)
def test_reads_and_absolute_settings_may_be_repeated(method: str) -> None:
    assert is_repeatable(method)


@pytest.mark.parametrize(
    "method",
    [
        "add_schedule_rule",
        "edit_schedule_rule",
        "remove_schedule_rules",
        "add_countdown_rule",
        "edit_countdown_rule",
        "remove_antitheft_rules",
        "device_reboot",
        "device_reset",
        "fw_download",
        "set_wireless_info",
        "set_qs_info",
        "exec_atcmd",
        "something_new",
        "",
    ],
)
def test_all_else_may_not(method: str) -> None:
    assert not is_repeatable(method)


@pytest.mark.parametrize(
    ("inner", "repeatable"),
    [({"method": "get_device_info"}, True), ({"method": "add_x"}, False), ({}, False), (None, False), (7, False)],
)
def test_a_wrapper_may_be_repeated_if_what_it_wraps_may(inner: Any, repeatable: bool) -> None:
    assert is_repeatable("control_child", {"device_id": "1", "requestData": inner}) is repeatable
    assert is_repeatable("multipleRequest", {"requests": [{"method": "get_led_info"}, inner]}) is repeatable
    nested = {"method": "multipleRequest", "params": {"requests": [inner]}}
    assert is_repeatable("control_child", {"requestData": nested}) is repeatable


@pytest.mark.parametrize(
    ("method", "params", "danger"),
    [
        ("device_reset", None, "device_reset"),
        ("get_device_info", {"method": "device_reset"}, None),
        ("multipleRequest", {"requests": [{"method": "get_led_info"}, {"method": "fw_download"}]}, "fw_download"),
        ("multipleRequest", {"requests": "device_reset"}, None),
        ("multipleRequest", {"requests": [None, 7, {"method": ["device_reset"]}]}, None),
        ("control_child", {"device_id": "1", "requestData": {"method": "device_reset"}}, "device_reset"),
        (
            "control_child",
            {"requestData": {"method": "multipleRequest", "params": {"requests": [{"method": "set_qs_info"}]}}},
            "set_qs_info",
        ),
    ],
)
def test_a_dangerous_method_is_found_inside_an_envelope(method: str, params: Any, danger: str | None) -> None:
    assert dangerous_method(method, params) == danger


def test_the_dangerous_methods_come_with_a_reason() -> None:
    named = {"device_reset", "fw_download", "set_qs_info", "set_wireless_info", "set_inherit_info", "exec_atcmd"}
    assert named <= DANGEROUS_METHODS.keys()
    assert all(len(why) > 20 for why in DANGEROUS_METHODS.values())


class TestBatches:
    CALLS: ClassVar[list[tuple[str, dict[str, Any] | None]]] = [
        ("get_device_info", None),
        ("get_led_info", {"a": 1}),
        ("get_device_time", None),
    ]

    @pytest.mark.parametrize("kind", [KlapPeer, AesPeer])
    def test_reads_share_a_request(self, kind: type[Peer]) -> None:
        peer = kind()
        answers = peer.client().multiple(self.CALLS)
        assert answers == [{"asked": name} for name, _ in self.CALLS]
        assert peer.done == ["multipleRequest", *(name for name, _ in self.CALLS)]

    def test_writes_and_tables_go_singly_in_their_order(self) -> None:
        peer = KlapPeer()
        peer.client().multiple(
            [("get_a", None), ("set_b", None), ("get_schedule_rules", None), ("get_c", None), ("get_d", None)]
        )
        assert peer.done == ["get_a", "set_b", "get_schedule_rules", "multipleRequest", "get_c", "get_d"]

    def test_no_more_than_five_share_one(self) -> None:
        peer = KlapPeer()
        peer.client().multiple([(f"get_{i}", None) for i in range(7)])
        assert peer.done.count("multipleRequest") == 2

    def test_each_has_an_outcome_of_its_own(self) -> None:
        peer = KlapPeer()
        peer.codes = {"get_led_info": [-1002], "get_device_time": [-1008]}
        first, second, third = peer.client().multiple(self.CALLS)
        assert first == {"asked": "get_device_info"}
        assert isinstance(second, Unsupported)
        assert isinstance(third, Refused)

    @pytest.mark.parametrize("code", [1200, -1003, -1002, -1006, -1])
    def test_a_device_that_refuses_batches_is_asked_singly_from_then_on(self, code: int) -> None:
        peer = KlapPeer()
        peer.codes["multipleRequest"] = [code]
        client = peer.client()
        for _ in range(2):
            assert client.multiple(self.CALLS) == [{"asked": name} for name, _ in self.CALLS]
        assert peer.done.count("multipleRequest") == 1

    def test_what_a_batch_left_out_is_asked_singly(self) -> None:
        class Stops(KlapPeer):
            def carry_out(self, plain: bytes) -> bytes:
                if b"multipleRequest" in plain:
                    only = b'{"method":"get_device_info","error_code":0,"result":{}}'
                    return b'{"error_code":0,"result":{"responses":[%s]}}' % only
                return super().carry_out(plain)

        assert Stops().client().multiple(self.CALLS) == [{}, {"asked": "get_led_info"}, {"asked": "get_device_time"}]

    def test_a_device_that_hangs_on_a_batch_is_asked_singly_the_next_time(self) -> None:
        peer = KlapPeer()
        client = peer.client()
        peer.faults = [Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)]
        with pytest.raises(Unreachable):
            client.multiple(self.CALLS)
        assert len(client.multiple(self.CALLS)) == 3
        assert "multipleRequest" not in peer.done

    def test_a_device_that_garbles_what_comes_after_a_login_is_not_logged_in_to_for_each_call(self) -> None:
        class Mad(KlapPeer):
            def carry_out(self, _: bytes) -> bytes:
                return b"[]"

        for calls in (self.CALLS, [("set_a", None), ("set_b", None), ("set_c", None)]):
            peer = Mad()
            with pytest.raises(Garbled) as raised:
                peer.client().multiple(calls)
            assert raised.value.after_login
            assert peer.logins == 1

    def test_a_busy_device_is_not_asked_for_the_rest(self) -> None:
        peer = KlapPeer()
        peer.faults = [status(429)]
        with pytest.raises(Busy):
            peer.client().multiple(self.CALLS)
        assert peer.done == []


def test_the_examples_in_the_docstrings_are_true() -> None:
    tried = 0
    for module in pkgutil.iter_modules(tapo_automate.wire.__path__, "tapo_automate.wire."):
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0
        tried += result.attempted
    assert tried > 8
