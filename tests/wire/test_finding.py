"""Where a device is now that is not where it was, and how often that is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tapo_automate.wire.discovery import Found
from tapo_automate.wire.finding import FRESH_S, SEARCH_S, UNICAST_S, Finder
from tapo_automate.wire.udp import Target

A, B, C = "02-00-00-00-00-0A", "02-00-00-00-00-0B", "02-00-00-00-00-0C"
EVERYWHERE = [Target("127.255.255.255")]


def found(mac: str, address: str) -> Found:
    return Found(mac, address, 80, False, "P100", "P100(EU)", "SMART.TAPOPLUG", "klap", "", False, None)


class Network:
    """A network to be asked: who is where, when, and what was asked of it."""

    def __init__(self, places: dict[str, str]) -> None:
        self.places = places  # MAC -> address
        self.asked: list[str] = []
        self.now_s = 1000.0
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(
        self, targets: Sequence[Target], *, timeout_s: float, until: Callable[[Found], bool] | None
    ) -> list[Found]:
        [target] = targets
        self.asked.append(target.address)
        self.meanwhile()
        told = []
        for mac, address in self.places.items():
            if target in EVERYWHERE or target.address == address:
                told.append(found(mac, address))
                if until is not None and until(told[-1]):
                    return told
        self.now_s += timeout_s
        return told

    def finder(self) -> Finder:
        return Finder(self, lambda: EVERYWHERE, lambda: self.now_s)


def test_one_that_has_moved_is_found_by_asking_everybody() -> None:
    house = Network({A: "10.0.0.9"})
    assert house.finder().find(A, "10.0.0.5:80") == "10.0.0.9"
    assert house.asked == ["10.0.0.5", "127.255.255.255"]


def test_one_that_is_where_it_was_is_asked_there_alone() -> None:
    house = Network({A: "10.0.0.5"})
    assert house.finder().find(A, "10.0.0.5") == "10.0.0.5"
    assert house.asked == ["10.0.0.5"]


def test_another_one_at_its_address_is_told() -> None:
    house = Network({B: "10.0.0.5", A: "10.0.0.9"})
    finder = house.finder()
    assert finder.who_is_at("10.0.0.5") is None
    assert finder.find(A, "10.0.0.5") == "10.0.0.9"
    assert (finder.who_is_at("10.0.0.5"), finder.who_is_at("10.0.0.9")) == (B, A)
    house.now_s += FRESH_S
    assert finder.who_is_at("10.0.0.5") is None


def test_what_a_search_has_heard_serves_those_who_ask_next() -> None:
    house = Network({B: "10.0.0.8", A: "10.0.0.9"})
    finder = house.finder()
    assert finder.find(A, "") == "10.0.0.9"
    assert finder.find(B, "10.0.0.5") == "10.0.0.8"
    assert house.asked == ["127.255.255.255"]


def test_one_that_is_off_is_searched_for_once_in_half_a_minute() -> None:
    house = Network({})
    finder = house.finder()
    begun_s = house.now_s
    for _ in range(20):
        assert finder.find(A, "10.0.0.5") is None
        house.now_s += 1
    assert house.asked == ["10.0.0.5", "127.255.255.255"]
    house.places[A] = "10.0.0.9"
    house.now_s = begun_s + UNICAST_S + SEARCH_S + FRESH_S
    assert finder.find(A, "10.0.0.5") == "10.0.0.9", "and found again later"


def test_one_that_has_answered_somebody_elses_search_is_not_missed_any_more() -> None:
    house = Network({})
    finder = house.finder()
    assert finder.find(A, "") is None
    house.places = {A: "10.0.0.9", B: "10.0.0.8"}
    assert finder.find(B, "") == "10.0.0.8"
    assert finder.find(A, "") in ("10.0.0.9", None)
    house.now_s += FRESH_S
    assert finder.find(A, "") == "10.0.0.9"


def test_a_last_host_that_cannot_be_read_is_passed_over() -> None:
    house = Network({A: "10.0.0.9"})
    assert house.finder().find(A, "[nonsense") == "10.0.0.9"
    assert house.asked == ["127.255.255.255"]


def test_one_search_serves_all_who_wait_for_it() -> None:
    """A house that comes up after a power cut, without the half of its devices."""
    macs = [f"02-00-00-00-01-{number:02X}" for number in range(32)]
    house = Network({mac: f"10.0.0.{number + 10}" for number, mac in enumerate(macs) if number % 2})
    gate = threading.Barrier(len(macs))
    house.meanwhile = lambda: time.sleep(0.1)  # so that all of them have come by then
    finder = house.finder()

    def look(number: int) -> str | None:
        gate.wait(timeout=30)
        return finder.find(macs[number], "")

    with ThreadPoolExecutor(len(macs)) as pool:
        where = list(pool.map(look, range(len(macs))))
    assert where == [f"10.0.0.{number + 10}" if number % 2 else None for number in range(len(macs))]
    assert len(house.asked) <= 3
