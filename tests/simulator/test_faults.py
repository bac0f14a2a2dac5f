"""What goes wrong on purpose: that it does, how often, and that nonsense is refused."""

import http.client
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from simulator.speaking import Clock, Klap, Passthrough, post_json
from tapo_automate.simulator import Device, SimulatorError
from tapo_automate.simulator.faults import KINDS, Faults

Add = Callable[..., Device]
ON = b'{"method":"set_device_info","params":{"device_on":true}}'
GONE = (ConnectionError, http.client.HTTPException, TimeoutError)


def send(klap: Klap, message: bytes = ON) -> tuple[int, bytes]:
    klap.seq += 1
    answer = klap.request(klap.seal(klap.seq, message), f"seq={klap.seq}")
    return answer.status, answer.body


@pytest.fixture
def faulty(add: Add) -> Callable[[str], tuple[Device, Klap]]:
    def faulty(text: str) -> tuple[Device, Klap]:
        device = add("P110", seed=7)
        session = Klap(device).log_in()
        device.set_faults(text)
        return device, session

    return faulty


Faulty = Callable[[str], tuple[Device, Klap]]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_status_strikes_once_and_spares_the_session(faulty: Faulty, status: int) -> None:
    device, session = faulty(f"{status}=once")
    assert send(session)[0] == status
    assert not device.on
    session.seq -= 1
    assert send(session)[0] == 200
    assert device.on


def test_a_dropped_request_is_not_executed(faulty: Faulty) -> None:
    device, session = faulty("drop=once")
    with pytest.raises(GONE):
        send(session)
    assert not device.on
    session.seq -= 1
    assert send(session)[0] == 200


def test_an_answer_dropped_after_the_command_was_executed(faulty: Faulty) -> None:
    device, session = faulty("drop-after=once")
    with pytest.raises(GONE):
        send(session)
    assert device.on
    assert session.call("get_device_info")["result"]["device_on"] is True


def test_an_expired_session_is_gone(faulty: Faulty) -> None:
    device, session = faulty("expire=once")
    assert send(session)[0] == 403
    assert not device.on
    assert session.log_in().call("get_device_info")["error_code"] == 0


def test_an_expired_passthrough_session_is_9999(add: Add) -> None:
    device = add("P110", transport="aes", faults="expire=once")
    session = Passthrough(device).log_in()
    assert session.send(session.envelope(ON)).json == {"error_code": 9999}


def test_the_stock_page_comes_for_once(faulty: Faulty) -> None:
    device, session = faulty("html=once")
    session.seq += 1
    assert session.request(session.seal(session.seq, ON), f"seq={session.seq}").is_stock_page
    assert not device.on


def test_garbage_is_no_answer_but_the_command_was_executed(faulty: Faulty) -> None:
    device, session = faulty("garbage=once")
    status, body = send(session)
    assert (status, device.on) == (200, True)
    with pytest.raises(AssertionError):
        session.open(session.seq, body)
    assert session.call("get_device_info")["error_code"] == 0


def test_a_short_ciphertext_stops_in_the_middle_of_a_block(faulty: Faulty) -> None:
    _, session = faulty("short=once")
    status, body = send(session)
    assert (status, len(body)) == (200, 32 + 8)


def test_a_bad_signature_is_over_a_good_ciphertext(faulty: Faulty) -> None:
    _, session = faulty("bad-signature=once")
    status, body = send(session)
    with pytest.raises(AssertionError):
        session.open(session.seq, body)
    assert session.open(session.seq, bytes([body[0] ^ 1]) + body[1:]) == {"error_code": 0}
    assert status == 200


def test_a_busy_device_executes_nothing(faulty: Faulty) -> None:
    device, session = faulty("busy=2x")
    for _ in range(2):
        assert session.say(ON) == {"error_code": -1301}
    assert not device.on
    assert session.say(ON) == {"error_code": 0}


def test_a_wrong_proof_fits_no_credentials(add: Add) -> None:
    device = add("P110", faults="wrong-proof=once")
    session = Klap(device)
    session.greet()
    assert session.proof != session.expected_proof
    assert Klap(device).log_in()
    old = Passthrough(add("P110", transport="aes", faults="wrong-proof=once"))
    old.shake()
    assert old.try_login() == {"error_code": -1501}


def test_the_vendors_credentials_hold_for_one_handshake(add: Add) -> None:
    device = add("P110", faults="defaults=once")
    Klap(device, "test@tp-link.net", "test").log_in()
    Klap(device).log_in()
    device.set_faults("defaults")
    for _ in range(2):
        Klap(device, "test@tp-link.net", "test").log_in()


def test_a_device_may_hold_blank_credentials(add: Add) -> None:
    Klap(add("P110", username="", password=""), "", "").log_in()


