"""What devices announce, held against what real ones did."""

import json
from pathlib import Path

import pytest

from real_dumps import DUMPS, said_at_discovery
from simulator.seeking import OWNER
from tapo_automate.simulator import Fleet
from tapo_automate.simulator.models import MODELS


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_dump_is_announced_as_the_real_device_was(fleet: Fleet, path: Path) -> None:
    real = said_at_discovery(json.loads(path.read_text(encoding="utf-8")))
    told = fleet.add(path, discovery=0, **OWNER).announcement
    real["mgt_encrypt_schm"].pop("http_port")
    told["mgt_encrypt_schm"].pop("http_port")
    # Of no use in a dump, for its maker has blanked them; and whose it was, for here it has an owner.
    own = ("device_id", "owner", "ip", "mac", "factory_default")
    assert told.keys() == real.keys()
    assert [len(told[key]) for key in ("device_id", "owner")] == [32, 32]
    assert told["factory_default"] is False
    assert {key: told[key] for key in told if key not in own} == {key: real[key] for key in real if key not in own}


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
def test_built_in_devices_announce_what_real_ones_of_their_firmware_do(fleet: Fleet) -> None:
    compared = 0
    for path in DUMPS:
        dump = json.loads(path.read_text(encoding="utf-8"))
        real, info = said_at_discovery(dump), dump["get_device_info"]
        name = info["model"].removesuffix("A").removesuffix("B").removesuffix("E").partition("-")[0]
        for model in (model for model in MODELS if model.name == name):
            for transport, firmware in model.firmware.items():
                if firmware.version.split()[0] == info["fw_ver"].split()[0]:
                    device = fleet.add(name, transport=transport, **OWNER)
                    if transport == "tpap":
                        device.set_third_party_compatibility(True)
                    told = device.announcement
                    assert told.keys() - {"protocol_version"} == real.keys() - {"protocol_version"}, path
                    assert told["mgt_encrypt_schm"].keys() == real["mgt_encrypt_schm"].keys(), path
                    compared += 1
    if not compared:
        pytest.skip("TAPO_FIXTURES holds no dump of a firmware that is built in")
