"""What the client repeats, and what it never does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.errors import (
    Busy,
    ConnectionLost,
    DeviceError,
    Garbled,
    NeedsTpap,
    Refused,
    SessionLost,
    Unreachable,
    Unsupported,
)
from tapo_automate.wire.client import encode
from tapo_automate.wire.exchange import Request, Response
from wire.peers import (
    AesPeer,
    Fault,
    KlapPeer,
    Peer,
    bad_signature_after,
    garbage_after,
    lost_after,
    status,
    stock_page,
    timed_out_after,
)

READ, SETTING, ADD = "get_device_info", "set_device_info", "add_schedule_rule"


def idle_connection_closed(peer: Peer, request: Request) -> Response:
    raise ConnectionLost("10.0.0.5", "closed", idle=True)


@pytest.fixture(params=[KlapPeer, AesPeer])
def peer(request: pytest.FixtureRequest) -> Peer:
    kind: Callable[[], Peer] = request.param
    return kind()


class TestSessions:
    def test_one_handshake_serves_many_calls(self, peer: Peer) -> None:
        client = peer.client()
        assert [client.call(READ) for _ in range(3)] == [{"asked": READ}] * 3
        assert peer.handshakes == 1

    def test_a_method_without_a_result_answers_an_empty_one(self, peer: Peer) -> None:
        assert peer.client().call(SETTING, {"device_on": True}) == {}

    @pytest.mark.parametrize("method", [READ, SETTING, ADD, "device_reboot"])
    @pytest.mark.parametrize("code", [403, 401, 400])
    def test_a_forgotten_session_is_opened_anew_once_for_every_method(self, peer: Peer, method: str, code: int) -> None:
        client = peer.client()
        client.call(READ)
        peer.faults = [status(code)]
        client.call(method)
        assert peer.done == [READ, method]
        assert peer.handshakes == 2

    @pytest.mark.parametrize("code", [9999, 1003, -1501, -1005, -1101, 1000, -40401])
    def test_a_session_error_is_mended_once_for_every_method(self, peer: Peer, code: int) -> None:
        client = peer.client()
        client.call(READ)
        peer.codes[ADD] = [code]
        client.call(ADD)
        assert peer.handshakes == 2

    def test_a_session_that_is_lost_right_after_its_login_is_reported(self, peer: Peer) -> None:
        client = peer.client()
        client.call(READ)
        peer.faults = [status(403)] * 2
        with pytest.raises(SessionLost) as raised:
            client.call(READ)
        assert str(raised.value) == (
            "10.0.0.5: the device has forgotten the session (HTTP 403), right after a login; is another program "
            "talking to it? A device keeps one session: let one of the two rest"
        )
        assert raised.value.after_login
        assert (peer.handshakes, peer.done) == (2, [READ])

    def test_after_error_9999_in_a_new_session_nothing_more_is_tried(self, peer: Peer) -> None:
        peer.codes[READ] = [9999] * 9
        with pytest.raises(SessionLost, match="error 9999"):
            peer.client().call(READ)
        assert (peer.handshakes, peer.done) == (1, [READ])

    def test_an_error_of_the_method_costs_no_session(self, peer: Peer) -> None:
        client = peer.client()
        peer.codes = {SETTING: [-1008], "get_emeter_data": [-1002]}
        for method in (SETTING, "get_emeter_data"):
            with pytest.raises((Refused, Unsupported)):
                client.call(method)
        client.call(READ)
        assert peer.handshakes == 1

    def test_the_end_of_the_sequence_numbers_is_no_failure(self) -> None:
        peer = KlapPeer()
        client = peer.client()
        client.call(READ)
        client._session._cipher.seq = 2**31 - 1  # type: ignore[union-attr]
        client.call(ADD)
        assert (peer.handshakes, peer.done) == (2, [READ, ADD])

    def test_a_failed_request_ends_the_session(self, peer: Peer) -> None:
        client = peer.client()
        client.call(READ)
        peer.faults = [timed_out_after]
        with pytest.raises(Unreachable):
            client.call(READ)
        client.call(READ)
        assert peer.handshakes == 2

    def test_a_closed_client_opens_again(self, peer: Peer) -> None:
        closed: list[bool] = []
        client = peer.client(close=lambda: closed.append(True))
        client.call(READ)
        client.close()
        client.call(READ)
        assert (peer.handshakes, closed) == (2, [True])


LOST: list[Fault] = [lost_after, garbage_after]


class TestRepeating:
    @pytest.mark.parametrize("fault", [*LOST, status(500), stock_page()])
    @pytest.mark.parametrize("method", [READ, SETTING, "component_nego", "set_device_time"])
    def test_what_may_be_repeated_is_repeated_once_with_a_new_session(
        self, peer: Peer, method: str, fault: Fault
    ) -> None:
        client = peer.client()
        client.call("get_led_info")
        peer.faults = [fault]
        client.call(method)
        assert peer.handshakes == 2
        assert peer.done[-1] == method

    @pytest.mark.parametrize("fault", [*LOST, timed_out_after])
    @pytest.mark.parametrize(
        "method",
        [
            ADD,
            "remove_schedule_rules",
            "edit_schedule_rule",
            "add_countdown_rule",
            "device_reboot",
            "device_reset",
            "frob",
        ],
    )
    def test_what_may_not_be_repeated_is_done_once_and_said_to_be_unknown(
        self, peer: Peer, method: str, fault: Fault
    ) -> None:
        peer.faults = [fault]
        with pytest.raises((Unreachable, Garbled)) as raised:
            peer.client().call(method)
        assert peer.done == [method]
        assert raised.value.outcome_unknown
        assert str(raised.value).endswith(f"; whether the device has carried out {method} is unknown")
        assert str(raised.value).startswith("10.0.0.5: ")

    def test_a_wrong_signature_is_a_lost_session_for_a_read_and_an_unknown_outcome_for_a_row(self) -> None:
        peer = KlapPeer()
        client = peer.client()
        client.call(READ)
        peer.faults = [bad_signature_after]
        assert client.call(READ) == {"asked": READ}
        assert peer.handshakes == 2
        peer.faults = [bad_signature_after]
        with pytest.raises(
            Garbled, match=r"not signed with the session's key; .*; whether .* add_schedule_rule is unknown"
        ):
            client.call(ADD)
        assert peer.done.count(ADD) == 1

    def test_a_time_out_is_not_repeated_since_the_caller_has_waited_long_enough(self, peer: Peer) -> None:
        peer.faults = [timed_out_after]
        with pytest.raises(Unreachable, match="no answer within 8 s"):
            peer.client().call(READ)
        assert peer.done == [READ]

    def test_a_device_that_cannot_be_reached_is_asked_once(self) -> None:
        asked = 0

        def dead(request: Request) -> Response:
            nonlocal asked
            asked += 1
            raise Unreachable("10.0.0.5", "the connection was refused")

        from tapo_automate.wire.client import Client

        with pytest.raises(Unreachable) as raised:
            Client("10.0.0.5", None, dead, draw=bytes).call(ADD)
        assert asked == 1
        assert str(raised.value) == "10.0.0.5: the connection was refused"
        assert not raised.value.outcome_unknown

    def test_an_idle_connection_that_was_closed_is_no_failure(self, peer: Peer) -> None:
        client = peer.client()
        client.call(READ)
        peer.faults = [idle_connection_closed]
        client.call(READ)
        assert peer.handshakes == 1

    def test_a_row_is_not_sent_again_even_over_an_idle_connection(self, peer: Peer) -> None:
        client = peer.client()
        client.call(READ)
        peer.faults = [idle_connection_closed]
        with pytest.raises(ConnectionLost, match="is unknown"):
            client.call(ADD)
        assert ADD not in peer.done

    def test_a_row_asks_for_a_connection_that_is_sure_to_be_open(self, peer: Peer) -> None:
        seen: list[bool] = []
        client = peer.client()
        client._send = lambda request: (seen.append(request.once), peer(request))[1]
        client.call(READ)
        seen.clear()
        client.call(READ)
        client.call(ADD)
        assert seen == [False, True]

    @pytest.mark.parametrize("code", [-1001, 1001, 1002, 1112, -1804, -40413])
    def test_a_code_that_asks_for_it_is_repeated_once_at_once_for_a_read_only(self, peer: Peer, code: int) -> None:
        client = peer.client()
        peer.codes = {READ: [code], ADD: [code]}
        client.call(READ)
        assert peer.done == [READ] * 2
        with pytest.raises(Refused):
            client.call(ADD)
        assert peer.done.count(ADD) == 1
        assert peer.handshakes == 1

    def test_a_busy_device_is_left_alone(self, peer: Peer) -> None:
        peer.codes[READ] = [-1301]
        with pytest.raises(
            Busy, match=r"get_device_info was refused with error -1301 \(DEVICE_ERROR\): the device is busy"
        ):
            peer.client().call(READ)
        assert peer.done == [READ]
        peer.faults = [status(429)]
        with pytest.raises(Busy, match="HTTP TOO MANY REQUESTS"):
            peer.client().call(READ)

    def test_random_answers_raise_nothing_but_our_errors(self) -> None:
        @settings(deadline=None)
        @given(st.binary(max_size=120), st.sampled_from([200, 403, 500]), st.sampled_from([READ, ADD]))
        def claim(body: bytes, code: int, method: str) -> None:
            peer = KlapPeer()
            peer.faults = [Response(code, body)] * 2
            with pytest.raises(DeviceError):
                peer.client().call(method)
            assert peer.handshakes <= 2

        claim()

    @pytest.mark.parametrize(
        "plain", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"error_code":0,"result":[1]}', b'{"error_code":"x"}']
    )
    def test_nonsense_inside_a_good_envelope_is_an_error_of_ours(self, plain: bytes) -> None:
        class Mad(KlapPeer):
            def carry_out(self, _: bytes) -> bytes:
                return plain

        with pytest.raises(DeviceError):
            Mad().client().call(READ)


class TestTransports:
    def test_what_worked_is_remembered_and_can_be_read(self, peer: Peer) -> None:
        client = peer.client()
        assert client.transport is None
        client.call(READ)
        assert client.transport == ("klap" if isinstance(peer, KlapPeer) else "aes")
        peer.faults = [status(403)]
        client.call(READ)
        assert peer.paths.count("/") == 1

    def test_a_hint_saves_the_question(self, peer: Peer) -> None:
        client = peer.client(hint="klap" if isinstance(peer, KlapPeer) else "aes")
        client.call(READ)
        assert "/" not in peer.paths

    def test_a_wrong_hint_is_corrected(self, peer: Peer) -> None:
        client = peer.client(hint="aes" if isinstance(peer, KlapPeer) else "klap")
        client.call(READ)
        assert client.transport == ("klap" if isinstance(peer, KlapPeer) else "aes")

    def test_a_hint_that_nobody_knows_is_passed_over(self, peer: Peer) -> None:
        assert peer.client(hint="carrier pigeon").call(READ)

    def test_klap_switched_off_is_said_with_the_switch(self) -> None:
        class SwitchedOff(KlapPeer):
            def answer(self, request: Request) -> Response:
                return status(403)

        peer = SwitchedOff()
        client = peer.client(hint="klap")
        with pytest.raises(NeedsTpap) as raised:
            client.call(READ)
        assert "Me → Third-Party Services → Third-Party Compatibility" in str(raised.value)
        assert peer.paths == ["/app/handshake1", "/"]
        peer.paths.clear()
        with pytest.raises(NeedsTpap):
            client.call(READ)
        assert peer.paths == ["/", "/app/handshake1"]

    def test_a_device_that_was_updated_to_klap_is_asked_anew(self) -> None:
        old, new = AesPeer(), KlapPeer()
        updated = False

        def device(request: Request) -> Response:
            if not updated:
                return old(request)
            if request.path.startswith("/app?") or request.path == "/app":
                return Response(200, b'{"error_code":1003}')
            return new(request)

        client = old.client()
        client._send = device
        client.call(READ)
        updated = True
        client.call(ADD)
        assert client.transport == "klap"
        assert new.done == [ADD]


def test_requests_of_many_threads_go_one_by_one() -> None:
    peer = KlapPeer()
    client = peer.client()
    inside = most = 0
    gate = threading.Lock()

    def send(request: Request) -> Response:
        nonlocal inside, most
        with gate:
            inside += 1
            most = max(most, inside)
        answer = peer(request)
        with gate:
            inside -= 1
        return answer

    client._send = send
    threads = [threading.Thread(target=lambda: [client.call(READ) for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, peer.handshakes, len(peer.done)) == (1, 1, 160)


def test_parameters_are_left_out_when_there_are_none_and_nulls_always() -> None:
    assert json.loads(encode("get_device_info", None)) == {"method": "get_device_info"}
    assert json.loads(encode("x", {})) == {"method": "x", "params": {}}
    assert json.loads(encode("x", {"a": None, "b": [{"c": None, "d": "null"}]})) == {
        "method": "x",
        "params": {"b": [{"d": "null"}]},
    }


def test_a_client_shows_nothing_secret() -> None:
    client = KlapPeer().client()
    client.call(READ)
    assert repr(client) == "<Client 10.0.0.5 klap>"
    assert "Example" not in repr(vars(client))
    assert "Sw0rd" not in repr(vars(client))
