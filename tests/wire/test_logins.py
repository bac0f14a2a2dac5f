"""What a call shows a device of who we are, and how often."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tapo_automate.device import Credentials
from tapo_automate.errors import (
    AuthRefused,
    Busy,
    ConnectionLost,
    DeviceError,
    Garbled,
    Refused,
    Unreachable,
    Unsupported,
)
from tapo_automate.wire.exchange import Request, Response
from wire.peers import (
    AesPeer,
    Fault,
    KlapPeer,
    Peer,
    garbage_after,
    lost_after,
    status,
    stock_page,
    timed_out_after,
)

READ, SETTING = "get_device_info", "set_device_info"


@pytest.fixture(params=[KlapPeer, AesPeer])
def peer(request: pytest.FixtureRequest) -> Peer:
    kind: Callable[[], Peer] = request.param
    return kind()


class TestLogins:
    """A device counts logins, so a call makes one at most, and says so when it fails after it."""

    @pytest.mark.parametrize("fault", [lost_after, garbage_after, status(500), stock_page()])
    @pytest.mark.parametrize("method", [READ, SETTING])
    def test_what_is_lost_in_a_new_session_is_repeated_in_it(self, peer: Peer, method: str, fault: Fault) -> None:
        peer.faults = [fault]
        peer.client().call(method)
        assert (peer.handshakes, peer.logins, peer.done[-1]) == (1, 1, method)

    @pytest.mark.parametrize("fault", [lost_after, garbage_after, status(500), status(403)])
    def test_a_new_session_in_which_all_is_lost_is_given_up(self, peer: Peer, fault: Fault) -> None:
        client = peer.client()
        for again in (False, True):
            peer.faults = [fault] * 2
            with pytest.raises(DeviceError) as raised:
                client.call(READ)
            assert raised.value.after_login
            peer.faults.clear()
            assert (peer.handshakes, peer.logins) == ((2, 2) if again else (1, 1)), "no session was kept"

    @pytest.mark.parametrize("lost", [1, 2])
    def test_a_handshake_whose_answer_is_lost_is_not_begun_again(self, peer: Peer, lost: int) -> None:
        def cut(request: Request) -> Response:
            answer = peer(request)
            if len(peer.paths) == lost:
                raise ConnectionLost("10.0.0.5", "the device closed the connection without an answer")
            return answer

        client = peer.client(hint="klap" if isinstance(peer, KlapPeer) else "aes")
        client._send = cut
        with pytest.raises(ConnectionLost) as raised:
            client.call(READ)
        assert raised.value.after_login
        assert not raised.value.outcome_unknown, "the method itself was not sent"
        assert (peer.handshakes, peer.logins) == (1, lost - 1)

    @pytest.mark.parametrize("path", ["/app/handshake1", "/app/handshake2"])
    def test_a_handshake_that_leads_nowhere_is_not_begun_again(self, path: str) -> None:
        class Half(KlapPeer):
            def answer(self, request: Request) -> Response:
                answer = super().answer(request)
                return status(500) if request.path == path else answer

        peer = Half()
        for hint in (None, "klap"):
            peer.paths.clear()
            peer.discover = stock_page()  # it does not say what it speaks
            with pytest.raises(Garbled, match="HTTP 500") as raised:
                peer.client(hint=hint).call(READ)
            assert raised.value.after_login
            assert peer.paths.count("/app/handshake1") == 1

    def test_whatever_fails_after_a_login_says_so(self, peer: Peer) -> None:
        for code, error in [(-1002, Unsupported), (-1008, Refused), (-1301, Busy)]:
            peer.codes[READ] = [code, code]
            client = peer.client()
            with pytest.raises(error) as raised:
                client.call(READ)
            assert raised.value.after_login
            with pytest.raises(error) as raised:
                client.call(READ)
            assert not raised.value.after_login

    def test_wrong_credentials_are_an_error_after_a_login(self) -> None:
        for peer in (KlapPeer(password="other"), AesPeer(password="other")):
            with pytest.raises(AuthRefused) as raised:
                peer.client().call(READ)
            assert raised.value.after_login

    def test_an_error_without_a_login_says_so_too(self, peer: Peer) -> None:
        client = peer.client()
        client.call(READ)
        peer.faults = [timed_out_after]
        with pytest.raises(Unreachable) as raised:
            client.call(READ)
        assert not raised.value.after_login

        def dead(request: Request) -> Response:
            raise Unreachable("10.0.0.5", "the connection was refused")

        client._send = dead
        with pytest.raises(Unreachable) as raised:
            client.call(READ)
        assert not raised.value.after_login

    def test_a_device_that_hangs_on_a_handshake_may_have_counted_it(self, peer: Peer) -> None:
        def hang(request: Request) -> Response:
            if request.path == "/":
                return peer(request)
            raise Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)

        client = peer.client()
        client._send = hang
        with pytest.raises(Unreachable) as raised:
            client.call(READ)
        assert raised.value.after_login

    def test_several_calls_make_one_action(self, peer: Peer) -> None:
        client = peer.client()

        def read_and_set() -> None:
            with client.one_action():
                client.call(READ)
                client.call(SETTING)

        peer.codes[SETTING] = [-1008] * 2
        for logged_in in (True, False):
            with pytest.raises(Refused) as raised:
                read_and_set()
            assert raised.value.after_login is logged_in


class TestCredentials:
    def test_wrong_ones_cost_one_handshake_and_no_login_over_klap(self) -> None:
        peer = KlapPeer(password="other")
        with pytest.raises(AuthRefused):
            peer.client().call(READ)
        assert (peer.handshakes, peer.logins) == (1, 0)

    def test_a_device_that_flips_to_its_default_and_back_is_followed(self) -> None:
        peer = KlapPeer()
        client = peer.client()
        client.call(READ)
        for holder in [("test@tp-link.net", "test"), ("", ""), (peer.user, peer.password)]:
            peer.user, peer.password = holder
            peer.faults = [status(403)]
            assert client.call(READ) == {"asked": READ}

    def test_a_changed_password_is_found_out_and_not_tried_again(self, peer: Peer) -> None:
        client = peer.client()
        client.call(READ)
        peer.password = "other"
        peer.faults = [status(403)]
        with pytest.raises(AuthRefused):
            client.call(READ)

    def test_the_version_of_the_login_is_remembered(self) -> None:
        peer = AesPeer(version=1)
        client = peer.client()
        client.call(READ)
        assert peer.logins == 2
        peer.faults = [status(403)]
        client.call(READ)
        assert peer.logins == 3

    @pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
    def test_a_firmware_with_another_version_of_the_login_is_found_out(self, before: int, after: int) -> None:
        peer = AesPeer(version=before)
        client = peer.client()
        client.call(READ)
        peer.version = after
        for _ in range(2):
            peer.faults = [status(403)]
            assert client.call(READ)

    def test_the_version_that_a_refusal_shows_is_remembered(self) -> None:
        for version in (1, 2):
            peer = AesPeer(version, password="other")
            client = peer.client()
            for logins in (3, 5, 7):
                with pytest.raises(AuthRefused):
                    client.call(READ)
                assert peer.logins == logins
                with pytest.raises(AuthRefused, match="are not tried again by themselves, because repeated failures"):
                    client.call(READ)
                assert peer.logins == logins
                client.forget_refusal()
            peer.password = "Sw0rdfish!"
            assert client.call(READ)
            assert peer.logins == 8

    def test_a_refusal_that_shows_no_version_leaves_both_to_be_tried(self) -> None:
        class Terse(AesPeer):
            def log_in(self, params: dict[str, str]) -> dict[str, object]:
                reply = super().log_in(params)
                return {"error_code": -1501} if reply["error_code"] == -1008 else reply

        peer = Terse(1, password="other")
        client = peer.client()
        with pytest.raises(AuthRefused):
            client.call(READ)
        assert peer.logins == 3
        client.forget_refusal()
        peer.password = "Sw0rdfish!"
        assert client.call(READ)

    def test_the_case_of_the_e_mail_is_kept(self) -> None:
        assert KlapPeer().client(credentials=Credentials("User@Example.com", "Sw0rdfish!")).call(READ)
        with pytest.raises(AuthRefused):
            KlapPeer().client(credentials=Credentials("user@example.com", "Sw0rdfish!")).call(READ)

    def test_a_password_of_any_characters_is_taken_as_it_is(self) -> None:
        peer = KlapPeer(password="päss wörd ✓ ")
        assert peer.client(credentials=Credentials(peer.user, peer.password)).call(READ)
        with pytest.raises(AuthRefused):
            peer.client(credentials=Credentials(peer.user, "\udcff")).call(READ)
