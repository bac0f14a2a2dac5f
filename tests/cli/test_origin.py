"""Commits of rule files, from repositories that git itself made."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tapo_automate.cli.origin import commits

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> str:
    author = {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **author}
    return subprocess.run(
        ["git", "-C", str(folder), *words], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def repository(folder: Path, *options: str, **files: str) -> str:
    """Commit files (with "__" for a slash) and return the commit."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q", *options)
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".toml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "rules")
    return git(folder, "rev-parse", "HEAD")[:12]


def test_a_file_as_it_was_committed_has_the_commit_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = repository(tmp_path, porch="x = 1\n", sub__garden="y = 2\n")
    monkeypatch.chdir(tmp_path)
    assert commits(["porch.toml", "sub/garden.toml"]) == {"porch.toml": head, "sub/garden.toml": head}


def test_a_file_that_was_changed_or_never_added_says_so(tmp_path: Path) -> None:
    head = repository(tmp_path, changed="x = 1\n", kept="x = 1\n", gone="x = 1\n")
    changed, kept, added, gone = (str(tmp_path / f"{name}.toml") for name in ("changed", "kept", "added", "gone"))
    Path(changed).write_text("x = 2\n")
    Path(added).write_text("x = 1\n")
    Path(gone).unlink()
    found = commits([changed, kept, added, gone])
    assert found == {changed: f"{head}+changes", kept: head, added: f"{head}+changes", gone: f"{head}+changes"}
    git(tmp_path, "add", ".")
    assert commits([changed]) == {changed: f"{head}+changes"}, "staged is not committed"
    Path(changed).write_text("x = 1\n")
    assert commits([changed]) == {changed: head}, "put back as it was"


def test_a_repository_of_the_longer_hash_is_understood(tmp_path: Path) -> None:
    head = repository(tmp_path, "--object-format=sha256", porch="x = 1\n")
    assert commits([str(tmp_path / "porch.toml")]) == {str(tmp_path / "porch.toml"): head}


@pytest.mark.parametrize(
    "name", ["a*b.toml", ":(top)x.toml", "-x.toml", "tab\there.toml", "ümlaut 日.toml", "new\nline.toml"]
)
def test_names_that_mean_something_to_git_are_only_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x = 1\n")
    head = repository(tmp_path, other="x = 1\n")
    assert commits([str(tmp_path / name)]) == {str(tmp_path / name): head}


def test_a_link_belongs_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = repository(tmp_path / "repository", porch="x = 1\n")
    (tmp_path / "link.toml").symlink_to(tmp_path / "repository" / "porch.toml")
    (tmp_path / "current").symlink_to("repository")
    monkeypatch.chdir(tmp_path)
    assert commits(["link.toml", "current/porch.toml"]) == {"link.toml": head, "current/porch.toml": head}


def test_outside_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules.toml").write_text("")
    git(tmp_path, "init", "-q", "empty")
    (tmp_path / "empty" / "rules.toml").write_text("")
    files = [str(tmp_path / "rules.toml"), str(tmp_path / "empty" / "rules.toml"), str(tmp_path / "no" / "such")]
    assert commits(files) == dict.fromkeys(files, "")
    assert commits([]) == {}


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path, porch="x = 1\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commits([str(tmp_path / "porch.toml")]) == {str(tmp_path / "porch.toml"): ""}


def test_a_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 100\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("tapo_automate.cli.origin.TIMEOUT_S", 0.3)
    assert commits([str(tmp_path / "porch.toml")]) == {str(tmp_path / "porch.toml"): ""}


def test_nothing_of_a_repository_is_run_or_written(tmp_path: Path) -> None:
    repository(tmp_path, porch="x = 1\n")
    ran = tmp_path / "ran"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "filter.evil.clean", "core.sshCommand", "core.pager", "diff.external"):
        git(tmp_path, "config", key, str(trap))
    (tmp_path / ".git" / "info" / "attributes").write_text("*.toml filter=evil\n")
    for hook in ("post-index-change", "pre-commit", "reference-transaction"):
        shutil.copy(trap, tmp_path / ".git" / "hooks" / hook)
    (tmp_path / "porch.toml").write_text("x = 2\n")

    def state() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (tmp_path / ".git").rglob("*")}

    before = state()
    [found] = commits([str(tmp_path / "porch.toml")]).values()
    assert found.endswith("+changes")
    assert state() == before
    assert not ran.exists()


def test_git_learns_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TAPO_PASSWORD", "canary-Sw0rdfish!")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    commits([str(tmp_path / "porch.toml")])
    environment = (tmp_path / "environment").read_text()
    assert "canary" not in environment
    assert "GIT_DIR" not in environment
    assert "GIT_OPTIONAL_LOCKS=0" in environment
