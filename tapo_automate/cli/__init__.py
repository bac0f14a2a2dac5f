"""The command line: the only code that prints.

One module per command, imported when that command runs, so that `--help` and completion stay quick.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from tapo_automate.errors import ConfigError, DeviceError, PluginError, TapoAutomateError

_COMMANDS = {
    # name: (module, attribute, one line for the overview)
    "check": ("check", "check", "Check rule files and show every error with its place."),
    "test": ("test", "test", "Run the tests in the rule files."),
    "forecast": ("forecast", "forecast", "Show what the rules will do over a span of time."),
    "next": ("next", "next_", "Show what comes next, rule by rule."),
    "explain": ("explain", "explain", "Say in plain words what a rule means and when it fires."),
    "run": ("run", "run", "Run the daemon: carry the rules out until stopped."),
    "reload": ("reload", "reload", "Have the running daemon take its rule files on again."),
    "demo": ("demo", "demo", "Run the daemon against simulated devices, a day in a minute."),
    "discover": ("discover", "discover", "Find devices in the network."),
    "history": ("history", "history", "Show what came due and what became of it."),
    "why": ("why", "why", "Say what changed a device, and what rules wanted since in vain."),
    "status": ("status", "status", "Ask devices what they are and what they are doing."),
    "login": ("login", "login", "Log in to a device that has refused it before."),
    "on": ("switch", "on", "Switch a device on."),
    "off": ("switch", "off", "Switch a device off."),
    "set": ("switch", "set_", "Set brightness, colour and the like."),
    "countdown": ("countdown", "countdown", "Start, show or stop the countdown inside a device."),
    "fan": ("fan", "fan", "Show or set how fast the fan of a switch turns."),
    "fade": ("fade", "fade", "Show or set how a lamp fades when it is switched."),
    "effect": ("effect", "effect", "Show a lamp's effects, start one or stop it."),
    "preset": ("preset", "preset", "Show a lamp's presets, light one or keep another."),
    "auto-light": ("fade", "auto_light", "Show or set whether a lamp chooses its light itself."),
    "led": ("led", "led", "Show or set when the status light of a device shines."),
    "auto-off": ("limits", "auto_off", "Show or set after what time a device turns itself off."),
    "power-limit": ("limits", "power_limit", "Show or set above which load a device turns itself off."),
    "after-power-cut": ("power_cut", "after_power_cut", "Show or set what a device does when its power comes back."),
    "call": ("switch", "call", "Call a method of the device's own, for people who know it."),
    "info": ("info", "info", "Show what a device is and how it is."),
    "usage": ("info", "usage", "Show for how long a device was on, and what that took."),
    "energy": ("energy", "energy", "Show what a device draws and has used, by hours, days and months."),
    "clock": ("clock", "clock", "Show what time it is to a device, or set it."),
    "firmware": ("firmware", "firmware", "Show what firmware a device runs, and whether it renews itself."),
    "wifi": ("wifi", "wifi", "Show the Wi-Fi networks that a device hears."),
    "setup": ("setup", "setup", "Set a device up with its account and its Wi-Fi, as the phone app does."),
    "reboot": ("restart", "reboot", "Restart a device."),
    "reset": ("restart", "reset", "Reset a device to factory settings."),
    "sync": ("sync", "sync", "Plan and apply what the devices' own tables carry out."),
    "doctor": ("doctor", "doctor", "Look over devices and this computer, and say what to put right."),
    "plugins": ("plugins", "plugins", "List drivers and plugins, the broken ones with the reason."),
    "simulate": ("simulate", "simulate", "Serve simulated Tapo devices over their real protocols."),
    "schema": ("schema", "schema", "Print the JSON Schema of rule files, for editors."),
}

_EPILOG = """\b
Exit codes:
  0  done
  1  the rules have errors (check), a test fails (test), not all was carried out (demo), no daemon
     answered (reload), there is no journal (history, why); of sync: any error
  2  wrong use: an option, a file, credentials, a port in use; of sync: changes or drift were found
  3  a device could not be reached or refused; the others were served
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they run.

    lazy: name of the command -> (module in this package, attribute, one line for the overview).
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        module, attribute, _ = self._lazy[cmd_name]
        command: click.Command = getattr(import_module(f"tapo_automate.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click would import every command for its one line.
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in self._lazy.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._lazy and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], self._lazy, n=1)
            hint = f", did you mean {close[0]!r}?" if close else f"; see {ctx.command_path} --help"
            raise click.UsageError(f"unknown command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    epilog=_EPILOG,
    no_args_is_help=False,  # no command is wrong use like any other: a line and exit code 2
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tapo-automate", message="tapo-automate %(version)s")
def group() -> None:
    """Rules for Tapo plugs and bulbs, kept in git, carried out at home."""


def main() -> None:
    """Run the command line; every failure that is not ours is one line on stderr and an exit code."""
    _ready_streams()
    stdout = sys.stdout
    try:
        try:
            sys.exit(group.main(prog_name="tapo-automate", standalone_mode=False) or 0)
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        if sys.stdout is not stdout:  # click put another in its place: the reader of our output has gone (`| head`)
            sys.exit(0)
        if isinstance(ended.code, str):  # a plugin's: ours are numbers
            _fail(ended.code, 1)
        raise
    except click.UsageError as problem:
        command = f" (see {problem.ctx.command_path} --help)" if problem.ctx else ""
        _fail(f"{problem.format_message()}{command}", 2)
    except click.ClickException as problem:
        _fail(problem.format_message(), 2)
    except (ConfigError, PluginError) as problem:
        _fail(str(problem), 2)
    except DeviceError as problem:
        _fail(str(problem), 3)
    except TapoAutomateError as problem:
        _fail(str(problem), 1)
    except click.Abort:
        _fail("stopped", 130)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except OSError as problem:  # whoever reads a file or opens a socket has words of its own for what fails there
        _drop_output()
        _fail(f"cannot write the output: {problem.strerror or problem}", 2)
    except Exception as mistake:  # ours, or of a plugin: whoever reports it pastes it
        import traceback

        _say("".join(traceback.format_exception(mistake)).rstrip())
        sys.exit(1)


def _ready_streams() -> None:
    """Let what was closed before the start lead to nowhere, and write what a terminal has no letter for as stderr does.

    A terminal may know Latin-1 and no arrow, and a device may say half a letter, which no encoding has.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # for as long as we live
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Let what is left of stdout go nowhere: the interpreter would complain and end with a code of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> None:
    _say(f"tapo-automate: {message}")
    sys.exit(code)


def _say(text: str) -> None:
    from tapo_automate.wire.private import scrubbed

    click.echo(scrubbed(text), err=True)
