"""As little as KLAP can be done with: http.client, one connection, one session, nothing that could go wrong."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Sequence
from hashlib import sha1, sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from benchmarks.account import PASSWORD, USERNAME

_AUTH = sha256(sha1(USERNAME.encode()).digest() + sha1(PASSWORD.encode()).digest()).digest()


class BareKlap:
    """One device.  Checks proof, signature and error code; repeats nothing, times nothing out but the socket."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=8)
        self._headers = {"Content-Type": "application/octet-stream"}

    def shake_hands(self) -> None:
        local = secrets.token_bytes(16)
        answer, cookie = self._post("/app/handshake1", local)
        remote, proof = answer[:16], answer[16:48]
        assert proof == sha256(local + remote + _AUTH).digest()
        self._headers["Cookie"] = cookie.partition(";")[0]
        self._post("/app/handshake2", sha256(remote + local + _AUTH).digest())
        seeds = local + remote + _AUTH
        vector = sha256(b"iv" + seeds).digest()
        self._aes = AES(sha256(b"lsk" + seeds).digest()[:16])
        self._iv, self._seq = vector[:12], int.from_bytes(vector[12 + 16 :], "big", signed=True)
        self._signing = sha256(b"ldk" + seeds).digest()[:28]

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        plain = json.dumps({"method": method} if params is None else {"method": method, "params": params}).encode()
        self._seq += 1
        number = self._seq.to_bytes(4, "big", signed=True)
        fill = 16 - len(plain) % 16
        secret = Cipher(self._aes, CBC(self._iv + number)).encryptor().update(plain + bytes([fill]) * fill)
        signature = sha256(self._signing + number + secret).digest()
        body, _ = self._post(f"/app/request?seq={self._seq}", signature + secret)
        assert body[:32] == sha256(self._signing + number + body[32:]).digest()
        plain = Cipher(self._aes, CBC(self._iv + number)).decryptor().update(body[32:])
        answer = json.loads(plain[: -plain[-1]])
        assert answer["error_code"] == 0, answer
        return answer.get("result")

    def close(self) -> None:
        self._connection.close()

    def _post(self, path: str, body: bytes) -> tuple[bytes, str]:
        self._connection.request("POST", path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status == 200, response.status
        return answer, response.headers.get("Set-Cookie", "")


class Bare:
    """BareKlap as Hands, one device after the other."""

    def __init__(self) -> None:
        self._clients: list[BareKlap] = []

    def open(self, addresses: Sequence[str], transport: str) -> None:
        assert transport == "klap"
        self._clients = [BareKlap(address) for address in addresses]
        for client in self._clients:
            client.shake_hands()

    def repeat(self, method: str, count: int) -> None:
        call = self._clients[0].call
        for number in range(count):
            call(method, {"device_on": number % 2 == 0} if method == "set_device_info" else None)

    def switch(self, on: bool) -> None:
        for client in self._clients:
            client.call("set_device_info", {"device_on": on})

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._clients = []
