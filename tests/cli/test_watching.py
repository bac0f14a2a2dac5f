"""Rule files that change in all the ways in which people and programs change files."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tapo_automate.cli import watching
from tapo_automate.cli.watching import contents, watch


class Watched:
    """A watch under way, and how often it has told of a change."""

    def __init__(self) -> None:
        self.told = threading.Semaphore(0)

    def tells(self, timeout_s: float = 20) -> bool:
        return self.told.acquire(timeout=timeout_s)

    def quiet(self) -> bool:
        """Whether nothing more is told; asked when all has had its time."""
        return not self.told.acquire(timeout=0.8)


@contextmanager
def watched(*paths: Path) -> Iterator[Watched]:
    watching_now, stop = Watched(), threading.Event()
    names = [str(path) for path in paths]
    thread = threading.Thread(target=watch, args=(names, contents(names), watching_now.told.release, stop))
    thread.start()
    try:
        yield watching_now
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLE_S", 0.1)


@pytest.fixture
def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at without a reason from the operating system."""
    monkeypatch.setattr(watching, "LOOK_S", 3600.0)


def replaced(path: Path, text: str) -> None:
    """Write as careful editors do: beside it, then renamed over it."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(text)
    beside.replace(path)


WAYS: dict[str, Callable[[Path], object]] = {
    "written in place": lambda path: path.write_text("b"),
    "replaced by renaming": lambda path: replaced(path, "b"),
    "removed": Path.unlink,
    "moved away and written anew": lambda path: (path.rename(path.with_suffix(".bak")), path.write_text("b")),
    "made a link": lambda path: (path.with_suffix(".b").write_text("b"), path.unlink(), path.symlink_to("rules.b")),
}


@pytest.mark.usefixtures("only_told")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_change_is_told_once_whatever_way_it_is_made(tmp_path: Path, way: Callable[[Path], object]) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("a")
    with watched(rules) as watch:
        time.sleep(0.3)  # the watch is being set up; what happens before is found too, but this is not the claim here
        way(rules)
        assert watch.tells()
        assert watch.quiet()
        rules.unlink(missing_ok=True)
        rules.write_text("c")
        assert watch.tells(), "and so is the next one"


@pytest.mark.usefixtures("only_told")
def test_a_change_during_the_setting_up_is_not_lost(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("a")
    before = contents([str(rules)])
    rules.write_text("b")
    told, stop = threading.Semaphore(0), threading.Event()
    thread = threading.Thread(target=watch, args=([str(rules)], before, told.release, stop))
    thread.start()
    try:
        assert told.acquire(timeout=20)
    finally:
        stop.set()
        thread.join(20)


@pytest.mark.usefixtures("only_told")
def test_a_config_map_s_links_are_followed(tmp_path: Path) -> None:
    """As kubernetes mounts it: rules.toml -> ..data/rules.toml, ..data -> ..version, and ..data is swapped."""
    for version in ("..1", "..2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "rules.toml").write_text(version)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "rules.toml").symlink_to("..data/rules.toml")
    with watched(tmp_path / "rules.toml") as watch:
        time.sleep(0.3)
        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        assert watch.tells()
        shutil.rmtree(tmp_path / "..1")
        assert watch.quiet()


@pytest.mark.usefixtures("only_told")
def test_a_release_s_link_above_the_file_is_followed(tmp_path: Path) -> None:
    for release in ("1", "2"):
        (tmp_path / "releases" / release / "rules").mkdir(parents=True)
        (tmp_path / "releases" / release / "rules" / "a.toml").write_text(release)
    (tmp_path / "current").symlink_to(tmp_path / "releases" / "1")
    with watched(tmp_path / "current" / "rules") as watch:
        time.sleep(0.3)
        (tmp_path / "next").symlink_to(tmp_path / "releases" / "2")
        (tmp_path / "next").replace(tmp_path / "current")
        assert watch.tells()
        time.sleep(0.3)
        (tmp_path / "releases" / "2" / "rules" / "b.toml").write_text("new")
        assert watch.tells(), "the new folder is watched now"


@pytest.mark.usefixtures("only_told")
def test_a_folder_that_is_removed_and_made_again_is_watched_again(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.toml").write_text("a")
    with watched(rules) as watch:
        time.sleep(0.3)
        shutil.rmtree(rules)
        assert watch.tells()
        time.sleep(0.3)
        rules.mkdir()
        (rules / "a.toml").write_text("b")
        assert watch.tells()
        assert watch.quiet()


@pytest.mark.usefixtures("only_told")
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_checkout_of_several_files_is_one_change(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        author = {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **author}
        subprocess.run(["git", "-C", str(tmp_path), *words], env=environment, check=True, capture_output=True)

    rules = tmp_path / "rules"
    rules.mkdir()
    git("init", "-q", "-b", "main")
    for text in ("one", "two"):
        for number in range(20):
            (rules / f"{number}.toml").write_text(text)
        git("add", ".")
        git("commit", "-q", "-m", text)
    with watched(rules) as watch:
        time.sleep(0.3)
        git("checkout", "-q", "HEAD~1")
        assert watch.tells()
        assert watch.quiet()


@pytest.mark.usefixtures("only_told")
def test_what_is_no_change_is_not_told(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("a")
    with watched(tmp_path) as watch:
        time.sleep(0.3)
        for name in (".rules.toml.swp", "4913", "rules.toml~", "#rules.toml#", "journal.sqlite"):
            (tmp_path / name).write_text("x")
            (tmp_path / name).unlink()
        rules.touch()
        replaced(rules, "a")
        (tmp_path / "rules.toml.lock").mkdir()
        assert watch.quiet()
        rules.write_text("b")
        assert watch.tells()


def test_where_nothing_is_told_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network file system: another machine's change raises no event here."""
    monkeypatch.setattr(watching, "LOOK_S", 0.3)
    (tmp_path / "far").mkdir()
    (tmp_path / "empty").mkdir()
    rules = tmp_path / "far" / "rules.toml"
    rules.write_text("a")
    monkeypatch.setattr(watching, "_places", lambda paths: frozenset({(str(tmp_path / "empty"), 1, 1)}))
    with watched(rules) as watch:
        rules.write_text("b")
        assert watch.tells()
        assert watch.quiet()


