"""The daemon in numbers, as Prometheus reads them.

What happens is counted when it happens; what is, is looked at when somebody asks.  Devices are named as the rule file
names them: neither addresses nor accounts come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Literal, TypeAlias, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tapo_automate.daemon.events import Event, Outcome, Retrying, Stepped
from tapo_automate.daemon.health import Health
from tapo_automate.journal.entry import Result

Reload: TypeAlias = Literal["ok", "unchanged", "refused"]
LATE_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)  # 900: the `within` of a rule that says nothing else


class Metrics:
    """Counts events and shows health.  health: asked anew at every look.  May be used from many threads."""

    def __init__(self, health: Callable[[], Health]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series a counter, which nobody reads
        self._registry = CollectorRegistry()
        self._firings = self._counter("firings", "Firings that were settled, by what became of them.", "result")
        self._late = Histogram(
            "tapo_automate_firing_late_seconds",
            "How long after its due instant a firing was carried out.",
            buckets=LATE_S,
            registry=self._registry,
        )
        self._missed = self._counter("missed", "Firings that nobody could carry out within their time.")
        self._verified = self._counter("verified", "Firings that a device was seen to have carried out by itself.")
        self._repaired = self._counter("repaired", "Firings that a device did not carry out, and the daemon did.")
        self._retries = self._counter("retries", "Commands that have to be tried again.")
        self._steps = self._counter("clock_steps", "Times that the clock was set, or the machine slept.")
        self._reloads = self._counter("reloads", "Attempts to take on another rule book.", "result")
        for result in get_args(Result):
            if result != "pending":
                self._firings.labels(result)  # a series that is there from the beginning can be alerted on
        for reload in get_args(Reload):
            self._reloads.labels(reload)
        self._registry.register(_Looks(health))

    def observe(self, event: Event) -> None:
        """Count what the daemon tells."""
        match event:
            case Outcome(result=result, executor=executor):
                self._firings.labels(result).inc()
                if executor == "device":
                    self._verified.inc()  # how late it was seen says nothing
                    return
                if result in ("done", "already"):
                    if executor == "stand-in":
                        self._repaired.inc()
                    self._late.observe(max(0.0, event.late_s))
                elif result == "missed":
                    self._missed.inc()
            case Retrying():
                self._retries.inc()
            case Stepped():
                self._steps.inc()

    def reloaded(self, result: Reload) -> None:
        """Count an attempt to take on another rule book."""
        self._reloads.labels(result).inc()

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return all numbers in the format that an Accept header asks for, and the name of that format."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"tapo_automate_{name}", documentation, labels, registry=self._registry)


class _Looks(Collector):
    """What is read off the daemon's health when somebody asks."""

    def __init__(self, health: Callable[[], Health]) -> None:
        self._health = health

    def describe(self) -> list[Metric]:
        return []  # the registry would ask `collect` for names, before there is a daemon

    def collect(self) -> Iterator[Metric]:
        health = self._health()
        up = GaugeMetricFamily(
            "tapo_automate_device_up", "1 while nothing is wrong with the device.", labels=["device"]
        )
        for name, trouble in health.devices.items():
            up.add_metric([name], not trouble)
        yield up
        yield _gauge("logins_blocked", "Devices left alone since they refused our credentials.", len(health.blocked))
        if health.next_due is not None:
            at = health.next_due.timestamp()
            yield _gauge("next_firing_timestamp_seconds", "The next planned firing, in Unix time.", at)
        yield _gauge(
            "planner_progress_seconds", "Time since the planner last came round; 5 is usual.", health.progress_s
        )
        yield _gauge("journal_ok", "1 while the journal can be written.", not health.journal)
        yield _gauge("rules_ok", "1 while the rules that were offered last are the ones carried out.", not health.book)
        yield _gauge("clock_plausible", "0 while firings are held because the clock is wrong.", health.clock_plausible)
        yield _gauge("rules", "Rules that are carried out.", health.rules)
        yield _gauge("commands_waiting", "Commands that are not settled yet.", health.waiting)
        yield InfoMetricFamily("tapo_automate_build", "The program.", {"version": version("tapo-automate")})


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tapo_automate_{name}", documentation, value=float(value))
