"""`tapo-automate run`: the daemon."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.home import (
    credentials_option,
    device_memory,
    open_registry,
    state_folder,
    state_option,
    stopped_by_signals,
)
from tapo_automate.cli.options import rules_option
from tapo_automate.cli.sync_options import ledger_option, ledger_path
from tapo_automate.errors import RulesInvalid

if TYPE_CHECKING:
    from tapo_automate.cli.reloading import Attempt
    from tapo_automate.daemon import Event, Health
    from tapo_automate.rules.model import RuleBook

_PATIENCE_S = 5.0  # for threads that end of themselves

log = logging.getLogger("tapo_automate")


@click.command(
    epilog="""\b
Exit codes:
  0         stopped in good order by SIGTERM or SIGINT
  1         an error that is not yours
  2         wrong use, rules of which nothing can be carried out, a state folder or port in use, no credentials
  130, 143  a second SIGINT or SIGTERM ended it at once
"""
)
@rules_option
@ledger_option
@credentials_option
@state_option
@click.option("--strict", is_flag=True, help="Do not start if anything in the rules is broken, be it one rule.")
@click.option("--watch/--no-watch", default=True, show_default=True, help="Reload when the rule files change.")
@click.option(
    "--poll",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two readings of a meter that a rule watches.",
)
@click.option(
    "--look",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks at a device that no rule watches; 0 for none.",
)
@click.option(
    "--keep",
    type=click.IntRange(1, 36_500),
    default=400,
    show_default=True,
    metavar="DAYS",
    help="How long the journal keeps what was done.",
)
@click.option("--health", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics there; loopback only.")
@click.option(
    "--threads", type=click.IntRange(1, 512), default=64, show_default=True, help="Most devices spoken to at once."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def run(
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    state: Path | None,
    strict: bool,
    watch: bool,
    poll: float,
    look: float,
    keep: int,
    health: str | None,
    threads: int,
    log_format: str,
    log_level: str,
) -> None:
    """Carry the rules out until stopped by SIGTERM or SIGINT (Ctrl-C).

    What devices carry out by themselves, as the ledger says, is left to them and looked at.  What is under way when it
    is stopped is finished first.  SIGHUP takes the rule files on again.  The log goes to stderr.
    """
    _check_seconds("--poll", poll)
    _check_seconds("--look", look)

    from tapo_automate.cli.instance import only_one
    from tapo_automate.cli.log import log_event, set_up_log, take_in_others
    from tapo_automate.cli.reloading import Reloader, commits_of, in_numbers, say_what_runs
    from tapo_automate.cli.watching import contents
    from tapo_automate.cli.watching import watch as watch_files
    from tapo_automate.daemon import Daemon
    from tapo_automate.daemon.sdnotify import Notifier, feed_watchdog
    from tapo_automate.journal.store import Journal
    from tapo_automate.sync.partition import LedgerWatch

    asked, gone = threading.Event(), threading.Event()
    stop = stopped_by_signals(asked.set)  # before anything that begins a thread, and before others can find us
    notifier = Notifier.from_environment(os.environ, os.getpid())
    registry = open_registry(credentials, state=state, patience_s=())  # who is busy is asked again by its lane
    logins = device_memory(state)
    loaded = contents(rules)
    book, left_out, report = _readable(rules, registry.driver_names, strict)
    set_up_log(log_format, log_level, book.site.timezone)
    take_in_others()
    for part in left_out:
        log.error("%s", part)

    def observe(event: Event) -> None:
        log_event(event)
        if monitoring:
            monitoring.metrics.observe(event)

    with ExitStack() as stack:
        folder = state_folder(state)
        stack.enter_context(only_one(folder))
        stack.callback(gone.set)
        monitoring = stack.enter_context(_Monitoring(health, lambda: daemon.health())) if health else None
        journal = stack.enter_context(Journal.open(folder, keep_days=keep, on_warning=log.warning))
        daemon = Daemon(
            book,
            registry,
            journal=journal,
            ledger=LedgerWatch(ledger_path(ledger, rules)),
            poll_s=poll,
            look_s=look,
            max_threads=threads,
            observe=observe,
            commits=commits_of(book),
            logins=lambda spec: logins.last_login(spec.host or spec.mac),
        )
        reloader = Reloader(
            daemon,
            book,
            paths=rules,
            loaded=loaded,
            drivers=registry.driver_names,
            folder=folder,
            notifier=notifier,
            asked=asked,
            told=monitoring.reloaded if monitoring else lambda attempt: None,
        )
        daemon.start()
        for info in registry.plugins:
            if info.problem:
                log.error("plugin %s: %s", info.name, info.problem)
        say_what_runs(book)
        if monitoring:
            log.info("health is told at %s", monitoring.start())
        reloader.started(report)
        workers = [_begun("reload", reloader.run)]
        if watch:
            workers.append(_begun("files", partial(watch_files, rules, loaded, reloader.files_changed, stop)))
        _begun("watchdog", partial(feed_watchdog, notifier, daemon.health, gone))
        notifier.ready(in_numbers(book))
        daemon.watch(stop)
        log.info("stopping")
        notifier.stopping()
        if monitoring:
            monitoring.endpoints.stopping()
        reloader.end()
        for worker in workers:
            worker.join(_PATIENCE_S)
        if not daemon.stop() or any(worker.is_alive() for worker in workers):
            log.warning("stopped while a device had not answered yet")
            # The interpreter would wait for the thread that hangs, perhaps for ever.
            journal.close()
            logging.shutdown()
            os._exit(0)


class _Monitoring:
    """What others may ask about the daemon: the endpoints, and the numbers behind them."""

    def __init__(self, address: str, health: Callable[[], Health]) -> None:
        from tapo_automate.daemon.metrics import Metrics
        from tapo_automate.daemon.web import Endpoints, loopback

        self.metrics = Metrics(health)
        self.endpoints = Endpoints(loopback(address), health, self.metrics)

    def __enter__(self) -> _Monitoring:
        return self

    def __exit__(self, *raised: object) -> None:
        self.endpoints.close()

    def start(self) -> str:
        """Begin to answer; return where, in words."""
        self.endpoints.start()
        return f"{self.endpoints.url}/healthz, /readyz and /metrics"

    def reloaded(self, attempt: Attempt) -> None:
        """Count an attempt; the first is the start."""
        if attempt.count:
            self.metrics.reloaded("refused" if not attempt.ok else "ok" if attempt.changes else "unchanged")


def _readable(paths: Sequence[str], drivers: Sequence[str], strict: bool) -> tuple[RuleBook, Sequence[object], str]:
    """Return the book, what had to be left out of it, and the report on what is wrong in the files.

    Raises RulesInvalid where nothing can be carried out, or strict and anything is wrong; ConfigError as `load` does.
    """
    from tapo_automate.rules.load import load_or_raise
    from tapo_automate.rules.problems import report
    from tapo_automate.rules.salvage import salvage

    if strict:
        return load_or_raise(paths, drivers=drivers), (), ""
    found = salvage(paths, drivers=drivers)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if found.book is None:
        raise RulesInvalid(len(errors), report(errors))
    return found.book, found.dropped, report(errors)


def _begun(name: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def _check_seconds(option: str, value: float) -> None:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds", param_hint=option)
    if 0 < value < 1:
        raise click.BadParameter(f"{value:g} is less than a second; 0 is for never", param_hint=option)
