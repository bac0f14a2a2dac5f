"""Plugins, good and broken, and what the registry makes of them."""

from __future__ import annotations

import datetime as dt
import logging
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tapo_automate import ConfigError, Credentials, DeviceSpec, Firing, PluginError, Rule, Setting, hookimpl
from tapo_automate.registry import Registry
from tapo_automate.rules.model import AtTime

SPEC = DeviceSpec("lamp", "toy", "127.0.0.1:9")
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
FIRING = Firing(Rule("r", ("lamp",), AtTime(dt.time(12)), Setting(on=True)), "lamp", NOON, NOON)


def driver(name: str, opened: object = None) -> SimpleNamespace:
    return SimpleNamespace(name=name, open=lambda spec, credentials: opened)


class Brings:
    """A plugin that brings the drivers it is given."""

    def __init__(self, *drivers: object) -> None:
        self._drivers = drivers

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        return self._drivers


class Misspelt:
    @hookimpl
    def register_divers(self) -> list[object]:
        return []


class WrongArgument:
    @hookimpl
    def rule_fired(self, fireing: Firing) -> None: ...


class Raises:
    @hookimpl
    def register_drivers(self) -> list[object]:
        raise RuntimeError("no luck today")


class Wrapper:
    @hookimpl(wrapper=True)
    def register_drivers(self):  # type: ignore[no-untyped-def]
        return (yield)


class Plain:
    pass


class Exits:
    @hookimpl
    def register_drivers(self) -> list[object]:
        sys.exit("not today")


class Nameless:
    """A driver whose name cannot be read."""

    @property
    def name(self) -> str:
        raise KeyError("name")

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> None: ...


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (Misspelt(), "unknown hook 'register_divers' in plugin"),
        (WrongArgument(), "Argument(s) {'fireing'} are declared in the hookimpl but can not be found in the hookspec"),
        (Raises(), "register_drivers raised RuntimeError: no luck today"),
        (Exits(), "register_drivers raised SystemExit: not today"),
        (Brings(Nameless()), "the name of Nameless cannot be read: KeyError: 'name'"),
        (Wrapper(), "hook wrappers are not supported"),
        (Plain(), "implements no hook; mark its functions with @hookimpl"),
        (Brings(driver("")), "register_drivers returned SimpleNamespace, which is not a driver"),
        (Brings(SimpleNamespace(name="x")), "register_drivers returned SimpleNamespace, which is not a driver"),
    ],
)
def test_a_broken_plugin_is_listed_with_the_reason_and_the_others_work(broken: object, problem: str) -> None:
    registry = Registry({"broken": broken, "good": Brings(driver("toy"))})
    infos = {info.name: info for info in registry.plugins}
    assert problem in infos["broken"].problem
    assert infos["good"].problem == ""
    assert registry.driver_names == ["toy"]


def test_an_unknown_driver_is_answered_with_those_installed() -> None:
    registry = Registry({"toys": Brings(driver("tapo-plug"), driver("tapo-bulb"))})
    with pytest.raises(ConfigError) as caught:
        registry.driver("tapo-plgu")
    assert str(caught.value) == "unknown driver 'tapo-plgu', did you mean 'tapo-plug'?; installed: tapo-bulb, tapo-plug"


def test_an_unknown_driver_points_at_broken_plugins() -> None:
    with pytest.raises(ConfigError) as caught:
        Registry({"sick": Raises()}).driver("toy")
    assert str(caught.value) == (
        "unknown driver 'toy'; installed: none; broken plugins: sick (see `tapo-automate plugins`)"
    )


def test_two_claimants_of_one_name_are_both_refused() -> None:
    registry = Registry({"one": Brings(driver("toy"), driver("own")), "two": Brings(driver("toy"))})
    assert registry.driver_names == ["own"]
    assert [info.problem for info in registry.plugins] == [
        "driver name 'toy' is claimed by one and two; it is not used"
    ] * 2
    with pytest.raises(ConfigError) as caught:
        registry.driver("toy")
    assert str(caught.value) == "driver 'toy' is claimed by the plugins one and two; uninstall all but one"


