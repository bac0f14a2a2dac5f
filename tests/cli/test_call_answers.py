"""What `call` does with an answer of a third party's driver that is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tapo_automate import hookimpl
from tapo_automate.cli import group, switch
from tapo_automate.errors import PluginError
from tapo_automate.registry import Registry

RULES = '[site]\ntimezone = "Europe/Berlin"\n[devices.strip]\ndriver = "tapo-plug"\nhost = "127.0.0.1"\n'


class OddPlugin:
    """Its devices answer what JSON cannot hold."""

    @hookimpl
    def register_drivers(self) -> list[SimpleNamespace]:
        device = SimpleNamespace(call=lambda _method, _params: {"found": object()}, close=lambda: None)
        return [SimpleNamespace(name="tapo-plug", open=lambda _spec, _credentials: device)]


@pytest.mark.parametrize("device", ["strip", "strip/1"])
def test_the_plugin_is_named(device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    monkeypatch.setattr(switch, "open_registry", lambda _credentials: Registry({"odd": OddPlugin()}))
    with pytest.raises(PluginError) as raised:
        group.main(["call", device, "get", "--rules", str(tmp_path / "rules.toml")], standalone_mode=False)
    said = "plugin 'odd': get answered what JSON cannot hold: Object of type object is not JSON serializable"
    assert str(raised.value) == said