def test_a_handshake_may_end_with_a_newline(add: Add) -> None:
    session = Klap(add("P110", faults="handshake-49"))
    answer = session.greet()
    assert (len(answer.body), answer.body[-1:]) == (49, b"\n")
    assert session.admit().status == 200


def test_a_device_may_close_after_each_answer(faulty: Faulty) -> None:
    device, session = faulty("close")
    with socket.create_connection((device.host, device.port), timeout=10) as line:
        line.sendall(b"POST /app HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        answer = b""
        while chunk := line.recv(4096):
            answer += chunk
    assert b"Connection: close" in answer
    assert session.call("get_device_info")["error_code"] == 0


def test_a_slow_device_answers_late(faulty: Faulty) -> None:
    device, session = faulty("slow=0.5..0.6")
    begin = time.monotonic()
    assert send(session)[0] == 200
    assert 0.5 <= time.monotonic() - begin < 3
    device.set_faults("")
    begin = time.monotonic()
    send(session)
    assert time.monotonic() - begin < 0.5


def test_a_frozen_device_keeps_the_connection_and_says_nothing(faulty: Faulty) -> None:
    device, session = faulty("freeze=once")
    session.seq += 1
    body = session.seal(session.seq, ON)
    head = f"POST /app/request?seq={session.seq} HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((device.host, device.port), timeout=0.5) as line:
        line.sendall(f"{head}Cookie: {session.cookie}\r\n\r\n".encode() + body)
        with pytest.raises(TimeoutError):
            line.recv(1)
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(TimeoutError):
            line.recv(1)
    assert (device.on, device.calls) == (False, [])
    session.seq -= 1
    assert send(session)[0] == 200, "the next connection is served"
    assert device.on


def test_an_ignored_command_is_accepted_and_not_done(faulty: Faulty) -> None:
    device, session = faulty("ignore=once")
    before = device.info
    assert session.call("component_nego")["error_code"] == 0, "what only reads does not use it up"
    assert session.say(ON) == {"error_code": 0}
    device.set_faults("ignore")
    assert session.call("set_device_info", {"brightness": 5}) == {"error_code": -1008}, "it is checked all the same"
    timer = {"enable": True, "delay": 60, "desired_states": {"on": True}}
    assert session.call("add_countdown_rule", timer)["result"] == {"id": "C1"}
    assert session.call("set_device_time", {"timestamp": 5, "time_diff": 60, "region": ""}) == {"error_code": 0}
    assert session.call("get_device_time")["result"]["region"] == "Europe/Berlin"
    assert session.call("device_reboot", {"delay": 1}) == {"error_code": 0}
    assert (device.info, device.countdown) == (before, None)
    assert [change.by for change in device.changes] == ["start"]
    told = [(call.method, call.error_code) for call in device.calls]
    assert told[1:4] == [("set_device_info", 0), ("set_device_info", -1008), ("add_countdown_rule", 0)]
    device.set_faults("")
    session.say(ON)
    assert device.on


def test_a_lagging_device_does_it_late(add: Add, clock: Clock) -> None:
    device = add("L530", now=clock, faults="lag=2")
    session = Klap(device).log_in()
    told = clock.at
    assert session.call("set_device_info", {"brightness": 7}) == {"error_code": 0}
    assert session.call("set_device_info", {"brightness": 101}) == {"error_code": -1008}
    clock.at += 1
    assert session.call("set_device_info", {"device_on": False}) == {"error_code": 0}
    assert session.call("get_device_info")["result"]["device_on"] is False
    clock.at += 1
    info = session.call("get_device_info")["result"]
    assert (info["device_on"], info["brightness"]) == (True, 7)
    clock.at += 3600
    assert [(change.at - told, change.on) for change in device.changes[1:]] == [(2, True), (3, False)]
    assert device.changes[1].detail.startswith("set_device_info from 127.0.0.1:")
    assert device.changes[1].detail.endswith(", late")


def test_what_was_accepted_may_be_impossible_by_the_time_it_is_done(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, faults="lag=2")
    session = Klap(device).log_in()
    for delay_s in (60, 600):
        timer = {"enable": True, "delay": delay_s, "desired_states": {"on": True}}
        assert session.call("add_countdown_rule", timer)["error_code"] == 0
    clock.at += 3
    assert device.countdown is not None
    assert device.countdown["delay"] == 60


def test_what_is_late_is_forgotten_with_the_power(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, faults="lag=2..3")
    Klap(device).log_in().call("set_device_info", {"device_on": True})
    device.restart()
    clock.at += 5
    assert not device.on


def test_a_late_clock_is_set_as_of_when_it_is_set(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, faults="lag=10", trace="60", on=True)
    session = Klap(device).log_in()
    session.call("set_device_time", {"timestamp": 1_700_000_000, "time_diff": 60, "region": "Europe/Berlin"})
    clock.at += 70
    assert device.time == 1_700_000_060
    assert session.call("get_emeter_data")["result"]["energy_wh"] == 1


def test_a_stale_meter_repeats_its_last_reading(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, on=True, trace="steps:0=100/3600=500")
    session = Klap(device).log_in()
    clock.at += 1800
    before = session.call("get_energy_usage")["result"]
    device.set_faults("power-stale=2x")
    clock.at += 3600
    stale = session.call("get_energy_usage")["result"]
    assert stale == before | {"local_time": "2026-07-13 13:30:00"}
    assert stale["current_power"] == 100_000
    assert session.call("get_emeter_data")["result"]["power_mw"] == 500_000, "nothing was read before: a fresh reading"
    assert session.call("get_energy_usage")["result"]["current_power"] == 500_000
    device.set_faults("power-stale")
    device.press()
    assert session.call("get_energy_usage")["result"]["current_power"] == 500_000
    assert device.power_w == 0


def test_a_nonsensical_meter_is_far_below_zero_or_far_over_its_maximum(add: Add) -> None:
    device = add("P110", on=True, trace="100", faults="power-nonsense", seed=3)
    session = Klap(device).log_in()
    told_w = [session.call("get_current_power")["result"]["current_power"] for _ in range(30)]
    usage = session.call("get_energy_usage")["result"]
    told_w.append(usage["current_power"] / 1000)
    emeter = session.call("get_emeter_data")["result"]
    told_w.append(emeter["power_mw"] / 1000)
    assert emeter["current_ma"] == pytest.approx(emeter["power_mw"] / 230, abs=1)
    assert all(abs(power_w) > 3 * 3680 for power_w in told_w)
    assert {power_w > 0 for power_w in told_w} == {True, False}
    assert usage["today_energy"] == 0
    device.set_faults("")
    assert session.call("get_current_power")["result"]["current_power"] == 100


def test_a_device_that_reboots_is_away_and_loses_session_and_countdown(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, on=True)
    session = Klap(device).log_in()
    began = clock.at
    device.set_faults("reboots=30+5")
    timer = {"enable": True, "delay": 33, "desired_states": {"on": False}}
    session.call("add_countdown_rule", timer)
    clock.at = began + 29
    assert session.call("get_device_info")["error_code"] == 0
    clock.at = began + 31
    with pytest.raises(GONE):
        session.call("get_device_info")
    clock.at = began + 35
    wait_until_open(device)
    assert session.request(session.seal(session.seq, ON), f"seq={session.seq}").status == 403
    Klap(device).log_in()
    clock.at = began + 36
    assert device.on, "the countdown went with the power"
    clock.at = began + 100
    assert [change.at - began for change in device.changes if change.by == "start"] == [0, 30, 65, 100]


def test_a_reboot_that_nobody_saw_still_ends_the_session(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, faults="reboots=30+5")
    session = Klap(device).log_in()
    clock.at += 36
    wait_until_open(device)
    assert session.request(session.seal(session.seq, ON), f"seq={session.seq}").status == 403
    device.set_faults("")
    Klap(device).log_in()
    clock.at += 3600
    assert [change.by for change in device.changes] == ["start", "start"]
    device.set_faults("reboots=10+5")
    clock.at += 11
    assert device.changes[-1].at == clock.at - 1, "the seconds count from when the fault was set"


def test_a_reboot_cuts_connections_also_when_nobody_saw_it(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, faults="reboots=30+5")
    with socket.create_connection((device.host, device.port), timeout=10) as line:
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert line.recv(4096)
        clock.at += 36
        with suppress(ConnectionResetError):
            assert line.recv(1) == b""


def test_nobody_watches_a_device_that_will_stay(add: Add, clock: Clock) -> None:
    device = add("P110", faults="offline=10+30", now=clock)
    watching = device._doorkeeper._watching
    assert watching is not None
    assert not watching.done()
    clock.at += 41
    end = time.monotonic() + 10
    while not watching.done() and time.monotonic() < end:
        time.sleep(0.01)
    assert watching.done()


def wait_until_open(device: Device) -> None:
    """Wait until the device answers an unencrypted request."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with suppress(*GONE):
            post_json(device, "/", {})
            return
        time.sleep(0.01)
    raise AssertionError("it stays away")


def test_handshakes_can_be_struck_alone(add: Add) -> None:
    device = add("P110", faults="500.handshake=once")
    assert Klap(device).greet().status == 500
    assert Klap(device).log_in().call("get_device_info")["error_code"] == 0


def test_batches_can_be_refused_or_end_at_the_first_error(faulty: Faulty) -> None:
    device, session = faulty("no-batch")
    requests = {"requests": [{"method": "get_nothing"}, {"method": "get_device_info"}]}
    assert session.call("multipleRequest", requests) == {"error_code": 1200}
    device.set_faults("batch-stops")
    assert [row["method"] for row in session.call("multipleRequest", requests)["result"]["responses"]] == [
        "get_nothing"
    ]


def test_a_share_strikes_about_as_often_as_it_says_and_a_seed_repeats_it() -> None:
    def draw(seed: int) -> list[bool]:
        faults = Faults("drop=0.2", seed=seed)
        return [faults.strikes("drop", "request") for _ in range(1000)]

    assert 150 < sum(draw(1)) < 250
    assert draw(1) == draw(1) != draw(2)


def test_no_faults_are_false_and_any_are_true() -> None:
    told = {text: bool(Faults(text)) for text in ("", " , ", "drop", "offline", "offline=1+2", "reboots=30+5")}
    assert told == {text: text.strip(" ,") != "" for text in told}


def test_a_device_that_is_offline_refuses_connections_until_it_is_back(faulty: Faulty) -> None:
    device, session = faulty("offline")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            send(session)
    address = device.address
    device.set_faults("")
    assert device.address == address
    assert session.log_in().call("get_device_info")["error_code"] == 0


def test_going_offline_cuts_connections(add: Add) -> None:
    device = add("P110")
    with socket.create_connection((device.host, device.port), timeout=10) as line:
        device.set_faults("offline")
        with suppress(ConnectionResetError):  # a connection not yet accepted is reset, an accepted one is closed
            assert line.recv(1) == b""


def test_an_offline_window_follows_the_devices_clock(add: Add, clock: Clock) -> None:
    device = add("P110", faults="offline=10+30", now=clock)

    def is_open() -> bool:
        try:
            post_json(device, "/", {})
        except ConnectionError:
            return False
        return True

    def becomes(wanted: bool) -> bool:
        end = time.monotonic() + 5
        while is_open() != wanted and time.monotonic() < end:
            time.sleep(0.01)
        return is_open() == wanted

    assert is_open()
    clock.at += 11
    assert becomes(False)
    clock.at += 30
    assert becomes(True)


def test_a_device_may_start_offline(add: Add) -> None:
    device = add("P110", faults="offline")
    with pytest.raises(ConnectionRefusedError):
        Klap(device).greet()
    device.set_faults("")
    Klap(device).log_in()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slwo=1", "unknown fault 'slwo'; did you mean 'slow'?"),
        ("frobnicate", f"unknown fault 'frobnicate'; choose from: {', '.join(KINDS)}"),
        ("slow", "fault 'slow': slow wants seconds, such as slow=0.2 or slow=0.025..0.055"),
        ("slow=-1", "fault 'slow=-1': slow wants seconds, such as slow=0.2 or slow=0.025..0.055"),
        ("slow=2..1", "fault 'slow=2..1': the span ends before it begins"),
        ("drop=2", "fault 'drop=2': how often is 'once', 'always', a count such as '3x', or a share from 0 to 1"),
        ("drop=", "fault 'drop=': a value is missing after '='"),
        ("drop.login", "fault 'drop.login': unknown stage 'login'; stages: request, handshake, any"),
        ("offline.request", "fault 'offline.request': unknown stage 'request'; stages: none for this fault"),
        ("offline=x", "fault 'offline=x': offline wants seconds, such as offline=30 or offline=10+30"),
        ("ingore", "unknown fault 'ingore'; did you mean 'ignore'?"),
        ("lag", "fault 'lag': lag wants seconds, such as lag=0.2 or lag=0.025..0.055"),
        ("lag=2@x", "fault 'lag=2@x': how often is 'once', 'always', a count such as '3x', or a share from 0 to 1"),
        ("ignore.handshake", "fault 'ignore.handshake': unknown stage 'handshake'; stages: none for this fault"),
        ("freeze=x", "fault 'freeze=x': how often is 'once', 'always', a count such as '3x', or a share from 0 to 1"),
        ("power-stalled", "unknown fault 'power-stalled'; did you mean 'power-stale'?"),
        ("reboots", "fault 'reboots': reboots wants seconds up and seconds away, such as reboots=30+5"),
        ("reboots=30", "fault 'reboots=30': reboots wants seconds up and seconds away, such as reboots=30+5"),
        ("reboots=30+0", "fault 'reboots=30+0': reboots wants seconds up and seconds away, such as reboots=30+5"),
        ("clock-lost=1", "fault 'clock-lost=1': clock-lost takes no value"),
    ],
)
def test_nonsense_is_refused_in_one_line(add: Add, text: str, message: str) -> None:
    with pytest.raises(SimulatorError) as refusal:
        add("P110", faults=text)
    assert str(refusal.value) == message
    assert "\n" not in message
