"""`tapo-automate run`: the daemon."""

from __future__ import annotations

import fcntl
import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tapo_automate.cli.home import credentials_option, open_registry, stopped_by_signals
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.errors import ConfigError

log = logging.getLogger("tapo_automate")


@click.command()
@rules_option
@credentials_option
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TAPO_AUTOMATE_STATE",
    show_envvar=True,
    help="Folder for what the daemon keeps; one daemon at a time may use it.  Default: the user's state folder.",
)
@click.option(
    "--poll",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two readings of a meter that a rule watches.",
)
@click.option(
    "--threads", type=click.IntRange(1, 512), default=64, show_default=True, help="Most devices spoken to at once."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def run(
    rules: tuple[str, ...],
    credentials: Path | None,
    state: Path | None,
    poll: float,
    threads: int,
    log_format: str,
    log_level: str,
) -> None:
    """Carry the rules out until stopped by SIGTERM or SIGINT (Ctrl-C).

    What is under way then is finished first.  The log goes to stderr.
    """
    from tapo_automate.cli.log import log_event, set_up_log
    from tapo_automate.daemon import Daemon
    from tapo_automate.rules.engine import runnable
    from tapo_automate.rules.support import not_carried_out

    if not math.isfinite(poll):
        raise click.BadParameter(f"{poll} is not a number of seconds", param_hint="--poll")
    book = load_book(rules)
    set_up_log(log_format, log_level, book.site.timezone)
    registry = open_registry(credentials)
    with _only_one(state or _default_state()):
        stop = stopped_by_signals()
        daemon = Daemon(book, registry, poll_s=poll, max_threads=threads, observe=log_event)
        daemon.start()
        for info in registry.plugins:
            if info.problem:
                log.error("plugin %s: %s", info.name, info.problem)
        for rule in book.rules.values():
            if reason := not_carried_out(rule):
                log.warning("%s: %s", rule.id, reason)
        count = len(runnable(book.rules.values()))
        log.info("carrying out %d of %d rules for %d devices", count, len(book.rules), len(book.devices))
        daemon.watch(stop)
        log.info("stopping")
        if not daemon.stop():
            log.warning("stopped while a device had not answered yet")
            # The interpreter would wait for the thread that hangs, perhaps for ever.
            logging.shutdown()
            os._exit(0)


def _default_state() -> Path:
    from platformdirs import user_state_path

    return user_state_path("tapo-automate")


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two daemons on one book would do everything twice.

    The kernel drops the lock with the process, however it ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as problem:
        raise ConfigError(
            f"{folder}: cannot keep state there: {problem.strerror}; name a folder with --state"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{folder}: another daemon is using this state folder") from None
        yield
    finally:
        os.close(descriptor)
