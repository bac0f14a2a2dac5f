"""Every exception raised on purpose, by whose fault it is and what can be done about it.

    TapoAutomateError
      ConfigError                 the user's: print it and stop
        RulesInvalid                a rule file has errors; carries them all
      PluginError                 the plugin author's: name the plugin, go on with the others
      DeviceError                 the world's; names the host
        Unreachable                 trying again may help
          ConnectionLost              the connection broke before the answer was complete
          NotFound                    no device with this MAC answers at any address that was asked
        OtherDevice                 at the address is another device than the one that is meant: nothing was written
        AuthRefused                 trying again may lock the device: never retried
        NeedsTpap                   a kind of TPAP that is not spoken here: only a change in the phone app helps
        SessionLost                 mended inside wire/client.py, once
        Garbled                     the device, or something in its place, said what no device says
        Refused                     the device understood and said no; carries method and code
          Busy                        for now: later, without hurry, it may say yes
        Unsupported                 it has no such function; asking again is useless
          OtherKind                   it is a hub, a camera or the like, with which rules can do nothing
        BadSetting                  the value is outside what the device says it can do
      NotCarriedOut               nobody's: why a firing did not come to be
        TooLate                     it came due while we could not carry it out, and its time is over
        Unfinished                  the daemon was stopped before the device had answered
        Withheld                    its condition did not hold, or a person had decided otherwise
        Superseded                  a newer command for the device came before this one could be carried out
      JournalUnreadable           the past is asked for, and there is no journal, or nobody can read it
      SyncError                   the device tables and the rules were not brought together
        LedgerUnusable              the ledger is damaged, of a newer version, or cannot be written
        SyncUnderWay                another sync works with the same ledger
        PlanUnsafe                  the plan does what needs a flag; names the flags
        PlanStale                   the device, or the rules, changed since the plan was made
        ApplyIncomplete             a device was changed in part; the next apply goes on

Our own mistakes are asserts, not exceptions of this tree.
"""

from __future__ import annotations


class TapoAutomateError(Exception):
    """The root: catching it catches everything this program raises on purpose."""


class ConfigError(TapoAutomateError):
    """Something the user wrote, or did not write, keeps us from going on."""


class RulesInvalid(ConfigError):
    """A rule book was refused.  `report` is the text that `check` prints for it."""

    def __init__(self, count: int, report: str) -> None:
        super().__init__(f"{count} {'error' if count == 1 else 'errors'} in the rules\n{report}")
        self.count = count
        self.report = report


class PluginError(TapoAutomateError):
    """A plugin cannot be used.  `plugin` is its entry-point name."""

    def __init__(self, plugin: str, problem: str) -> None:
        super().__init__(f"plugin {plugin!r}: {problem}")
        self.plugin = plugin
        self.problem = problem


class DeviceError(TapoAutomateError):
    """A device could not do what was asked.  `host` is the address as the user wrote it.

    outcome_unknown: the request may have reached the device and no good answer came back, so it may or may not have
    done what was asked.  False means that it has not.  after_login: the call had to log in anew before it failed; the
    next try should leave the device a minute, since devices lock themselves when they are logged in to too often.
    """

    def __init__(self, host: str, problem: str, *, outcome_unknown: bool = False, after_login: bool = False) -> None:
        super().__init__(f"{host}: {problem}")
        self.host = host
        self.problem = problem
        self.outcome_unknown = outcome_unknown
        self.after_login = after_login


class Unreachable(DeviceError):
    """No answer, or the connection broke.  Trying again may help.

    shut: somebody is at this address and refuses connections, as a device does that sleeps after a power cut.
    """

    def __init__(
        self,
        host: str,
        problem: str,
        *,
        outcome_unknown: bool = False,
        after_login: bool = False,
        shut: bool = False,
    ) -> None:
        super().__init__(host, problem, outcome_unknown=outcome_unknown, after_login=after_login)
        self.shut = shut


class ConnectionLost(Unreachable):
    """The connection broke before the answer was complete.

    idle: it was one kept from an earlier request and not a byte of an answer came, so that the device most likely had
    closed it before it could read the request.
    """

    def __init__(self, host: str, problem: str, *, idle: bool = False) -> None:
        super().__init__(host, problem, outcome_unknown=True)
        self.idle = idle


class NotFound(Unreachable):
    """A device that is known by its MAC answered neither where it was nor when looked for.  `host` is the MAC."""


class OtherDevice(DeviceError):
    """At this address is another device than the one that is meant.  wanted, met: their MACs."""

    def __init__(self, host: str, wanted: str, met: str) -> None:
        super().__init__(
            host,
            f"the device at this address is {met}, and {wanted} is meant; nothing was written. "
            "Addresses have changed: find it again with `tapo-automate discover`",
        )
        self.wanted = wanted
        self.met = met


