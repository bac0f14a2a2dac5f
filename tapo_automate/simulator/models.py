"""The built-in devices as rows of facts.

Which firmware has which component is taken from docs/protocol.md; every value is made up.
"""

from dataclasses import dataclass

PLUG, BULB = "SMART.TAPOPLUG", "SMART.TAPOBULB"
KASA_PLUG, KASA_SWITCH = "SMART.KASAPLUG", "SMART.KASASWITCH"

_BASIC = (
    "device:2 firmware:2 quick_setup:3 time:1 wireless:1 schedule:2 countdown:2 antitheft:1 account:1 synchronize:1 "
    "sunrise_sunset:1 cloud_connect:1 iot_cloud:1 device_local_time:1 default_states:1"
)
_OLD_P100 = (
    "device:2 firmware:1 quick_setup:3 time:1 wireless:1 schedule:2 countdown:2 antitheft:1 account:1 synchronize:1 "
    "sunrise_sunset:1 led:1 cloud_connect:1 iot_cloud:1 default_states:1"
)
_OLDEST_P100 = (
    "device:1 firmware:1 quick_setup:1 time:1 wireless:1 schedule:1 countdown:1 antitheft:1 account:1 synchronize:1 "
    "sunrise_sunset:1 led:1 cloud_connect:1"
)
_PLUG = f"{_BASIC} led:1"
_METER = f"{_PLUG} auto_off:2 energy_monitoring:2 power_protection:1"
_NEW_METER = f"{_METER} localSmart:1 current_protection:1 charging_protection:2"
_STRIP_OF_SOCKETS = f"{_BASIC} led:1 control_child:2 child_device:2"
_SAFE_STRIP = f"{_STRIP_OF_SOCKETS} overheat_protection:1"
_METERS = "energy_monitoring:2 current_protection:1 power_protection:1 charging_protection:2"
_METERED_STRIP = f"{_STRIP_OF_SOCKETS} localSmart:1 auto_off:2 matter:2 {_METERS}"
_PART = (
    "device:2 quick_setup:3 time:1 device_local_time:1 schedule:2 countdown:2 antitheft:1 account:1 synchronize:1 "
    "sunrise_sunset:1 cloud_connect:1 iot_cloud:1 firmware:2 default_states:1"
)
_SAFE_SOCKET = f"{_PART} overheat_protection:1"
_METERED_SOCKET = f"{_PART} localSmart:1 auto_off:2 {_METERS}"
_FAN = f"{_SAFE_SOCKET} fan_control:1".replace(" antitheft:1", "")
_DIMMER = f"{_SAFE_SOCKET} brightness:1 preset:1 on_off_gradually:2 dimmer_calibration:1"
_LAMP = f"{_BASIC} inherit:1 brightness:1 bulb_quick_control:1"
_COLOR = f"{_LAMP} color:1 color_temperature:1 auto_light:1 light_effect:1"
_NEW_COLOR = f"{_LAMP} color:1 color_temperature:1 auto_light:3 preset:3 on_off_gradually:3 localSmart:1"
_STRIP = f"{_LAMP} color:1 color_temperature:1 light_strip:1 light_strip_lighting_effect:2 preset:3 music_rhythm:3"


@dataclass(frozen=True)
class Firmware:
    """One firmware of a model: its version, its components, and whether it knows TPAP."""

    version: str
    components: str
    tpap_aware: bool = False


@dataclass(frozen=True)
class Part:
    """What a strip, or a switch that is two, has several of: a socket, unless the category says otherwise.

    name: as its owner would call it; "" for "socket 1" and so on.  kind: "" for that of the whole.
    exact_meter: it tells milliwatts and millivolts too.  protection_switch: the key of its power protection.
    """

    components: str
    category: str = "plug.powerstrip.sub-plug"
    name: str = ""
    kind: str = ""
    is_usb: bool = False
    exact_meter: bool = False
    protection_switch: str = "enabled"


