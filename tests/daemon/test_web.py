"""The daemon's endpoints over real HTTP, asked as monitoring, browsers and nuisances would."""

from __future__ import annotations

import datetime as dt
import http.client
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tapo_automate import ConfigError, Rule, Setting, Unreachable
from tapo_automate.daemon import Health, Outcome, Retrying, Stepped
from tapo_automate.daemon.metrics import Metrics
from tapo_automate.daemon.sdnotify import STALLED_S
from tapo_automate.daemon.web import MOST_REQUESTS, Endpoints, loopback
from tapo_automate.rules.model import AtTime, Firing

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
WELL = Health(
    now=NOON,
    started=NOON - dt.timedelta(hours=1),
    progress_s=2.5,
    clock_plausible=True,
    journal="",
    book="",
    rules=7,
    devices={"porch": "", "washer": "192.168.1.31: no answer within 8 s"},
    blocked=frozenset({"washer"}),
    next_due=NOON + dt.timedelta(minutes=10),
    waiting=3,
)


class Served:
    """Endpoints over a health that a test can change."""

    def __init__(self) -> None:
        self.health = WELL
        self.metrics = Metrics(lambda: self.health)
        self.endpoints = Endpoints(("127.0.0.1", 0), lambda: self.health, self.metrics)
        self.endpoints.start()
        self.port = int(self.endpoints.url.rpartition(":")[2])

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def say(self, raw: bytes) -> bytes:
        """Send raw bytes and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(raw)
            answer = b""
            while more := connection.recv(65_536):
                answer += more
        return answer

    def series(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Return the value of each series, by name and labels, as a stranger reads them."""
        _, text = self.ask("/metrics")
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


@pytest.fixture
def served() -> Iterator[Served]:
    house = Served()
    yield house
    house.endpoints.close()


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Served]:
    """Endpoints for tests that change nothing about them."""
    house = Served()
    yield house
    house.endpoints.close()


def test_a_daemon_whose_planner_comes_round_is_well(served: Served) -> None:
    assert served.ask("/healthz") == (200, "ok\n")
    served.health = replace(WELL, progress_s=STALLED_S + 15)
    assert served.ask("/healthz") == (503, "the planner has stood still for 45 s\n")


def test_ready_is_a_daemon_that_takes_firings_on(served: Served) -> None:
    served.health = replace(WELL, devices={}, blocked=frozenset())
    assert served.ask("/readyz") == (200, "ok\n")
    served.health = replace(WELL, clock_plausible=False)
    assert served.ask("/readyz") == (503, "the clock is wrong; firings are held until it is set\n")
    served.health = replace(WELL, progress_s=STALLED_S)
    assert served.ask("/readyz") == (503, "the planner has stood still for 30 s\n")
    served.health = WELL
    served.endpoints.stopping()
    assert served.ask("/readyz") == (503, "stopping\n")
    assert served.ask("/healthz") == (200, "ok\n"), "a daemon that stops in good order is not to be killed"


def test_what_is_wrong_beside_is_listed_and_keeps_nobody_from_being_ready(served: Served) -> None:
    served.health = replace(WELL, journal="the disk is full", book="rules.toml:3:1: latitude = 52.5 …")
    assert served.ask("/readyz") == (
        200,
        "ok\n"
        "journal: the disk is full\n"
        "rules: those that were offered last have errors; the log shows them\n"
        "devices in trouble: washer\n"
        "credentials refused by: washer\n",
    )


def test_head_gives_the_same_answer_without_its_body(unchanged: Served) -> None:
    assert unchanged.ask("/healthz", "HEAD") == (200, "")
    answer = unchanged.say(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"Content-Length: 3\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/", "/health", "/healthz/", "/metrics/../etc/passwd", "/HEALTHZ"])
def test_there_are_three_paths_and_no_others(unchanged: Served, path: str) -> None:
    assert unchanged.ask(path) == (404, "not found; there are /healthz, /readyz and /metrics\n")


