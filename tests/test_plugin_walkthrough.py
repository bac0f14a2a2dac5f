"""docs/plugins.md is built, installed and run as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "plugins.md").read_text("utf-8")


class Kettle(BaseHTTPRequestHandler):
    """The imaginary plug of the page."""

    on = False

    def do_GET(self) -> None:
        words = {"/relay": {"on": Kettle.on}, "/watts": {"watts": 12.5 if Kettle.on else 0.0}}[self.path]
        self.answer(words)

    def do_POST(self) -> None:
        Kettle.on = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["on"]
        self.answer({"on": Kettle.on})

    def answer(self, words: dict[str, object]) -> None:
        body = json.dumps(words).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def running_kettle() -> Iterator[str]:
    Kettle.on = False
    with ThreadingHTTPServer(("127.0.0.1", 0), Kettle) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the page's package as a wheel and install it into a folder of its own."""
    folder = tmp_path_factory.mktemp("kettle-plug")
    for name, body in re.findall(r"^```\w+\n# file: (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(body, "utf-8")
    build = ["build", "--wheel", "--no-isolation", "--skip-dependency-check", "--outdir", "dist", "."]
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--find-links", "dist", "--target", "lib"]
    for words in (build, [*install, "kettle-plug"]):
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "lib"


def tapo_automate(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tapo_automate", *words],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def rule_file(folder: Path, host: str) -> Path:
    [block] = [block for block in re.findall(r"^```toml\n(.*?)^```$", TEXT, re.M | re.S) if "[rules.tea]" in block]
    path = folder / "rules.toml"
    path.write_text(block.replace("127.0.0.1:8080", host), "utf-8")
    return path


def test_the_driver_of_the_page_is_under_sixty_lines() -> None:
    [driver] = re.findall(r"^```python\n# file: kettle_plug.py\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert len(driver.splitlines()) < 60


def test_the_driver_of_the_page_is_listed(installed: Path) -> None:
    done = tapo_automate(installed, "plugins", "--json")
    assert done.returncode == 0, done.stderr
    [kettle] = [row for row in json.loads(done.stdout)["plugins"] if row["name"] == "kettle"]
    assert kettle == {
        "name": "kettle",
        "distribution": "kettle-plug",
        "version": "1.0",
        "drivers": ["kettle-plug"],
        "problem": "",
    }


def test_the_commands_drive_the_plug_of_the_page(installed: Path, running_kettle: str, tmp_path: Path) -> None:
    rules = str(rule_file(tmp_path, running_kettle))
    done = tapo_automate(installed, "check", "-r", rules)
    assert done.returncode == 0, done.stdout + done.stderr
    done = tapo_automate(installed, "on", "kettle", "-r", rules)
    assert (done.returncode, done.stdout) == (0, "kettle: on\n"), done.stderr
    assert Kettle.on
    [row] = json.loads(tapo_automate(installed, "status", "--json", "-r", rules).stdout)["devices"]
    assert (row["on"], row["power_w"], row["transport"], row["error"]) == (True, 12.5, "http", None)
    done = tapo_automate(installed, "set", "kettle", "--brightness", "40", "-r", rules)
    assert done.returncode == 3
    assert done.stderr == f"kettle: {running_kettle}: a kettle plug can only be switched\n"


def test_the_driver_of_the_page_passes_the_suite(installed: Path, running_kettle: str, tmp_path: Path) -> None:
    [suite] = [
        block
        for block in re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
        if "DriverConformance" in block
    ]
    fixture = f"""
        @pytest.fixture
        def running_kettle():
            return {running_kettle!r}
    """
    (tmp_path / "test_kettle.py").write_text(suite + textwrap.dedent(fixture), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-p", "no:cacheprovider", "test_kettle.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"[1-9][0-9] passed", done.stdout)