def test_a_system_without_watches_to_spare_says_so_once_and_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import watchfiles

    def none_left(*paths: str, **options: object) -> Iterator[object]:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", none_left)
    monkeypatch.setattr(watching, "LOOK_S", 1.0)
    rules = tmp_path / "rules.toml"
    rules.write_text("a")
    with watched(rules) as watch:
        rules.write_text("b")
        assert watch.tells()
        rules.write_text("c")
        assert watch.tells()
    [record] = caplog.records
    assert record.getMessage() == ("rule files are looked at every 1 s only: [Errno 28] OS file watch limit reached")


def test_polling_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only_told: None) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    monkeypatch.setenv("WATCHFILES_POLL_DELAY_MS", "50")
    rules = tmp_path / "rules.toml"
    rules.write_text("a")
    with watched(rules) as watch:
        time.sleep(1.2)  # a file is compared by the second in which it was written
        rules.write_text("b")
        assert watch.tells()


def test_contents_are_those_that_the_loader_reads(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name in ("a.toml", "b.toml", "notes.md", ".hidden"):
        (tmp_path / "rules" / name).write_text(name)
    (tmp_path / "rules" / "c.toml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.toml")
    found = contents([str(tmp_path / "rules"), str(tmp_path / "pipe.toml"), str(tmp_path / "gone.toml"), "nul\0inside"])
    assert {Path(name).name: digest is not None for name, digest in found.items()} == {
        "a.toml": True, "b.toml": True, "c.toml": False, "pipe.toml": False, "gone.toml": False, "nul\0inside": False
    }  # fmt: skip


def test_what_is_adopted_beside_a_file_is_seen_and_a_ledger_is_not(tmp_path: Path, only_told: None) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("a = 1")
    with watched(rules, tmp_path) as watcher:
        (tmp_path / "rules.ledger.toml").write_text("version = 1")
        assert watcher.quiet()
        (tmp_path / "rules.adopted.toml").write_text("b = 1")
        assert watcher.tells()
    assert set(contents([str(rules)])) == {str(rules), str(tmp_path / "rules.adopted.toml")}
