"""What commands at home share: which registry, which devices, which folder the daemon keeps its state in."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapo_automate.errors import ConfigError, PluginError, TapoAutomateError

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec
    from tapo_automate.memory import DeviceMemory
    from tapo_automate.registry import Registry
    from tapo_automate.rules.model import RuleBook

MOST_THREADS = 64
_SESSIONS = "tapo_automate.sessions"
Command = TypeVar("Command", bound=Callable[..., Any])


def credentials_option(command: Command) -> Command:
    """Add `--credentials FILE` (parameter `credentials: Path | None`), and `--keep-sessions` for `open_registry`."""
    for option in (
        click.option(
            "--keep-sessions/--no-keep-sessions",
            default=True,
            envvar="TAPO_AUTOMATE_KEEP_SESSIONS",
            show_envvar=True,
            expose_value=False,
            callback=_note_sessions,
            help="Keep sessions with devices, encrypted, so that the next command need not log in.  [default: keep]",
        ),
        click.option(
            "--credentials",
            type=click.Path(path_type=Path, dir_okay=False),
            envvar="TAPO_CREDENTIALS",
            show_envvar=True,
            help="File with username and password (mode 0600).  Default: credentials.toml in the configuration folder.",
        ),
    ):
        command = option(command)
    return command


def _note_sessions(context: click.Context, _option: click.Parameter, keep: bool) -> None:
    context.meta[_SESSIONS] = keep


def state_option(command: Command) -> Command:
    """Add `--state DIR` (parameter `state: Path | None`, for `state_folder`)."""
    return click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="TAPO_AUTOMATE_STATE",
        show_envvar=True,
        help="Folder for what the daemon keeps; one daemon at a time may use it.  Default: the user's state folder.",
    )(command)


def state_folder(chosen: Path | None) -> Path:
    """Return the folder that the daemon keeps its state in: the chosen one, else the user's."""
    from platformdirs import user_state_path

    return chosen or user_state_path("tapo-automate")


def open_registry(
    credentials: Path | None = None, *, state: Path | None = None, patience_s: Sequence[float] | None = None
) -> Registry:
    """Return the installed plugins, with the built-in reader of credentials asked after them.

    Devices that are opened from now on are remembered in the folder for the state and asked at the pace that the
    environment says.  patience_s: how a device that is busy is waited for; None for the usual.
    """
    from platformdirs import user_config_path

    from tapo_automate.credentials import StoredCredentials
    from tapo_automate.registry import Registry

    keep_in_mind(state, patience_s=patience_s)
    path = credentials or user_config_path("tapo-automate") / "credentials.toml"
    reader = StoredCredentials(os.environ, path, must_exist=credentials is not None)
    return Registry({"credentials": reader}, installed=True)


def keep_in_mind(state: Path | None = None, *, patience_s: Sequence[float] | None = None) -> None:
    """Let this process remember devices in the folder for the state.  Raises ConfigError for a spacing that is none."""
    from tapo_automate import wire
    from tapo_automate.wire.pace import PATIENCE_S, SPACING_S, spacing

    memory = device_memory(state)
    text = os.environ.get("TAPO_AUTOMATE_SPACING")
    spacing_s = SPACING_S if text is None else spacing(text)
    if spacing_s is None:
        raise ConfigError(
            f'TAPO_AUTOMATE_SPACING is {text!r}: no time between two calls of a device, such as "250ms" or "1s", at '
            'most "10s"'
        )
    patience = PATIENCE_S if patience_s is None else patience_s
    wire.use(wire.Surroundings(memory=memory.of, spacing_s=spacing_s, patience_s=patience))


def device_memory(state: Path | None = None) -> DeviceMemory:
    """Return what is remembered of devices in the chosen folder for the state, else in the user's."""
    import datetime as dt

    from tapo_automate.memory import DeviceMemory

    context = click.get_current_context(silent=True)
    sessions = context is None or bool(context.meta.get(_SESSIONS, True))
    chosen = state or (Path(os.environ["TAPO_AUTOMATE_STATE"]) if os.environ.get("TAPO_AUTOMATE_STATE") else None)
    return DeviceMemory(state_folder(chosen), lambda: dt.datetime.now(dt.UTC), sessions=sessions)