@dataclass(frozen=True)
class Model:
    """A row of the catalogue; firmware is by transport, and another transport takes the first one's.

    parts: of a strip, in the order of their positions.  counted: its parts say their positions.
    listing: the positions in the order in which it lists them, where that is another.
    measures: as a whole it answers what its first part's meter says, as if it had one of its own.
    """

    name: str
    kind: str
    hw_ver: str
    watts: float
    schedule_max: int
    color_temp_range: tuple[int, int] | None
    firmware: dict[str, Firmware]
    announced: str = ""  # the model as discovery names it, with its region
    parts: tuple[Part, ...] = ()
    counted: bool = True
    listing: tuple[int, ...] = ()
    measures: bool = False


MODELS = (
    Model(
        "P100", PLUG, "1.0.0", 0, 20, None,
        {
            "klap": Firmware("1.4.0 Build 20231017 Rel. 33876", _OLD_P100),
            "aes": Firmware("1.3.7 Build 20230711 Rel. 61904", _OLD_P100),
            "aes-v1": Firmware("1.1.3 Build 20191017 Rel. 57937", _OLDEST_P100),
            "tpap": Firmware("1.4.3 Build 20251020 Rel. 41120", _OLD_P100, tpap_aware=True),
        },
        announced="P100",
    ),
    Model(
        "P105", PLUG, "1.0", 0, 32, None,
        {"klap": Firmware("1.2.5 Build 240411 Rel.143808", f"{_PLUG} auto_off:2 localSmart:1")},
        announced="P105(US)",
    ),
    Model(
        "P110", PLUG, "1.0", 60, 32, None,
        {
            "klap": Firmware("1.3.1 Build 240621 Rel.162048", _NEW_METER),
            "aes": Firmware("1.2.3 Build 230425 Rel.142542", _METER),
            "aes-v1": Firmware("1.0.7 Build 210629 Rel.174901", f"{_PLUG} energy_monitoring:1"),
            "tpap": Firmware("1.4.6 Build 251113 Rel.101010", f"{_NEW_METER} tpap:1", True),
        },
        announced="P110(EU)",
    ),
    Model(
        "P115", PLUG, "1.0", 25, 32, None,
        {
            "klap": Firmware("1.1.3 Build 240523 Rel.175054", _NEW_METER),
            "aes": Firmware("1.2.3 Build 230425 Rel.142542", _METER),
        },
        announced="P115(EU)",
    ),
    Model(
        "L510", BULB, "3.0", 8.7, 32, (2700, 2700),
        {
            "klap": Firmware("1.1.2 Build 231120 Rel.201048", f"{_LAMP} preset:1 on_off_gradually:3 localSmart:1"),
            "aes": Firmware("1.0.5 Build 230529 Rel.113426", f"{_LAMP} preset:1"),
        },
        announced="L510E(EU)",
    ),
    Model(
        "L530", BULB, "3.0", 8.7, 32, (2500, 6500),
        {
            "klap": Firmware("1.1.6 Build 240130 Rel.173828", f"{_COLOR} preset:1 on_off_gradually:3 localSmart:1"),
            "aes": Firmware("1.0.6 Build 230509 Rel.195312", f"{_COLOR} preset:1 on_off_gradually:1"),
            "tpap": Firmware(
                "1.4.2 Build 260113 Rel.172011", f"{_COLOR} preset:3 on_off_gradually:4 localSmart:1 tpap:1", True
            ),
        },
        announced="L530E(EU)",
    ),
    Model(
        "L630", BULB, "1.0", 4.2, 32, (2200, 6500),
        {"klap": Firmware("1.1.2 Build 240926 Rel.164744", f"{_COLOR} preset:1 on_off_gradually:3 localSmart:1")},
        announced="L630(EU)",
    ),
    Model(
        "L900", BULB, "1.0", 13, 16, (9000, 9000),
        {
            "klap": Firmware("1.1.0 Build 230905 Rel.184939", f"{_STRIP} on_off_gradually:1 localSmart:1"),
            "aes": Firmware("1.0.17 Build 230426 Rel.153230", f"{_STRIP} on_off_gradually:1"),
        },
        announced="L900-5(EU)",
    ),
    Model(
        "L920", BULB, "1.0", 11, 24, (9000, 9000),
        {
            "klap": Firmware(
                "1.1.3 Build 231229 Rel.164316",
                f"{_STRIP} on_off_gradually:1 localSmart:1 segment:1 segment_effect:1",
            )
        },
        announced="L920-5(EU)",
    ),
    Model(
        "L430C", BULB, "1.0", 8, 32, (2500, 6500),
        {"klap": Firmware("1.0.4 Build 241018 Rel.092847", _NEW_COLOR)},
        announced="L430C(EU)",
    ),
    Model(
        "P300", PLUG, "1.0", 0, 32, None,
        {
            "klap": Firmware("1.0.15 Build 231130 Rel.122554", _SAFE_STRIP),
            "aes": Firmware("1.0.7 Build 220715 Rel.200458", _SAFE_STRIP),
        },
        announced="P300(EU)",
        parts=(Part(f"{_SAFE_SOCKET} auto_off:2"),) * 3,
        listing=(3, 2, 1),
    ),
    Model(
        "P304M", PLUG, "1.0", 40, 32, None,
        {"klap": Firmware("1.0.3 Build 240514 Rel.095547", f"{_METERED_STRIP} overheat_protection:1")},
        announced="P304M(UK)",
        parts=(Part(f"{_METERED_SOCKET} overheat_protection:1"),) * 4,
    ),
    Model(
        "P306", PLUG, "1.0", 0, 32, None,
        {
            "klap": Firmware(
                "1.1.2 Build 240524 Rel.193305", f"{_SAFE_STRIP} localSmart:1 auto_off:2 auto_light_control:1"
            )
        },
        announced="P306(US)",
        parts=(
            *(Part(f"{_SAFE_SOCKET} localSmart:1 auto_light_control:1 auto_off:2"),) * 3,
            Part(f"{_SAFE_SOCKET} localSmart:1 auto_light_control:1 auto_off:2", is_usb=True),
            Part(
                f"{_SAFE_SOCKET} brightness:1 localSmart:1 auto_light_control:1",
                "plug.powerstrip.sub-bulb", "night light", BULB,
            ),
        ),
        listing=(4, 3, 2, 1, 5),
    ),
    Model(
        "P316M", PLUG, "1.6", 30, 32, None,
        {"klap": Firmware("1.0.5 Build 250227 Rel.140217", _METERED_STRIP.replace("matter:2", "matter:3"))},
        announced="P316M(US)",
        parts=(Part(_METERED_SOCKET, exact_meter=True, protection_switch="protection_enabled"),) * 6,
        measures=True,
    ),
    Model(
        "P210M", PLUG, "1.0", 50, 32, None,
        {"klap": Firmware("1.0.3 Build 240625 Rel.101530", _METERED_STRIP)},
        announced="P210M(US)",
        parts=(Part(_METERED_SOCKET, exact_meter=True),) * 2,
    ),
    Model(
        "TP25", PLUG, "1.0", 0, 32, None,
        {"aes": Firmware("1.0.2 Build 230131 Rel.112209", f"{_SAFE_STRIP} matter:1")},
        announced="TP25(US)",
        parts=(Part(_SAFE_SOCKET),) * 2,
    ),
    Model(
        "EP40M", KASA_PLUG, "1.0", 0, 32, None,
        {"klap": Firmware("1.1.0 Build 240408 Rel.150316", f"{_SAFE_STRIP} matter:2")},
        announced="EP40M(US)",
        parts=(Part(_SAFE_SOCKET),) * 2,
        listing=(2, 1),
    ),
    Model(
        "KS240", KASA_SWITCH, "1.0", 0, 32, None,
        {
            "klap": Firmware(
                "1.0.7 Build 240530 Rel.193047",
                f"{_SAFE_STRIP.replace('led:1', 'led:2')} brightness:1 preset:1 on_off_gradually:2 "
                "dimmer_calibration:1 fan_control:1",
            )
        },
        announced="KS240(US)",
        parts=(
            Part(_FAN, "kasa.switch.outlet.sub-fan", "fan"),
            Part(_DIMMER, "kasa.switch.outlet.sub-dimmer", "light"),
        ),
        counted=False,
    ),
)  # fmt: skip
