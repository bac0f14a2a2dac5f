"""What else answers on the ports of discovery in a house: cameras, a router, hubs, vacuums, plugs of another make.

None of them is simulated further.  Every value is made up.  Source: docs/protocol.md, "Discovery".
"""

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tapo_automate.simulator.announce import announcing
from tapo_automate.simulator.padding import pad

_COMMON = {"is_support_iot_cloud": True, "obd_src": "tplink", "factory_default": False}
_KEY_BYTES = 16  # AES-128, and as many for the initial vector


def camera(rsa_key: str | None) -> Iterator[bytes]:
    """Yield the body of a camera's answer; its particulars are encrypted with the key that came with the probe."""
    told: dict[str, Any] = {
        "device_id": "0C" * 16, "device_name": "garden", "device_type": "SMART.IPCAMERA", "device_model": "C210",
        "ip": "127.0.0.250", "mac": "02-5A-00-00-00-01", "hardware_version": "2.0",
        "firmware_version": "1.4.3 Build 241126 Rel.59400n", "factory_default": False, "isResetWiFi": False,
        "is_support_iot_cloud": True, "sv": 1, "mgt_encrypt_schm": {"is_support_https": True},
        "encrypt_type": ["3"],
    }  # fmt: skip
    particulars = {
        "connect_ssid": "simulated", "connect_type": "wireless", "device_id": told["device_id"], "http_port": 443,
        "owner": "0D" * 16, "sd_status": "offline",
    }  # fmt: skip
    sealed = _sealed(json.dumps(particulars).encode(), rsa_key)
    yield announcing(told if sealed is None else told | {"encrypt_info": sealed})


def router() -> Iterator[bytes]:
    """Yield the body of the answer of a router, which has no mgt_encrypt_schm."""
    yield announcing(
        {
            "device_id": "0A" * 16, "device_type": "ROUTER", "device_model": "Archer AX55", "ip": "127.0.0.251",
            "mac": "02-5A-00-00-00-02", "factory_default": False,
        }
    )  # fmt: skip


def others() -> Iterator[bytes]:
    """Yield the bodies of the answers of a hub, a vacuum and a plug that speaks the older Kasa dialect."""
    yield announcing(
        _COMMON
        | {
            "device_id": "0b" * 16, "owner": "0B" * 16, "device_type": "SMART.TAPOHUB", "device_model": "H100(EU)",
            "ip": "127.0.0.252", "mac": "02-5A-00-00-00-03",
            "mgt_encrypt_schm": {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2},
        }
    )  # fmt: skip
    yield announcing(
        _COMMON
        | {
            "device_id": "0e" * 16, "owner": "0E" * 16, "device_type": "SMART.TAPOROBOVAC",
            "device_model": "RV30 Max Plus(EU)", "ip": "127.0.0.253", "mac": "02-5A-00-00-00-04",
            "protocol_version": 1, "tpap_preferred": True,
            "mgt_encrypt_schm": {"is_support_https": True, "encrypt_type": "TPAP", "http_port": 4433, "lv": 2},
            "tpap": {"tls": 2, "dac": 1, "noc": 1, "pake": [2], "port": 4433},
        }
    )  # fmt: skip
    yield announcing(
        {
            "device_id": "0f" * 16, "owner": "0F" * 16, "device_type": "IOT.SMARTPLUGSWITCH",
            "device_model": "HS100(UK)", "ip": "127.0.0.254", "mac": "02-5A-00-00-00-05", "hw_ver": "4.1",
            "is_support_iot_cloud": True, "obd_src": "tplink", "factory_default": False,
            "mgt_encrypt_schm": {
                "is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "new_klap": 1,
            },
        }
    )  # fmt: skip


def _sealed(text: bytes, rsa_key: str | None) -> dict[str, str] | None:
    """Return encrypt_info, None where no usable key came."""
    try:
        public = serialization.load_pem_public_key((rsa_key or "").encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(public, rsa.RSAPublicKey):
        return None
    secret = secrets.token_bytes(2 * _KEY_BYTES)
    cipher = Cipher(algorithms.AES(secret[:_KEY_BYTES]), modes.CBC(secret[_KEY_BYTES:])).encryptor()
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    return {
        "sym_schm": "AES",
        "key": base64.b64encode(public.encrypt(secret, oaep)).decode(),
        "data": base64.b64encode(cipher.update(pad(text)) + cipher.finalize()).decode(),
    }