class AuthRefused(DeviceError):
    """The device holds other credentials.  Never retried: repeated failures lock a device.

    remaining: how many more failures the device says that it bears; locked_min: for how many minutes it takes no login;
    each None where it does not say.  locked: it takes no login from anybody for now, whatever the credentials.
    impostor: it took the login and does not know the password, so that it may not be the device.
    """

    def __init__(
        self,
        host: str,
        problem: str,
        *,
        after_login: bool = False,
        remaining: int | None = None,
        locked_min: int | None = None,
        locked: bool = False,
        impostor: bool = False,
    ) -> None:
        super().__init__(host, problem, after_login=after_login)
        self.remaining = remaining
        self.locked_min = locked_min
        self.locked = locked
        self.impostor = impostor


class NeedsTpap(DeviceError):
    """The device refuses KLAP, and offers no TPAP or one of a kind that this version does not speak.

    kind: what is not spoken of it, "" where it offers none.
    """

    def __init__(self, host: str, kind: str = "") -> None:
        offered = f"only offers the TPAP protocol with {kind}, which this version does not speak"
        super().__init__(
            host,
            f"the device {offered if kind else 'refuses the KLAP protocol (HTTP 403) and does not offer TPAP'}; in the "
            "Tapo app turn on Me → Third-Party Services → Third-Party Compatibility (if it is on "
            "already, turn it off and on again)",
        )


class SessionLost(DeviceError):
    """The device has forgotten our session; a new handshake mends it.  remedy: what else may, "" where nothing."""

    remedy = ""


class Garbled(DeviceError):
    """The answer is not one that the protocol allows."""


class Refused(DeviceError):
    """The device understood and said no.

    method: the device method that was called.  code: the device's error code as it came.
    name: the code's name in the vendor's list, or "UNKNOWN".
    """

    def __init__(self, host: str, method: str, code: int, name: str, advice: str = "") -> None:
        super().__init__(host, f"{method} was refused with error {code} ({name})" + (f": {advice}" if advice else ""))
        self.method = method
        self.code = code
        self.name = name


class Busy(Refused):
    """The device, or the web server in it, wants to be left alone for a while: asking later may help."""


class Unsupported(DeviceError):
    """The device has no such function."""


class OtherKind(Unsupported):
    """The device is no plug, bulb, switch or power strip: nothing of it is for rules."""


class BadSetting(DeviceError):
    """A value lies outside what the device says it can do."""


class NotCarriedOut(TapoAutomateError):
    """A firing did not come to be, and nobody is to blame.  The text says why, as half a sentence."""


class TooLate(NotCarriedOut):
    """A firing was not carried out because too much time had passed.  late_s: how much, in seconds."""

    def __init__(self, late_s: float, limit_s: float) -> None:
        super().__init__(
            f"came due {late_s:.0f} s ago, more than the {limit_s:.0f} s within which it may still be done"
        )
        self.late_s = late_s


class Unfinished(NotCarriedOut):
    """The daemon stopped while a firing waited or was under way; the device may have carried it out."""

    def __init__(self) -> None:
        super().__init__("the daemon was stopped before the device had answered")


class Withheld(NotCarriedOut):
    """The rule's `only_if` did not hold, or a person had changed the device and is respected."""


class Superseded(NotCarriedOut):
    """A newer command for the device made this one pointless.  by: the id of the newer command's rule."""

    def __init__(self, by: str) -> None:
        super().__init__(f"a newer command came first: {by}")
        self.by = by


class JournalUnreadable(TapoAutomateError):
    """There is no journal where one was looked for, or it cannot be read."""


class SyncError(TapoAutomateError):
    """The tables of the devices could not be brought together with the rules."""


class LedgerUnusable(SyncError):
    """The ledger cannot be read or written; nothing was changed on any device.  path: as the user gave it."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class SyncUnderWay(SyncError):
    """Another process applies with the same ledger; two would write the same rows twice."""

    def __init__(self, path: str) -> None:
        super().__init__(f"another sync is at work with {path}: wait for it to end, then try again")
        self.path = path


class PlanUnsafe(SyncError):
    """A plan does what is done only when it was asked for by name.  stops: (flag, why) of each, as "--allow-…"."""

    def __init__(self, stops: tuple[tuple[str, str], ...]) -> None:
        lines = [f"{why}; if that is meant, add {flag}" for flag, why in stops]
        super().__init__("stopped before anything was written:\n  " + "\n  ".join(lines))
        self.stops = stops


class PlanStale(SyncError):
    """What the plan was made from is no more; the device was not touched."""

    def __init__(self, device_id: str, why: str) -> None:
        super().__init__(f"{device_id}: {why} since the plan was made; make a new one with `sync plan`")
        self.device_id = device_id


class ApplyIncomplete(SyncError):
    """A device was changed in part.  done, left: the lines of the plan that were carried out, and those that wait."""

    def __init__(self, device_id: str, done: tuple[str, ...], left: tuple[str, ...], cause: str) -> None:
        super().__init__(f"{device_id}: {len(done)} of {len(done) + len(left)} changes made, then: {cause}")
        self.device_id = device_id
        self.done = done
        self.left = left
