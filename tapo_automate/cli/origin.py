"""Which git commit a rule file belongs to, for the journal.

git is only asked what it has recorded (`rev-parse`, `ls-tree`): these read neither index nor work tree, so that no
hook, filter or file monitor of a repository is run, and nothing is written.  Whether a file is as it was committed is
found by hashing it as git does.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

CHANGED = "+changes"
TIMEOUT_S = 5.0
_SHORT = 12  # characters of a commit's name


def commits(files: Iterable[str]) -> dict[str, str]:
    """Return for each file the commit that its repository has checked out: "a94a8fe5ccb1".

    A file that differs from that commit, or is not in it, has "+changes" after it.  "" for a file outside a
    repository, without git, and where git does not answer within seconds.
    """
    real = {file: Path(os.path.realpath(file)) for file in files}
    found: dict[Path, str] = {}
    for folder in {path.parent for path in real.values()}:
        found |= _commits_in(folder, sorted(path.name for path in set(real.values()) if path.parent == folder))
    return {file: found[path] for file, path in real.items()}


def _commits_in(folder: Path, names: list[str]) -> dict[Path, str]:
    head = _git(folder, "rev-parse", "--verify", "HEAD^{commit}").strip()
    if not head:
        return {folder / name: "" for name in names}
    # Relative to the folder; ":(literal)" since a name may hold wildcards.
    listed = _git(folder, "ls-tree", "-z", head, "--", *(f":(literal){name}" for name in names))
    recorded: dict[str, str] = {}
    for entry in listed.split("\0"):
        about, _, name = entry.partition("\t")
        if name:
            recorded[name] = about.split()[2]
    return {
        folder / name: head[:_SHORT] + ("" if _is(folder / name, recorded.get(name, "")) else CHANGED) for name in names
    }


def _is(path: Path, blob: str) -> bool:
    """Whether the file's contents are those that git knows by the name `blob`, be it of SHA-1 or of SHA-256."""
    try:
        contents = path.read_bytes()
    except OSError:
        return False
    kind = "sha256" if len(blob) == 64 else "sha1"
    header = b"blob %d\0" % len(contents)
    return hashlib.new(kind, header + contents, usedforsecurity=False).hexdigest() == blob


def _git(folder: Path, *words: str) -> str:
    """Return what git prints, or "" if it fails, is not there or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape")


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return what git may know: where it lies and whose repositories it trusts.  Nothing else, credentials least."""
    kept = {name: ours[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in ours}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