def stopped_by_signals(hangup: Callable[[], None] | None = None) -> threading.Event:
    """Return an event that SIGTERM and SIGINT set; a second signal ends the process at once.

    hangup: called for every SIGHUP until then, by a thread that it must not keep, unless the terminal that the process
    was started at is gone: that stops it.  Without hangup, SIGHUP ends the process as ever.
    Call it before threads are begun: they inherit that these signals are kept for the one that waits for them here.
    A signal handler would run inside whatever the main thread does, `Event.wait` among it, and could lock itself out.
    """
    numbers = {signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hangup else [])}
    terminals = [descriptor for descriptor in (0, 1, 2) if os.isatty(descriptor)]
    stop = threading.Event()

    def wait() -> None:
        while signal.sigwait(numbers) == signal.SIGHUP and all(map(os.isatty, terminals)):
            if hangup:
                hangup()
        stop.set()
        while (number := signal.sigwait(numbers)) == signal.SIGHUP:
            pass  # who stops takes on nothing new
        os._exit(128 + number)

    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop


def chosen_devices(book: RuleBook, names: Iterable[str]) -> list[str]:
    """Return the ids of the named devices and groups, each once, in order; all devices where none is named.

    Any socket of a device of the rules may be named: "strip/1"; `specs_of` has what a driver opens.
    Raises click.UsageError for a name that the rules do not have.
    """
    from tapo_automate.rules.sockets import socket_fault

    chosen: dict[str, None] = {}
    for name in names:
        if name in book.groups:
            chosen.update(dict.fromkeys(book.groups[name]))
        elif name in book.devices:
            chosen[name] = None
        elif "/" in name:
            whole = {spec.id for spec in book.devices.values() if not spec.socket}
            if fault := socket_fault((), name, whole, book.groups):
                raise click.UsageError(f"{fault.message}; {fault.hint}" if fault.hint else fault.message)
            chosen[name] = None
        else:
            known = [*book.devices, *book.groups]
            close = get_close_matches(name, known, n=1)
            hint = f", did you mean {close[0]!r}?" if close else f"; the rules have: {', '.join(known) or 'none'}"
            raise click.UsageError(f"unknown device or group {name!r}{hint}")
    return list(chosen or book.devices)


def specs_of(book: RuleBook, device_ids: Iterable[str]) -> list[DeviceSpec]:
    """Return what a driver opens for each id that `chosen_devices` has returned."""
    from tapo_automate.rules.sockets import socket_of

    found = (book.devices.get(device_id) or socket_of(device_id, book.devices) for device_id in device_ids)
    return [spec for spec in found if spec]


def ask_each(
    registry: Registry, specs: Sequence[DeviceSpec], question: Callable[[DeviceSpec, Device], None]
) -> list[TapoAutomateError | None]:
    """Open each device, put the question to it and close it, side by side; return what went wrong with each.

    Raises ConfigError where a driver or the credentials are missing: that is nobody's fault but the user's.
    """

    from tapo_automate.wire.private import cleaned, scrubbed

    def ask(spec: DeviceSpec) -> TapoAutomateError | None:
        try:
            device = registry.open(spec)
            try:
                question(spec, device)
            finally:
                device.close()
        except ConfigError:
            raise
        except TapoAutomateError as problem:
            return cleaned(problem)
        except (Exception, SystemExit) as problem:  # a third party's driver must not hide what the other devices said
            return PluginError(registry.plugin_of(spec.driver), scrubbed(f"{type(problem).__name__}: {problem}"))
        return None

    with ThreadPoolExecutor(max(1, min(MOST_THREADS, len(specs)))) as pool:
        try:
            return list(pool.map(ask, specs))
        except KeyboardInterrupt:
            click.echo("\nstopping: what has been begun with a device is brought to its end first", err=True)
            raise
