"""The commands of system, clock, firmware, network and energy over HTTP, against devices that other hands wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import AuthRefused, DeviceError, Refused, Unreachable, Unsupported
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import Client, SmartDevice, connect, open_device
from tapo_automate.wire.commands.clock import get_device_time, set_device_time
from tapo_automate.wire.commands.components import component_nego, qs_component_nego
from tapo_automate.wire.commands.energy import (
    get_current_power,
    get_electricity_price_config,
    get_emeter_data,
    get_energy_usage,
    get_max_power,
)
from tapo_automate.wire.commands.energy_data import get_energy_data, get_power_data
from tapo_automate.wire.commands.firmware import (
    AutoUpdate,
    fw_download,
    get_auto_update_info,
    get_fw_download_state,
    get_latest_fw,
    set_auto_update_info,
)
from tapo_automate.wire.commands.info import get_device_info
from tapo_automate.wire.commands.network import get_wireless_scan_info, set_wireless_info
from tapo_automate.wire.commands.setup import get_inherit_info, set_inherit_info, set_qs_info
from tapo_automate.wire.commands.system import (
    device_reboot,
    device_reset,
    get_connect_cloud_state,
    get_matter_setup_info,
)
from tapo_automate.wire.commands.usage import get_device_usage

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)
BERLIN = ZoneInfo("Europe/Berlin")
MODELS = [
    ("P100", "klap"),
    ("P100", "aes-v1"),
    ("P105", "klap"),
    ("P110", "klap"),
    ("P110", "aes"),
    ("P115", "klap"),
    ("L510", "klap"),
    ("L530", "klap"),
    ("L630", "klap"),
    ("L900", "klap"),
    ("L920", "klap"),
    ("L430C", "klap"),
    ("P300", "klap"),
    ("P110", "tpap"),
]


class Clock:
    """What time it is to the devices: it moves when a test moves it."""

    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 20, 12, tzinfo=BERLIN)

    def __call__(self) -> float:
        return self.at.timestamp()

    def move(self, **by: float) -> None:
        self.at = (self.at.astimezone(dt.UTC) + dt.timedelta(**by)).astimezone(BERLIN)


Add = Callable[..., tuple[Device, Client]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def add(clock: Clock) -> Iterator[Add]:
    clients: list[Client] = []
    with Fleet() as fleet:

        def start(model: str = "P110", transport: str = "klap", **options: object) -> tuple[Device, Client]:
            named = {"username": USER, "password": PASSWORD, "now": clock, "on": True, **options}
            device = fleet.add(model, transport=transport, **named)  # type: ignore[arg-type]
            clients.append(connect(device.address, ACCOUNT, read_timeout_s=5))
            return device, clients[-1]

        yield start
        for client in clients:
            client.close()


@pytest.mark.parametrize(("model", "transport"), MODELS)
def test_each_model_says_what_it_is_and_takes_the_time(model: str, transport: str, add: Add, clock: Clock) -> None:
    device, client = add(model, transport)
    info = get_device_info(client)
    assert (info.model, info.mac) == (model, device.mac)
    assert info.latitude_deg is not None
    assert "device" in component_nego(client).versions
    assert qs_component_nego(client).model in (model, None)
    assert get_connect_cloud_state(client).text == "connected"
    assert get_fw_download_state(client).state == "idle"
    assert not get_latest_fw(client).is_newer
    heard = get_wireless_scan_info(client).networks
    assert info.ssid in {each.ssid for each in heard}
    assert len(heard) > 10  # more than a page
    assert [each.signal for each in heard] == sorted((each.signal for each in heard), reverse=True)

    set_device_time(client, clock.at - dt.timedelta(hours=3), "America/Denver")
    told = get_device_time(client)
    assert (told.region, told.standard_offset_min, told.lost) == ("America/Denver", -420, False)
    assert told.at == clock.at - dt.timedelta(hours=3)


def test_the_past_of_a_meter_is_the_integral_of_its_load(add: Add, clock: Clock) -> None:
    clock.at = dt.datetime(2026, 10, 25, 0, tzinfo=BERLIN)  # clocks go back at three
    _, client = add("P110", trace="120")
    clock.move(hours=27.5)  # one hour of it comes twice: 02:30 of the next day

    hours = get_energy_data(client, 60, dt.date(2026, 10, 25), dt.date(2026, 10, 26))
    told = {slot.start.isoformat(): slot.energy_wh for slot in hours.slots}
    assert told["2026-10-25T00:00:00+02:00"] == 120
    assert told["2026-10-25T23:00:00+01:00"] == 120
    assert told["2026-10-26T02:00:00+01:00"] == 60
    assert told["2026-10-26T03:00:00+01:00"] is None
    assert hours.total_wh == pytest.approx(27.5 * 120, abs=120)  # the day of 25 hours has 24 slots on some devices

    days = get_energy_data(client, 1440, dt.date(2026, 10, 1))
    of_day = {slot.start.date().isoformat(): slot.energy_wh for slot in days.slots}
    assert (of_day["2026-10-24"], of_day["2026-10-25"], of_day["2026-10-26"]) == (0, 25 * 120, 300)
    assert of_day["2026-10-27"] is None
    assert days.total_wh == 27.5 * 120

    months = get_energy_data(client, 43_200, dt.date(2026, 1, 1))
    assert [slot.energy_wh for slot in months.slots] == [0] * 9 + [3300] + [None] * 2

    used = get_energy_usage(client)
    assert (used.today_wh, used.month_wh, used.power_w) == (300, 3300, 120)
    assert (used.today_on_min, used.local_time.isoformat()) == (150, "2026-10-26T02:30:00")
    assert get_device_usage(client).energy_wh is not None


def test_power_is_told_by_five_minutes_and_by_the_hour(add: Add, clock: Clock) -> None:
    _, client = add("P110", trace="steps:0=30/3600=90")
    began = clock.at
    clock.move(hours=2)
    fine = get_power_data(client, 5, began - dt.timedelta(minutes=10), clock.at)
    assert [each.power_w for each in fine.readings] == [None, None, *[30] * 12, *[90] * 12]
    assert fine.readings[2].start == began
    coarse = get_power_data(client, 60, began, clock.at)
    assert [each.power_w for each in coarse.readings] == [30, 90]


def test_a_meter_says_volts_amperes_and_what_it_is_built_for(add: Add, clock: Clock) -> None:
    _, client = add("P110", trace="460")
    clock.move(hours=1)
    measured = get_emeter_data(client)
    assert (measured.power_w, measured.voltage_v, measured.current_a) == (460, 230, 2)
    assert get_current_power(client).power_w == 460
    assert get_max_power(client).power_w == 3680
    assert get_electricity_price_config(client).kind == "constant"


def test_a_meter_of_the_first_kind_tells_its_past_at_once(add: Add, clock: Clock) -> None:
    _, client = add("P110", "aes-v1", trace="100")
    clock.move(hours=2)
    used = get_energy_usage(client)
    assert (len(used.past_24h_wh), len(used.past_7d_wh), len(used.past_30d_wh), len(used.past_1y_wh)) == (24, 7, 30, 12)
    assert 200 in (sum(used.past_24h_wh), used.today_wh)
    with pytest.raises(Unsupported, match=r"its power meter is of version 1 and does not tell this \(get_max_power\)"):
        get_max_power(client)


def test_a_socket_has_a_meter_of_its_own_and_its_strip_the_clock(add: Add, clock: Clock) -> None:
    strip, client = add("P304M", trace="50")
    with pytest.raises(Unsupported, match="it is a power strip, and each of its sockets has a meter: name one"):
        get_energy_usage(client)
    spec = DeviceSpec(id="strip/2", driver="tapo-plug", host=strip.address, socket="2")
    socket: SmartDevice = open_device(spec, ACCOUNT)
    clock.move(hours=2)
    try:
        assert get_energy_usage(socket).today_wh == 100
        assert get_energy_data(socket, 60, clock.at.date()).total_wh == 100
        assert get_device_usage(socket).on_min.today == 120
        set_device_time(socket, clock.at, "Europe/Berlin")
        assert get_device_info(socket).on is True
        with pytest.raises(Unsupported, match="device_reboot is the whole strip's: name the device without /2"):
            device_reboot(socket)
    finally:
        socket.close()
    assert get_device_time(client).region == "Europe/Berlin"
    assert get_device_info(client).on is None


def test_a_plug_without_a_meter_says_so(add: Add) -> None:
    _, client = add("P100")
    for read in (get_energy_usage, get_current_power, get_emeter_data, get_max_power):
        with pytest.raises(Unsupported, match="it has no power meter"):
            read(client)
    with pytest.raises(Unsupported, match="it has no power meter"):
        get_energy_data(client, 60, dt.date(2026, 11, 20))


def test_a_lost_clock_is_said_and_set(add: Add, clock: Clock) -> None:
    device, client = add("P110")
    device.lose_clock()
    assert get_device_time(client).lost
    with pytest.raises(DeviceError, match="its clock is lost"):
        get_energy_data(client, 60, dt.date(2026, 11, 20))
    set_device_time(client, clock.at, "Europe/Berlin")
    assert get_device_time(client).at == clock.at
    assert get_energy_data(client, 60, dt.date(2026, 11, 20)).local_time == clock.at.replace(tzinfo=None)


def test_a_restart_comes_after_its_delay(add: Add, clock: Clock) -> None:
    _, client = add("P110")
    clock.move(hours=1)
    device_reboot(client, 5)
    clock.move(seconds=4)
    assert get_device_info(client).on_for_s == 3604
    clock.move(seconds=2)
    info = get_device_info(client)
    assert (info.on, info.on_for_s) == (True, 1)  # it counts from its start on


def test_firmware_is_found_loaded_and_written(add: Add, clock: Clock) -> None:
    device, client = add("P110")
    before = get_device_info(client).firmware
    device.offer_firmware("9.9.9 Build 270101 Rel.000000", note="Better.")
    latest = get_latest_fw(client)
    assert (latest.version, latest.is_newer, latest.notes) == ("9.9.9 Build 270101 Rel.000000", True, "Better.")
    fw_download(client)
    assert get_fw_download_state(client).at_work
    assert get_device_info(client).firmware == before
    clock.move(minutes=30)
    assert get_device_info(client).firmware == "9.9.9 Build 270101 Rel.000000"
    assert not get_latest_fw(client).is_newer
    assert get_fw_download_state(client).state == "idle"


def test_a_download_that_fails_says_why(add: Add, clock: Clock) -> None:
    device, client = add("P110")
    device.offer_firmware("9.9.9", fails=-1001)
    fw_download(client)
    clock.move(minutes=30)
    assert get_fw_download_state(client).state == "failed: it could not be downloaded"


def test_without_the_internet_nobody_knows_of_newer_firmware(add: Add) -> None:
    device, client = add("P110")
    device.set_internet(False)
    with pytest.raises(Refused) as caught:
        get_latest_fw(client)
    assert caught.value.code == -1007
    assert "the device needs the internet for this and has none: see to its connection" in caught.value.problem
    assert not get_connect_cloud_state(client).connected


def test_renewing_itself_is_set_and_read_back(add: Add) -> None:
    _, client = add("P110")
    wanted = AutoUpdate(enabled=not get_auto_update_info(client).enabled, at_min=210, within_min=60)
    set_auto_update_info(client, wanted)
    assert get_auto_update_info(client) == wanted
    _, first_kind = add("P100")
    with pytest.raises(Unsupported, match="without get_auto_update_info"):
        get_auto_update_info(first_kind)


def test_a_device_that_joins_another_wifi_is_gone_from_this_one(add: Add, clock: Clock) -> None:
    device, client = add("P110")
    set_wireless_info(client, "Elsewhere", "12345678")
    clock.move(minutes=2)
    with pytest.raises(Unreachable):
        get_device_info(client)
    device.set_network(joined=True)
    assert get_device_info(client).ssid == "Elsewhere"


def test_a_set_up_gives_the_device_to_another_account(add: Add, clock: Clock) -> None:
    device, client = add("L530")
    other = Credentials("other@example.com", "another-Passw0rd")
    set_qs_info(client, other, "Elsewhere", "12345678", "wpa2_psk", now=clock.at, zone="UTC", specs="EU")
    clock.move(minutes=2)
    device.set_network(joined=True)
    new = connect(device.address, other)
    try:
        info = get_device_info(new)
        assert (info.ssid, info.region, info.standard_offset_min) == ("Elsewhere", "UTC", 0)
    finally:
        new.close()
    client.close()
    with pytest.raises(AuthRefused):
        get_device_info(client)


def test_a_reset_takes_the_account_and_the_rules(add: Add, clock: Clock) -> None:
    device, client = add("P110")
    client.call("set_device_info", {"nickname": "V2FzaGVy"})
    device_reset(client)
    clock.move(minutes=2)
    device.set_network(joined=True)
    client.close()
    assert get_device_info(client).nickname != "Washer"  # nobody's: it takes what a device without an account holds


def test_a_handover_is_read_and_set(add: Add) -> None:
    _, client = add("L530")
    set_inherit_info(client, under_way=True)
    assert get_inherit_info(client).under_way in (True, None)
    _, plug = add("P100", "aes-v1")
    with pytest.raises(Unsupported, match="it has no handover to another account"):
        get_inherit_info(plug)


def test_a_pairing_code_is_that_of_matter_devices(add: Add) -> None:
    _, strip = add("P304M")
    assert len(get_matter_setup_info(strip).code) == 11
    _, lamp = add("L530")
    with pytest.raises(Unsupported, match="it has no Matter pairing code"):
        get_matter_setup_info(lamp)
