"""Rules for TP-Link Tapo plugs and bulbs, kept in git, carried out at home.

This is what a plugin author may import; `tapo_automate.wire` adds the Tapo protocols.  All else is our own affair.
"""

from tapo_automate.device import (
    Credentials,
    Description,
    Device,
    DeviceSpec,
    Driver,
    Explains,
    HasTimer,
    Setting,
    State,
)
from tapo_automate.errors import (
    AuthRefused,
    BadSetting,
    Busy,
    ConfigError,
    ConnectionLost,
    DeviceError,
    Garbled,
    NeedsTpap,
    PluginError,
    Refused,
    RulesInvalid,
    SessionLost,
    TapoAutomateError,
    Unreachable,
    Unsupported,
)
from tapo_automate.hooks import hookimpl
from tapo_automate.rules.model import Firing, Notice, Rule

__all__ = [
    "AuthRefused",
    "BadSetting",
    "Busy",
    "ConfigError",
    "ConnectionLost",
    "Credentials",
    "Description",
    "Device",
    "DeviceError",
    "DeviceSpec",
    "Driver",
    "Explains",
    "Firing",
    "Garbled",
    "HasTimer",
    "NeedsTpap",
    "Notice",
    "PluginError",
    "Refused",
    "Rule",
    "RulesInvalid",
    "SessionLost",
    "Setting",
    "State",
    "TapoAutomateError",
    "Unreachable",
    "Unsupported",
    "hookimpl",
]