def test_what_a_driver_raises_on_opening_is_the_plugins_fault() -> None:
    def explode(spec: DeviceSpec, credentials: Credentials | None) -> None:
        raise KeyError("oops")

    registry = Registry({"bomb": Brings(SimpleNamespace(name="toy", open=explode))})
    with pytest.raises(PluginError) as caught:
        registry.open(SPEC)
    assert str(caught.value) == "plugin 'bomb': opening 'lamp' failed: KeyError: 'oops'"


def test_a_driver_that_opens_nothing_or_ends_the_process_is_the_plugins_fault() -> None:
    with pytest.raises(PluginError) as caught:
        Registry({"void": Brings(driver("toy"))}).open(SPEC)
    assert str(caught.value) == "plugin 'void': opening 'lamp' returned no device"
    exits = SimpleNamespace(name="toy", open=lambda spec, credentials: sys.exit(9))
    with pytest.raises(PluginError) as caught:
        Registry({"exits": Brings(exits)}).open(SPEC)
    assert str(caught.value) == "plugin 'exits': opening 'lamp' failed: SystemExit: 9"


class Knows:
    def __init__(self, answer: object) -> None:
        self._answer = answer

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> object:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class KnowsLast(Knows):
    @hookimpl(trylast=True)
    def find_credentials(self, spec: DeviceSpec) -> object:
        return Credentials("last", "resort")


def test_the_first_plugin_that_knows_credentials_wins_and_a_failing_one_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = Knows(RuntimeError("the vault said: hunter2"))
    registry = Registry({"last": KnowsLast(None), "none": Knows(None), "failing": failing, "junk": Knows("me:secret")})
    with caplog.at_level(logging.WARNING):
        assert registry.credentials(SPEC) == Credentials("last", "resort")
    assert "plugin 'failing': find_credentials raised RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text, "what a reader of secrets raises may hold them"
    assert "secret" not in caplog.text


def test_nobody_knowing_credentials_is_none() -> None:
    assert Registry({"none": Knows(None)}).credentials(SPEC) is None


def test_a_failing_observer_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    class Sees:
        def __init__(self, name: str, fails: bool = False) -> None:
            self.name, self.fails = name, fails

        @hookimpl
        def rule_fired(self, firing: Firing) -> None:
            seen.append(self.name)
            if self.fails:
                raise ValueError("cannot see")

    registry = Registry({"a": Sees("a"), "b": Sees("b", fails=True), "c": Sees("c")})
    with caplog.at_level(logging.WARNING):
        registry.rule_fired(FIRING, None)
    assert sorted(seen) == ["a", "b", "c"]
    assert "plugin 'b': rule_fired raised ValueError: cannot see" in caplog.text


BROKEN_DISTRIBUTIONS = {
    "broken-import": ("broken_import", "import nothing_of_this_name\n"),
    "broken-exit": ("broken_exit", "import sys\nsys.exit('not today')\n"),
    "broken-syntax": ("broken_syntax", "def (:\n"),
    "good-one": (
        "good_one",
        "from tapo_automate import hookimpl\nprint('hello from a plugin')\n"
        "class D:\n    name = 'good'\n    def open(self, spec, credentials): ...\n"
        "@hookimpl\ndef register_drivers():\n    return [D()]\n",
    ),
}


def test_installed_plugins_that_cannot_be_imported_are_listed_by_the_command(tmp_path: Path) -> None:
    for distribution, (module, text) in BROKEN_DISTRIBUTIONS.items():
        (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[tapo_automate]\n{module} = {module}\n")
    done = subprocess.run(
        [sys.executable, "-m", "tapo_automate", "plugins"],
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "hello" not in done.stdout
    rows = {line.split()[0]: " ".join(line.split()) for line in done.stdout.splitlines()}
    assert rows["broken_import"] == (
        "broken_import broken-import 1.2 - cannot be imported: ModuleNotFoundError: "
        "No module named 'nothing_of_this_name'"
    )
    assert rows["broken_exit"] == "broken_exit broken-exit 1.2 - cannot be imported: SystemExit: not today"
    assert "cannot be imported: SyntaxError" in rows["broken_syntax"]
    assert rows["good_one"] == "good_one good-one 1.2 good"
    assert rows["plug"].startswith("plug tapo-automate")
