"""What a person is told of every error code and status, whole: what happened, where, and what to do; and how often a
device is asked before that is told.

A real client speaks to a pretend device behind real HTTP.  The table is that of docs/protocol.md, "Error codes".
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tapo_automate import wire
from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, Refused, SessionLost, Unsupported
from tapo_automate.wire.codes import CODES
from tapo_automate.wire.exchange import Response
from wire.peers import ACCOUNT, AesPeer, KlapPeer, Peer, status, stock_page
from wire.served import served
from wire.tpap_peer import TpapPeer

READ, ADD = "get_device_usage", "add_schedule_rule"

AGAIN = "the device could not just now: try again in a minute, and restart it if that does not help"
CALM = (
    'the device is busy: ask it less often, by options = { spacing = "1s" } in its rule file, and let other programs '
    "that talk to it rest"
)
CLOCK = "the device's clock is not set, or could not be: `tapo-automate clock DEVICE --set` sets it"
CLASH = "it clashes with a row that is there, perhaps one of the phone app: change or remove one of the two"
FLASH = "the device could not store it: try again, and restart the device if that does not help"
UNCLEAR = "the device does not say why: look at the row's times and values, and read the table again"
OURS = "the device does not take our handshake, and nothing that you could set changes that; newer firmware may"
OTHERS = "it is a code of cameras and hubs, of which the name alone is known; nothing is known that helps"
CLOUD = "it is a code of the vendor's cloud, not of the device; nothing can be done about it here"
RESTART = "restart the device if it stays so"
TWO = "is another program talking to it? A device keeps one session: let one of the two rest"
WRONG = (
    "the device does not accept this e-mail and password. The e-mail is case-sensitive: spell it as the Tapo app shows "
    "it. A password that was changed lately may not have reached the device: log out of the app and in again, or "
    "remove the device there and add it anew. One that is bound to another account keeps that one's; `tapo-automate "
    "doctor` asks the device. It is not tried again by itself, because repeated failures lock a device"
)
PASSWORD = (
    "the device does not accept this password. One that was changed lately may not have reached the device: log out of "
    "the app and in again, or remove the device there and add it anew. It is not tried again by itself, because "
    "repeated failures lock a device"
)
APP = (
    "in the Tapo app turn on Me → Third-Party Services → Third-Party Compatibility (if it is on already, turn it off "
    "and on again)"
)


def locked(code: int) -> str:
    return (
        f"the device has locked logins after too many failures (error {code}). Leave it alone for a while, with every "
        "program that talks to it, then check the e-mail (case-sensitive, as the Tapo app shows it) and the password"
    )


# code: (name, what is said of it).  Asked twice where it may be repeated, since the second time it may do it.
RETRIED = {
    1001: ("CMD_COMMAND_CANCEL", AGAIN),
    1002: ("TRANSPORT_NOT_AVAILABLE", AGAIN),
    1112: ("HTTP_TRANSPORT_FAILED", AGAIN),
    -1001: ("UNSPECIFIC", AGAIN),
    -1004: ("JSON_ENCODE_FAIL", AGAIN),
    -1302: ("DEVICE_NEXT_EVENT", AGAIN),
    -1601: ("TIME", CLOCK),
    -1602: ("TIME_SYS", CLOCK),
    -1603: ("TIME_SAVE", CLOCK),
    -1804: ("SCHEDULE_SAVE", FLASH),
    -1903: ("COUNTDOWN_SAVE", FLASH),
    -2003: ("ANTITHEFT_SAVE", FLASH),
    -2201: ("STAT", AGAIN),
    -2202: ("STAT_SAVE", AGAIN),
    -2301: ("DST", CLOCK),
    -2302: ("DST_SAVE", CLOCK),
    -40413: ("INVALID_NONCE", AGAIN),
}
# Asked once: permanent, the user's to decide, or for a batch to be taken apart.
FINAL = {
    1200: ("MULTI_REQUEST_FAILED", "the whole batch was refused: send its parts singly"),
    -1010: ("INVALID_PUBLIC_KEY", OURS),
    -1012: ("INVALID_TERMINAL_UUID", OURS),
    -2203: ("STAT_ACCESS", "the device does not show its statistics; nothing is known that helps"),
    -1: ("COMMON_FAILED", "the device does not say why; nothing is known that helps"),
    -1003: (
        "JSON_DECODE_FAIL",
        "malformed, or a batch that is too big for the device: look at the parameters, and ask for less at once",
    ),
    -1006: ("REQUEST_LEN", "the request is too long for the device: ask for less at once"),
    -1007: (
        "CLOUD_FAILED",
        "the device needs the internet for this and has none: see to its connection, and try again later",
    ),
    -1008: (
        "PARAMS",
        "a parameter is missing, of the wrong type or out of range: look at the values that were asked for",
    ),
    -1201: ("QUICK_SETUP", "a device is set up once: one that is set up has to be reset first"),
    -1401: ("FIRMWARE", "it goes on with the firmware that it has; try it in the phone app"),
    -1402: ("FIRMWARE_VER", "this version is not for it; it goes on with what it has"),
    -1701: (
        "WIRELESS",
        "is the network in its reach, and of a kind that it can? `tapo-automate wifi DEVICE` shows what it hears",
    ),
    -1702: (
        "WIRELESS_UNSUPPORTED",
        "the device cannot do networks of this kind: choose another one, or another encryption",
    ),
    -1801: ("SCHEDULE_ERROR", UNCLEAR),
    -1802: (
        "SCHEDULE_FULL",
        "the table is full, rows that are switched off included: remove one first, here or in the phone app",
    ),
    -1803: ("SCHEDULE_CONFLICT", CLASH),
    -1805: (
        "SCHEDULE_INDEX",
        "the device has no row of this id, somebody may have removed it: read its table again",
    ),
    -1901: ("COUNTDOWN_ERROR", UNCLEAR),
    -1902: (
        "COUNTDOWN_CONFLICT",
        "a countdown is running already, and a device has one at a time: "
        "`tapo-automate countdown DEVICE --stop` stops it",
    ),
    -2001: ("ANTITHEFT_ERROR", UNCLEAR),
    -2002: ("ANTITHEFT_CONFLICT", CLASH),
    -3001: ("VACUUM_BATTERY_LOW", "its battery is low: charge it, then try again"),
}
# A new session, then once more, for every method: nothing was done.
MENDED = {
    1000: "error 1000 (NULL_TRANSPORT)",
    1100: "error 1100 (HAND_SHAKE_FAILED)",
    9999: "error 9999 (SESSION_TIMEOUT)",
    -1005: "error -1005 (AES_DECODE_FAIL)",
    -1101: "error -1101 (SESSION_PARAM)",
    -2402: "error -2402 (TPAP_SESSION_INVALID)",
    -40401: "error -40401 (SESSION_EXPIRED)",
}
# Never again.
CREDENTIALS = {
    1111: f"{WRONG} [error 1111 (LOGIN_FAILED)]",
    -2101: locked(-2101),
    -40404: locked(-40404),
    -40412: f"{WRONG} [error -40412 (HOMEKIT_LOGIN_FAIL)]",
}
WAITED_FOR = {
    -1301: ("DEVICE_ERROR", CALM),
    -40109: ("ONE_SECOND_REPEAT_REQUEST", "the device takes this once a second at most"),
}
UNKNOWN_METHOD = {-1002: "UNKNOWN_METHOD", -40106: "UNSUPPORTED_METHOD"}


class Case:
    """One device with a client that has shaken hands."""

    def __init__(self, peer: Peer, host: str) -> None:
        self.peer, self.host = peer, host
        self.client = wire.connect(host, ACCOUNT)
        self.client.call("get_device_info")
        peer.done.clear()

    def fails(self, code: int, method: str = READ) -> tuple[type[DeviceError], str, int, int]:
        """Return what comes of a code: the kind, the text behind the host, how often the method arrived, and how many
        handshakes there were."""
        self.peer.codes = {method: [code] * 9}
        self.peer.done.clear()
        before = self.peer.handshakes
        with pytest.raises(DeviceError) as raised:
            self.client.call(method)
        host, problem = str(raised.value).split(": ", 1)
        assert host == self.host
        return type(raised.value), problem, self.peer.done.count(method), self.peer.handshakes - before


@pytest.fixture
def patient() -> None:
    wire.use(wire.Surroundings(spacing_s=0, patience_s=(0.01, 0.01)))


@pytest.fixture(params=[KlapPeer, AesPeer, TpapPeer], ids=["klap", "aes", "tpap"])
def case(patient: None, request: pytest.FixtureRequest) -> Iterator[Case]:
    peer: Peer = request.param()
    with served(peer) as host:
        made = Case(peer, host)
        try:
            yield made
        finally:
            made.client.close()


@pytest.fixture
def klap(patient: None) -> Iterator[Case]:
    peer = KlapPeer()
    with served(peer) as host:
        made = Case(peer, host)
        try:
            yield made
        finally:
            made.client.close()


def refused(method: str, code: int, name: str, advice: str) -> str:
    return f"{method} was refused with error {code} ({name}): {advice}"


@pytest.mark.parametrize("code", RETRIED)
def test_what_may_go_better_is_asked_once_more_if_that_does_no_harm(klap: Case, code: int) -> None:
    assert klap.fails(code) == (Refused, refused(READ, code, *RETRIED[code]), 2, 0)
    assert klap.fails(code, ADD) == (Refused, refused(ADD, code, *RETRIED[code]), 1, 0)


@pytest.mark.parametrize("code", FINAL)
def test_what_is_final_is_asked_once(klap: Case, code: int) -> None:
    assert klap.fails(code) == (Refused, refused(READ, code, *FINAL[code]), 1, 0)


@pytest.mark.parametrize("code", MENDED)
def test_a_session_that_is_gone_is_opened_anew_once(klap: Case, code: int) -> None:
    text = f"the device ended the session: {MENDED[code]}, right after a login; {TWO}"
    assert klap.fails(code, ADD) == (SessionLost, text, 2, 1)


def test_a_device_that_wants_another_protocol_all_the_time(klap: Case) -> None:
    text = "the device ended the session: error 1003 (TRANSPORT_UNKNOWN_CREDENTIALS), right after a login"
    remedy = "the device wants another protocol than the one it names: restart it"
    assert klap.fails(1003, ADD) == (SessionLost, f"{text}; {remedy}", 2, 1)


@pytest.mark.parametrize("code", CREDENTIALS)
def test_wrong_credentials_are_told_at_once(klap: Case, code: int) -> None:
    assert klap.fails(code) == (AuthRefused, CREDENTIALS[code], 1, 0)


@pytest.mark.parametrize("code", WAITED_FOR)
def test_who_is_busy_is_waited_for(klap: Case, code: int) -> None:
    assert klap.fails(code) == (Busy, refused(READ, code, *WAITED_FOR[code]), 3, 0)


@pytest.mark.parametrize("code", UNKNOWN_METHOD)
def test_a_function_that_is_not_there_is_named(klap: Case, code: int) -> None:
    text = (
        f"the device has no function {READ}, at least not in this version: error {code} ({UNKNOWN_METHOD[code]}); "
        "newer firmware may have it, and nothing else helps"
    )
    assert klap.fails(code) == (Unsupported, text, 1, 0)


def test_a_token_that_is_no_longer_good_is_a_session_that_is_gone(klap: Case) -> None:
    text = f"the device no longer accepts the session's token (error -1501), right after a login; {TWO}"
    assert klap.fails(-1501) == (SessionLost, text, 2, 1)


def test_every_other_code_is_told_by_its_name(klap: Case) -> None:
    told_above = {*RETRIED, *FINAL, *MENDED, *CREDENTIALS, *WAITED_FOR, *UNKNOWN_METHOD, 0, 1003, -1501}
    names_alone = {code: row.name for code, row in CODES.items() if code not in told_above}
    assert len(names_alone) > 40
    for code, name in names_alone.items():
        advice = CLOUD if code > -40000 and code != 40108 else OTHERS
        assert klap.fails(code) == (Refused, refused(READ, code, name, advice), 1, 0)


def test_what_is_on_no_list_is_kept_as_a_number(klap: Case) -> None:
    advice = (
        "it is a code that is not known here; nothing is known that helps, and a report with model and firmware may"
    )
    for code in (-31999, 12345, -987654, 65536):
        assert klap.fails(code) == (Refused, refused(READ, code, "UNKNOWN", advice), 1, 0)


@pytest.mark.parametrize(("code", "signed"), [(63734, -1802), (63733, -1803), (64524, -1012), (64528, -1008)])
def test_an_unsigned_spelling_is_the_signed_one(klap: Case, code: int, signed: int) -> None:
    assert klap.fails(code) == (Refused, refused(READ, signed, *FINAL[signed]), 1, 0)


def test_a_code_means_the_same_in_every_protocol(case: Case) -> None:
    assert case.fails(-1802, ADD) == (Refused, refused(ADD, -1802, *FINAL[-1802]), 1, 0)
    assert case.fails(-1001) == (Refused, refused(READ, -1001, *RETRIED[-1001]), 2, 0)
    assert case.fails(-1301) == (Busy, refused(READ, -1301, *WAITED_FOR[-1301]), 3, 0)
    text = f"the device ended the session: {MENDED[9999]}, right after a login; {TWO}"
    assert case.fails(9999) == (SessionLost, text, 2, 1)


@pytest.mark.parametrize("code", [401, 403])
def test_a_status_that_means_a_lost_session(case: Case, code: int) -> None:
    case.peer.faults = [status(code)] * 9
    handshakes = case.peer.handshakes
    with pytest.raises(SessionLost) as raised:
        case.client.call(ADD)
    assert str(raised.value) == (
        f"{case.host}: the device has forgotten the session (HTTP {code}), right after a login; {TWO}"
    )
    assert (len(case.peer.faults), case.peer.handshakes - handshakes) == (7, 1)


def test_too_many_requests(case: Case) -> None:
    case.peer.faults = [status(429)] * 9
    with pytest.raises(Busy) as raised:
        case.client.call(READ)
    text = f"the request was refused with error 429 (HTTP TOO MANY REQUESTS): {CALM}"
    assert str(raised.value) == f"{case.host}: {text}"
    assert len(case.peer.faults) == 6


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (status(500), "the device answered with HTTP 500"),
        (stock_page(), "the device answered a command with a web page"),
    ],
)
def test_an_answer_that_is_none(case: Case, fault: Response, what: str) -> None:
    case.peer.faults = [fault] * 9
    with pytest.raises(Garbled) as raised:
        case.client.call(READ)
    assert str(raised.value) == f"{case.host}: {what}; {RESTART}"
    case.peer.faults = [fault] * 9
    with pytest.raises(Garbled) as raised:
        case.client.call(ADD)
    assert str(raised.value) == (f"{case.host}: {what}; {RESTART}; whether the device has carried out {ADD} is unknown")


LOGINS: list[tuple[type[Peer], int, type[DeviceError], str]] = [
    (AesPeer, -1501, AuthRefused, WRONG),
    (AesPeer, 1111, AuthRefused, WRONG),
    (AesPeer, -2101, AuthRefused, locked(-2101)),
    (AesPeer, -40404, AuthRefused, locked(-40404)),
    (
        AesPeer,
        9999,
        SessionLost,
        f"the device ended the session: error 9999 (SESSION_TIMEOUT), during the login; {TWO}",
    ),
    (
        AesPeer,
        1100,
        SessionLost,
        f"the device ended the session: error 1100 (HAND_SHAKE_FAILED), during the login; {TWO}",
    ),
    (AesPeer, -1301, Busy, refused("login_device", -1301, "DEVICE_ERROR", CALM)),
    (AesPeer, -1012, Refused, refused("login_device", -1012, "INVALID_TERMINAL_UUID", OURS)),
    (TpapPeer, -2203, AuthRefused, PASSWORD),
    (TpapPeer, -2101, AuthRefused, locked(-2101)),
    (TpapPeer, -40404, AuthRefused, locked(-40404)),
    (TpapPeer, -1301, Busy, refused("login", -1301, "DEVICE_ERROR", CALM)),
    (
        TpapPeer,
        -1,
        Refused,
        refused("login", -1, "COMMON_FAILED", "the device does not say why; nothing is known that helps"),
    ),
]


@pytest.mark.parametrize(("kind", "code", "error", "text"), LOGINS)
def test_a_refused_login_is_told_and_not_tried_again(
    patient: None, monkeypatch: pytest.MonkeyPatch, kind: type[Peer], code: int, error: type[DeviceError], text: str
) -> None:
    peer = kind()
    tries = []
    said = {"error_code": code}
    if isinstance(peer, AesPeer):
        monkeypatch.setattr(peer, "log_in", lambda params: tries.append(params) or said)
    elif isinstance(peer, TpapPeer):
        monkeypatch.setattr(
            peer, "share", lambda params: tries.append(params) or Response(200, json.dumps(said).encode())
        )
    with served(peer) as host:
        client = wire.connect(host, ACCOUNT)
        with pytest.raises(error) as raised:
            client.call(READ)
        assert str(raised.value) == f"{host}: {text}"
        before = len(tries)
        # Of an old device it is not known which version of the login it takes; the vendor's default is tried too.
        assert before == {-1501: 3, 1111: 3, -1012: 4}.get(code, 1)
        if isinstance(raised.value, AuthRefused) and not raised.value.locked:
            with pytest.raises(AuthRefused, match="They are not tried again by themselves"):
                client.call(READ)
            assert len(tries) == before
        client.close()
