"""The daemon as a process knows by its ledger what devices carry out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.running import ACCOUNT, daemon
from tapo_automate.simulator import Fleet


@pytest.mark.parametrize("option", [(), ("--ledger", "kept/elsewhere.toml")])
def test_a_damaged_ledger_is_told_and_everything_goes_on(tmp_path: Path, option: tuple[str, ...]) -> None:
    ledger = Path(option[1]) if option else Path("rules.ledger.toml")
    (tmp_path / ledger).parent.mkdir(exist_ok=True)
    (tmp_path / ledger).write_text("rows = [")
    with Fleet() as fleet:
        plug = fleet.add("P110", **ACCOUNT)
        (tmp_path / "rules.toml").write_text(f"""
            [site]
            timezone = "UTC"
            [devices.plug]
            driver = "tapo-plug"
            host = "{plug.address}"
            [rules.on]
            devices = ["plug"]
            when.every = {{ interval = "2s" }}
            set = {{ on = true }}
        """)
        with daemon(tmp_path, *option) as running:
            running.says("until then every device is looked at before it is told anything")
            running.until(lambda: plug.state["device_on"])
            assert running.stop() == 0
    assert sum(f"alarm: {ledger}: " in line for line in running.log) == 1