def test_a_question_mark_changes_nothing(unchanged: Served) -> None:
    assert unchanged.ask("/healthz?verbose=1") == (200, "ok\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_nothing_but_reading_is_allowed(unchanged: Served, method: str) -> None:
    answer = unchanged.say(f"{method} /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.0 405 ")
    assert b"Allow: GET, HEAD\r\n" in answer
    assert answer.endswith(b"\r\n\r\nonly GET and HEAD are answered\n")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9", 200),
        ("127.8.8.8", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:9", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:80", 403),
        ("192.168.1.31", 403),
        ("evil.example@127.0.0.1.nip.io", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_a_name_that_was_made_to_lead_here_gets_no_answer(unchanged: Served, host: str, status: int) -> None:
    assert unchanged.ask("/metrics", Host=host)[0] == status


def test_two_hosts_are_one_too_many_and_none_is_an_old_client(unchanged: Served) -> None:
    assert unchanged.say(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n").startswith(
        b"HTTP/1.0 403"
    )
    assert unchanged.say(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/x\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
        b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: \xff\r\n\r\n",
    ],
    ids=["nothing", "TLS", "no path", "version 9.9", "no version", "long path", "many headers", "long header", "bytes"],
)
def test_what_is_no_proper_request_harms_nobody(unchanged: Served, raw: bytes) -> None:
    try:
        answer = unchanged.say(raw)
    except ConnectionResetError:  # hung up on while it was still talking
        answer = b""
    assert b"HTTP/1.0 200" not in answer
    assert b"aaaa" not in answer, "an answer repeats nothing of the request"
    assert unchanged.ask("/healthz") == (200, "ok\n")


def test_clients_that_say_nothing_are_bounded_and_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tapo_automate.daemon.web._Handler.timeout", 0.5)
    silent = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(MOST_REQUESTS)]
    try:
        with socket.create_connection(("127.0.0.1", served.port), timeout=30) as one_more:
            assert one_more.recv(100) == b"", "hung up on at once"
        assert silent[0].recv(100) == b"", "when its time was over"
    finally:
        for connection in silent:
            connection.close()


