"""The codes with which a device refuses, and the exception that carries one through the method layer.

Source: docs/protocol.md, "Error codes".
"""

SESSION_TIMEOUT = 9999
OTHER_PROTOCOL = 1003
BATCH_FAILED = 1200
COMMON_FAILED = -1
UNKNOWN_METHOD = -1002
JSON_DECODE = -1003
AES_DECODE = -1005
REQUEST_LENGTH = -1006
CLOUD = -1007
PARAMS = -1008
PUBLIC_KEY = -1010
TERMINAL_UUID = -1012
BUSY = -1301
FIRMWARE = -1401
FIRMWARE_VERSION = -1402
LOGIN = -1501
TIME = -1601
WIRELESS_UNSUPPORTED = -1702
SCHEDULE_FULL = -1802
SCHEDULE_CONFLICT = -1803
SCHEDULE_INDEX = -1805
COUNTDOWN = -1901
COUNTDOWN_CONFLICT = -1902
ANTITHEFT = -2001
ANTITHEFT_CONFLICT = -2002
LOCKED = -2101
ACCESS = -2203  # TPAP: wrong credentials, or the session is gone


class Refused(Exception):
    """The device does not carry the method out; code is what it answers."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code
