"""The error codes that devices answer with: what each is called, whose fault it is, what can be done about it.

Source: docs/protocol.md, "Error codes".  Codes that are not listed are kept as numbers: new firmware brings new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Refused, SessionLost, Unsupported
from tapo_automate.wire.identity import NO_ACCOUNT_TEXT, REFUSED_TEXT, locked_text


class Remedy(StrEnum):
    """What can be done about an error."""

    RETRY = "retry"  # once, at once, if the method may be repeated
    LATER = "later"  # leave the device alone for a while
    SESSION = "new session"  # a new handshake, then once more
    REDETECT = "detect the protocol anew"
    CREDENTIALS = "other credentials"  # never try the same ones again
    SINGLY = "send singly"  # the batch was refused, its parts may not be
    USER = "the user decides"
    NONE = "permanent"


class Fault(StrEnum):
    """Whose fault an error most likely is."""

    CALLER = "the caller's"
    DEVICE = "the device's"
    SESSION = "nobody's: sessions end"
    USER = "the user's"
    INTERNET = "the internet connection's"


@dataclass(frozen=True, slots=True)
class Code:
    """One error code.  advice: what to do, for people; "" where there is nothing to say."""

    number: int
    name: str
    remedy: Remedy
    fault: Fault
    advice: str = ""


_R, _F = Remedy, Fault
_AGAIN = "the device could not just now: try again in a minute, and restart it if that does not help"
_CALM = (
    'the device is busy: ask it less often, by options = { spacing = "1s" } in its rule file, and let other programs '
    "that talk to it rest"
)
_FULL = "the table is full, rows that are switched off included: remove one first, here or in the phone app"
_CLASH = "it clashes with a row that is there, perhaps one of the phone app: change or remove one of the two"
_FLASH = "the device could not store it: try again, and restart the device if that does not help"
_GONE = "the device has no row of this id, somebody may have removed it: read its table again"
_RUNS = (
    "a countdown is running already, and a device has one at a time: `tapo-automate countdown DEVICE --stop` stops it"
)
_UNCLEAR = "the device does not say why: look at the row's times and values, and read the table again"
_CLOCK = "the device's clock is not set, or could not be: `tapo-automate clock DEVICE --set` sets it"
_PARAMS = "a parameter is missing, of the wrong type or out of range: look at the values that were asked for"
_NO_WHY = "the device does not say why; nothing is known that helps"
_OURS = "the device does not take our handshake, and nothing that you could set changes that; newer firmware may"
_MEANT_FOR_OTHERS = "it is a code of cameras and hubs, of which the name alone is known; nothing is known that helps"
_OTHER = "the device wants another protocol than the one it names: restart it"
_OF_THE_CLOUD = "it is a code of the vendor's cloud, not of the device; nothing can be done about it here"
_NEW = "it is a code that is not known here; nothing is known that helps, and a report with model and firmware may"

_ROWS: tuple[Code, ...] = (
    # Sessions and transports
    Code(0, "SUCCESS", _R.NONE, _F.SESSION),
    Code(1000, "NULL_TRANSPORT", _R.SESSION, _F.SESSION),
    Code(1001, "CMD_COMMAND_CANCEL", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(1002, "TRANSPORT_NOT_AVAILABLE", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(1003, "TRANSPORT_UNKNOWN_CREDENTIALS", _R.REDETECT, _F.SESSION, _OTHER),
    Code(1100, "HAND_SHAKE_FAILED", _R.SESSION, _F.SESSION),
    Code(1111, "LOGIN_FAILED", _R.CREDENTIALS, _F.USER),
    Code(1112, "HTTP_TRANSPORT_FAILED", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(1200, "MULTI_REQUEST_FAILED", _R.SINGLY, _F.DEVICE, "the whole batch was refused: send its parts singly"),
    Code(9999, "SESSION_TIMEOUT", _R.SESSION, _F.SESSION),
    Code(-1010, "INVALID_PUBLIC_KEY", _R.NONE, _F.CALLER, _OURS),
    Code(-1012, "INVALID_TERMINAL_UUID", _R.NONE, _F.CALLER, _OURS),
    Code(-1101, "SESSION_PARAM", _R.SESSION, _F.SESSION),
    Code(-2101, "ACCOUNT_ERROR", _R.CREDENTIALS, _F.USER, locked_text(-2101)),
    # Where TPAP says -2203 in the open, it is a wrong password or a session that is gone: see wire/tpap.py.
    Code(
        -2203, "STAT_ACCESS", _R.NONE, _F.DEVICE, "the device does not show its statistics; nothing is known that helps"
    ),
    Code(-2402, "TPAP_SESSION_INVALID", _R.SESSION, _F.SESSION),
    # Any method
    Code(-1, "COMMON_FAILED", _R.NONE, _F.DEVICE, _NO_WHY),
    Code(-1001, "UNSPECIFIC", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(-1002, "UNKNOWN_METHOD", _R.NONE, _F.CALLER),
    Code(
        -1003,
        "JSON_DECODE_FAIL",
        _R.SINGLY,
        _F.CALLER,
        "malformed, or a batch that is too big for the device: look at the parameters, and ask for less at once",
    ),
    Code(-1004, "JSON_ENCODE_FAIL", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(-1005, "AES_DECODE_FAIL", _R.SESSION, _F.SESSION),
    Code(-1006, "REQUEST_LEN", _R.SINGLY, _F.CALLER, "the request is too long for the device: ask for less at once"),
    Code(
        -1007,
        "CLOUD_FAILED",
        _R.NONE,
        _F.INTERNET,
        "the device needs the internet for this and has none: see to its connection, and try again later",
    ),
    Code(-1008, "PARAMS", _R.NONE, _F.CALLER, _PARAMS),
    # One method or a few
    Code(-1201, "QUICK_SETUP", _R.NONE, _F.CALLER, "a device is set up once: one that is set up has to be reset first"),
    Code(-1301, "DEVICE_ERROR", _R.LATER, _F.DEVICE, _CALM),
    Code(-1302, "DEVICE_NEXT_EVENT", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(-1401, "FIRMWARE", _R.NONE, _F.DEVICE, "it goes on with the firmware that it has; try it in the phone app"),
    Code(-1402, "FIRMWARE_VER", _R.NONE, _F.DEVICE, "this version is not for it; it goes on with what it has"),
    Code(-1501, "LOGIN_ERROR", _R.CREDENTIALS, _F.USER),
    Code(-1601, "TIME", _R.RETRY, _F.DEVICE, _CLOCK),
    Code(-1602, "TIME_SYS", _R.RETRY, _F.DEVICE, _CLOCK),
    Code(-1603, "TIME_SAVE", _R.RETRY, _F.DEVICE, _CLOCK),
    Code(
        -1701,
        "WIRELESS",
        _R.NONE,
        _F.DEVICE,
        "is the network in its reach, and of a kind that it can? `tapo-automate wifi DEVICE` shows what it hears",
    ),
    Code(
        -1702,
        "WIRELESS_UNSUPPORTED",
        _R.NONE,
        _F.CALLER,
        "the device cannot do networks of this kind: choose another one, or another encryption",
    ),
    Code(-1801, "SCHEDULE_ERROR", _R.NONE, _F.CALLER, _UNCLEAR),
    Code(-1802, "SCHEDULE_FULL", _R.USER, _F.USER, _FULL),
    Code(-1803, "SCHEDULE_CONFLICT", _R.USER, _F.USER, _CLASH),
    Code(-1804, "SCHEDULE_SAVE", _R.RETRY, _F.DEVICE, _FLASH),
    Code(-1805, "SCHEDULE_INDEX", _R.NONE, _F.CALLER, _GONE),
    Code(-1901, "COUNTDOWN_ERROR", _R.NONE, _F.CALLER, _UNCLEAR),
    Code(-1902, "COUNTDOWN_CONFLICT", _R.USER, _F.CALLER, _RUNS),
    Code(-1903, "COUNTDOWN_SAVE", _R.RETRY, _F.DEVICE, _FLASH),
    Code(-2001, "ANTITHEFT_ERROR", _R.NONE, _F.CALLER, _UNCLEAR),
    Code(-2002, "ANTITHEFT_CONFLICT", _R.USER, _F.USER, _CLASH),
    Code(-2003, "ANTITHEFT_SAVE", _R.RETRY, _F.DEVICE, _FLASH),
    Code(-2201, "STAT", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(-2202, "STAT_SAVE", _R.RETRY, _F.DEVICE, _AGAIN),
    Code(-2301, "DST", _R.RETRY, _F.DEVICE, _CLOCK),
    Code(-2302, "DST_SAVE", _R.RETRY, _F.DEVICE, _CLOCK),
    Code(-3001, "VACUUM_BATTERY_LOW", _R.NONE, _F.DEVICE, "its battery is low: charge it, then try again"),
    # Cameras and hubs with actions of their own; the rest are names, below
    Code(-40106, "UNSUPPORTED_METHOD", _R.NONE, _F.CALLER),
    Code(-40109, "ONE_SECOND_REPEAT_REQUEST", _R.LATER, _F.CALLER, "the device takes this once a second at most"),
    Code(-40401, "SESSION_EXPIRED", _R.SESSION, _F.SESSION),
    Code(-40404, "DEVICE_BLOCKED", _R.CREDENTIALS, _F.USER, locked_text(-40404)),
    Code(-40412, "HOMEKIT_LOGIN_FAIL", _R.CREDENTIALS, _F.USER),
    Code(-40413, "INVALID_NONCE", _R.RETRY, _F.SESSION, _AGAIN),
)

BAD_PARAMS = -1008
LOCKED = -2101
LOCKS = frozenset({LOCKED, -40404})  # what devices answer that take no login from anybody for now
LOGIN_ERROR = -1501  # wrong credentials where it answers a login, else a token that is no longer good
OTHER_PROTOCOL = 1003

_NAMES_ONLY: dict[int, str] = {
    -40101: "SYSTEM",
    -40203: "BIND_SENSOR_EXISTS",
    -40209: "INVALID_ARGUMENTS",
    -40210: "PROTOCOL_FORMAT",
    -40321: "IP_CONFLICT",
    -40405: "DEVICE_FACTORY",
    -40406: "OUT_OF_LIMIT",
    -40407: "OTHER",
    -40408: "SYSTEM_BLOCKED",
    -40409: "NONCE_EXPIRED",
    -40411: "BAD_USERNAME",
    -40414: "NEED_LOGIN_BY_LOCAL_PASSWORD",
    40108: "TIMEOUT",
    **dict.fromkeys(range(-69057, -69050), "DIAGNOSE"),
    -69060: "CLOUD_LINK_DOWN",
    -69061: "ONVIF_SET_WRONG_TIME",
    -69062: "CLOUD_NTP_NO_RESPONSE",
    -69063: "CLOUD_GET_WRONG_TIME",
    -69064: "SNTP_SRV_NO_RESPONSE",
    -69065: "SNTP_GET_WRONG_TIME",
    -69076: "LINK_UNCONNECTED",
    -69077: "WIFI_SIGNAL_WEAK",
    -69078: "LOCAL_NETWORK_POOR",
    -69079: "CLOUD_NETWORK_POOR",
    -69080: "INTER_NETWORK_POOR",
    -69081: "DNS_TIMEOUT",
    -69082: "DNS_ERROR",
    -69083: "PING_NO_RESPONSE",
    -69084: "DHCP_MULTI_SERVER",
    -69085: "DHCP_ERROR",
    -69094: "STREAM_SESSION_CLOSE",
    -69095: "STREAM_BITRATE_EXCEPTION",
    -69096: "STREAM_FULL",
    -69097: "STREAM_NO_INTERNET",
    -72101: "HARDWIRED_NOT_FOUND",
    -80101: "ENCRYPT_NOT_SUPPORT",
    -90000: "FFS_NONE_PWD",
    -90001: "TSS_NONE_PWD",
    -60502: "LOCAL_ACCOUNT_OLD_PASSWORD",
    -60506: "LOCAL_ACCOUNT_OLD_PASSWORD",
    -20004: "CLOUD_API",
    -20601: "CLOUD_API",
    -20675: "CLOUD_API",
}
"""Codes of cameras, hubs and the cloud of which no more is known."""

CODES: dict[int, Code] = {row.number: row for row in _ROWS} | {
    number: Code(number, name, Remedy.NONE, Fault.DEVICE, _OF_THE_CLOUD if name == "CLOUD_API" else _MEANT_FOR_OTHERS)
    for number, name in _NAMES_ONLY.items()
}


def normal(number: int) -> int:
    """Return a code as the vendor's list has it; some come as unsigned 16-bit numbers.

    >>> normal(63734), normal(-1802), normal(40108), normal(9999)
    (-1802, -1802, 40108, 9999)
    """
    if 32767 < number <= 65535 and number != 40108:
        return number - 65536
    return number


def lookup(number: int) -> Code:
    """Return what is known of a code, under the name "UNKNOWN" if nothing is.

    A number of an unsigned spelling that is not on the list is kept as it came.
    """
    known = CODES.get(normal(number))
    return known if known is not None else Code(number, "UNKNOWN", Remedy.NONE, Fault.DEVICE, _NEW)


def refusal(host: str, method: str, number: int, *, has_account: bool = True) -> DeviceError:
    """Return the error that a device's code stands for.

    SessionLost where a new handshake mends it, AuthRefused where the credentials are wrong, Busy where waiting helps,
    Unsupported where the method is unknown to the device, else Refused.
    """
    code = lookup(number)
    said = f"error {code.number} ({code.name})"
    match code.remedy:
        case Remedy.SESSION | Remedy.REDETECT:
            lost = SessionLost(host, f"the device ended the session: {said}")
            lost.remedy = code.advice
            return lost
        case Remedy.CREDENTIALS if code.advice:
            return AuthRefused(host, code.advice, locked=code.number in LOCKS)
        case Remedy.CREDENTIALS:
            return AuthRefused(host, f"{REFUSED_TEXT if has_account else NO_ACCOUNT_TEXT} [{said}]")
        case Remedy.LATER:
            return Busy(host, method, code.number, code.name, code.advice)
        case _ if code.number in (-1002, -40106):
            return Unsupported(
                host,
                f"the device has no function {method}, at least not in this version: {said}; newer firmware may have "
                "it, and nothing else helps",
            )
        case _:
            return Refused(host, method, code.number, code.name, code.advice)


def too_many(host: str) -> Busy:
    """Return the error for HTTP 429."""
    return Busy(host, "the request", 429, "HTTP TOO MANY REQUESTS", _CALM)
