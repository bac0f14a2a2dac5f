"""Every fault on every device that is played back: our own errors alone, nothing done twice, and usable afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tapo_automate.device import Credentials
from tapo_automate.errors import AuthRefused, DeviceError, Unreachable
from tapo_automate.wire import Client, Surroundings, connect, use
from wire.other_dumps import DUMPS, MADE_UP
from wire.other_faults import MISHAPS
from wire.other_host import GENERATIONS, Host
from wire.other_lines import SECRET, USER
from wire.other_replay import Replay
from wire.other_server import late

KIND = {"AES": "aes", "KLAP": "klap"}


class Faulty:
    def __init__(self, stack: ExitStack, name: str, speaks: str) -> None:
        self.replay = Replay(DUMPS[name])
        self.host = stack.enter_context(Host(self.replay.reply, speaks, mac=self.replay.mac))
        self._stack = stack
        self.client = self.connect()
        self.info = self.client.call("get_device_info")

    def connect(self, **wishes: float) -> Client:
        client = connect(self.host.address, Credentials(USER, SECRET), **wishes)  # type: ignore[arg-type]
        self._stack.callback(client.close)
        return client

    def reboots(self) -> int:
        return sum(method == "device_reboot" for method, _ in self.replay.told)

    def is_usable(self) -> None:
        """Hold the device to an answer; what a person has to undo was undone."""
        for waiting in self.host.faults.values():
            waiting.clear()
        self.client.forget_refusal()
        with suppress(DeviceError):  # the one that finds out that the session is gone
            self.client.call("get_device_info")
        assert self.client.call("get_device_info") == self.info


@pytest.fixture
def faulty() -> Iterator[object]:
    with ExitStack() as stack:
        yield lambda name, speaks: Faulty(stack, name, speaks)


def announced(name: str) -> str:
    return KIND[DUMPS[name]["discovery_result"]["result"]["mgt_encrypt_schm"]["encrypt_type"]]


ALL = [(name, announced(name)) for name in DUMPS] + [("plug", each) for each in GENERATIONS if each != "klap"]


def _meets(it: Faulty, mishap: str, place: str, times: int) -> DeviceError | None:
    """Let a read meet a mishap so often; return what was said of it."""
    it.host.faults[place] = [MISHAPS[mishap].fault] * times
    if place != "command":
        it.host.line.forget()
    said = _tried(lambda: it.client.call("get_device_info"))
    if not isinstance(said, DeviceError):
        assert said == it.info
        return None
    assert str(said).startswith(it.host.address)
    assert SECRET not in repr(said)
    return said


def _tried(call: Callable[[], object]) -> object:
    """Return what comes of it, an error of a device's included."""
    try:
        return call()
    except DeviceError as error:
        return error


@pytest.mark.parametrize(("name", "speaks"), ALL)
def test_a_command_that_meets_a_mishap_once(faulty: object, name: str, speaks: str) -> None:
    it: Faulty = faulty(name, speaks)  # type: ignore[operator]
    failed = {}
    for mishap, what in MISHAPS.items():
        error = _meets(it, mishap, "command", 1)
        if (error is None) is not (it.host.line.name in what.heals):
            failed[mishap] = str(error)
        it.is_usable()
    assert failed == {}
    assert it.host.rude == []


@pytest.mark.parametrize("speaks", GENERATIONS)
@pytest.mark.parametrize("place", ["question", "login", "command"])
@pytest.mark.parametrize("times", [1, 9])
def test_a_mishap_anywhere_is_an_error_of_ours(faulty: object, speaks: str, place: str, times: int) -> None:
    it: Faulty = faulty("plug", speaks)  # type: ignore[operator]
    turn = GENERATIONS.index(speaks) + times
    for mishap in list(MISHAPS)[turn % 3 :: 3]:  # another third each time: TPAP's logins take a while
        error = _meets(it, mishap, place, times)
        if times == 9 and place == "command":
            assert error is not None, mishap
        it.is_usable()


@pytest.mark.parametrize("speaks", GENERATIONS)
def test_what_may_not_be_done_twice_is_not(faulty: object, speaks: str) -> None:
    it: Faulty = faulty("plug", speaks)  # type: ignore[operator]
    for mishap, what in MISHAPS.items():
        before = it.reboots()
        it.host.faults["command"] = [what.fault]
        said = _tried(lambda: it.client.call("device_reboot", {"delay": 1}))
        if isinstance(said, DeviceError):
            assert it.reboots() - before == what.done, mishap
            assert said.outcome_unknown or not what.done, mishap
        else:
            assert it.reboots() - before == 1, mishap
        it.is_usable()


@pytest.mark.parametrize("speaks", GENERATIONS)
def test_an_answer_that_comes_too_late_is_none(faulty: object, speaks: str) -> None:
    it: Faulty = faulty("plug", speaks)  # type: ignore[operator]
    hasty = it.connect(read_timeout_s=2)
    assert hasty.call("get_device_info") == it.info
    it.host.faults["command"] = [late(4)]
    with pytest.raises(Unreachable, match="no answer within 2 s") as raised:
        hasty.call("device_reboot", {"delay": 1})
    assert (raised.value.outcome_unknown, it.reboots()) == (True, 1)
    it.is_usable()


@pytest.mark.parametrize("speaks", GENERATIONS)
def test_a_session_that_is_gone_is_renewed_unnoticed(faulty: object, speaks: str) -> None:
    it: Faulty = faulty("bulb", speaks)  # type: ignore[operator]
    for _ in range(3):
        it.host.line.forget()
        assert it.client.call("get_device_info") == it.info
        it.connect().call("get_device_info")  # another program, which ends our session
        assert it.client.call("get_device_info") == it.info


@pytest.mark.parametrize("name", DUMPS)
def test_a_device_that_is_busy_for_a_moment_is_asked_again(faulty: object, name: str) -> None:
    use(Surroundings(spacing_s=0, patience_s=(0.01, 0.01)))
    it: Faulty = faulty(name, announced(name))  # type: ignore[operator]
    it.replay.codes = [-1301, -1301]
    assert it.client.call("get_device_info") == it.info
    it.host.faults["command"] = [MISHAPS["429"].fault]
    assert it.client.call("get_device_info") == it.info


@pytest.mark.parametrize("to", GENERATIONS)
@pytest.mark.parametrize("of", GENERATIONS)
def test_a_device_that_changes_its_generation_is_followed(faulty: object, of: str, to: str) -> None:
    it: Faulty = faulty("plug", of)  # type: ignore[operator]
    it.host.speaks = to
    with suppress(AuthRefused):
        assert it.client.call("get_device_info") == it.info
    assert it.client.call("get_device_info") == it.info
    assert it.client.transport == to.partition("-")[0]
    assert it.host.rude == []


@pytest.mark.parametrize("speaks", GENERATIONS)
def test_a_device_that_is_gone_is_unreachable(faulty: object, speaks: str) -> None:
    it: Faulty = faulty("strip", speaks)  # type: ignore[operator]
    it.host.__exit__()
    it.client.close()
    with pytest.raises(Unreachable):
        it.client.call("get_device_info")


def test_the_made_up_devices_are_of_each_kind() -> None:
    assert set(MADE_UP) == {"plug", "bulb", "strip"}