def test_health_that_cannot_be_told_is_said_so(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.health = None  # type: ignore[assignment]  # as a mistake of ours would have it
    assert served.ask("/healthz") == (500, "the daemon cannot say how it is; its log shows why\n")
    assert served.ask("/metrics")[0] == 500
    assert "unexpected error while health was asked for" in caplog.text


def firing(late_s: float = 0) -> Firing:
    due = NOON - dt.timedelta(seconds=late_s)
    return Firing(Rule("tea", ("porch",), AtTime(dt.time(12)), Setting(on=True)), "porch", due, due)


def test_what_happened_is_counted(served: Served) -> None:
    away = Unreachable("192.168.1.33", "no answer within 8 s")
    for event in (
        Outcome(firing(0.2), NOON, None),
        Outcome(firing(40), NOON, None, tries=3),
        Outcome(firing(0.3), NOON, None, "already", 0),
        Outcome(firing(900), NOON, away, "missed"),
        Outcome(firing(900), NOON, away, "failed"),
        Retrying(firing(), NOON, away, NOON),
        Stepped(NOON, -3600),
    ):
        served.metrics.observe(event)
    served.metrics.reloaded("refused")
    series = served.series()
    results = {dict(labels)["result"]: value for (name, labels), value in series.items() if "firings" in name}
    assert results == {
        "done": 2, "already": 1, "withheld": 0, "superseded": 0, "missed": 1, "failed": 1, "unfinished": 0
    }  # fmt: skip
    assert series["tapo_automate_missed_total", ()] == 1
    assert series["tapo_automate_retries_total", ()] == 1
    assert series["tapo_automate_clock_steps_total", ()] == 1
    assert series["tapo_automate_reloads_total", (("result", "refused"),)] == 1
    assert series["tapo_automate_reloads_total", (("result", "ok"),)] == 0
    assert series["tapo_automate_firing_late_seconds_count", ()] == 3, "what was not done was not late either"
    assert series["tapo_automate_firing_late_seconds_bucket", (("le", "1.0"),)] == 2
    assert series["tapo_automate_firing_late_seconds_bucket", (("le", "60.0"),)] == 3


def test_what_is_can_be_read_off(served: Served) -> None:
    series = served.series()
    assert series["tapo_automate_device_up", (("device", "porch"),)] == 1
    assert series["tapo_automate_device_up", (("device", "washer"),)] == 0
    assert series["tapo_automate_logins_blocked", ()] == 1
    assert series["tapo_automate_next_firing_timestamp_seconds", ()] == WELL.next_due.timestamp()  # type: ignore[union-attr]
    assert series["tapo_automate_planner_progress_seconds", ()] == 2.5
    assert series["tapo_automate_rules", ()] == 7
    assert series["tapo_automate_commands_waiting", ()] == 3
    assert [series[f"tapo_automate_{name}", ()] for name in ("journal_ok", "rules_ok", "clock_plausible")] == [1, 1, 1]
    served.health = replace(WELL, journal="x", book="x", clock_plausible=False, next_due=None)
    series = served.series()
    assert [series[f"tapo_automate_{name}", ()] for name in ("journal_ok", "rules_ok", "clock_plausible")] == [0, 0, 0]
    assert ("tapo_automate_next_firing_timestamp_seconds", ()) not in series, "nothing is planned"


def test_names_are_escaped_and_addresses_left_out(served: Served) -> None:
    name = 'a"b\\c\nd} 1'
    served.health = replace(WELL, devices={name: "192.168.1.31: no answer"}, book="porch at 52.5, 13.4")
    _, text = served.ask("/metrics")
    assert 'device="a\\"b\\\\c\\nd} 1"' in text
    assert served.series()["tapo_automate_device_up", (("device", name),)] == 0
    assert "192.168" not in text
    assert "52.5" not in text
    assert "192.168" not in served.ask("/readyz")[1]


def test_the_format_is_the_one_asked_for(unchanged: Served) -> None:
    plain = unchanged.say(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in plain
    assert b"_created" not in plain
    _, open_metrics = unchanged.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert open_metrics.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:9", ("::1", 9)),
        ("127.1.2.3:1", ("127.1.2.3", 1)),
    ],
)
def test_an_address_of_this_machine_alone_is_taken(text: str, address: tuple[str, int]) -> None:
    assert loopback(text) == address


@pytest.mark.parametrize("text", ["0.0.0.0:80", "192.168.1.5:80", "[::]:80", "example.com:80"])
def test_an_address_that_others_reach_is_refused(text: str) -> None:
    host = text.rpartition(":")[0].strip("[]")
    with pytest.raises(ConfigError) as refused:
        loopback(text)
    assert str(refused.value) == (
        f"{host} is not a loopback address; health is told on 127.0.0.1 and [::1] only, since everybody may ask"
    )


@pytest.mark.parametrize(
    "text", ["8080", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "[::1:80", "a@127.0.0.1:1", "127.0.0.1:80/x", ""]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loopback(text)
    assert str(refused.value) == f"{text!r} is not a host and a port; write it as 127.0.0.1:8080"


def test_a_port_in_use_is_known_before_anything_begins(unchanged: Served) -> None:
    with pytest.raises(ConfigError) as refused:
        Endpoints(("127.0.0.1", unchanged.port), lambda: WELL, unchanged.metrics)
    assert str(refused.value) == (
        f"cannot listen on 127.0.0.1:{unchanged.port}: Address already in use; choose another port"
    )


def test_ipv6_is_loopback_too() -> None:
    with socket.socket(socket.AF_INET6) as trial:
        try:
            trial.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    endpoints = Endpoints(("::1", 0), lambda: WELL, Metrics(lambda: WELL))
    endpoints.start()
    try:
        assert endpoints.url.startswith("http://[::1]:")
        connection = http.client.HTTPConnection("::1", int(endpoints.url.rpartition(":")[2]), timeout=30)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
        connection.close()
    finally:
        endpoints.close()


def test_endpoints_that_never_answered_can_be_closed() -> None:
    endpoints = Endpoints(("127.0.0.1", 0), lambda: WELL, Metrics(lambda: WELL))
    port = int(endpoints.url.rpartition(":")[2])
    endpoints.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)
