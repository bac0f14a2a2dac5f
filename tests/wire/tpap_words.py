"""TPAP's published vectors, and the words that its tests share.

The vectors are those of docs/protocol.md, "Vectors", computed apart from this client and equal to what plugp100 makes
of the same input.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tapo_automate.wire.exchange import Request, Response
from tapo_automate.wire.identity import candidates
from tapo_automate.wire.offer import Offer, Passcode, passcode
from tapo_automate.wire.spake2plus import (
    Encode,
    shortened,
    whole,
)
from tapo_automate.wire.tpap import TpapSession
from wire.peers import ACCOUNT
from wire.tpap_peer import MAC, b64

USER_RANDOM = bytes(range(32))
DEVICE_RANDOM = bytes(range(32, 64))
X = int("11" * 32, 16)
PLAIN = b'{"method":"get_device_info"}'
OFFER = Offer(MAC, None, frozenset({2}))
SHORT_SALT = (563).to_bytes(16, "big")  # of PASSWORD and 50 iterations it makes a disputed w0; checked below
PASSWORD_REFUSED = (
    "the device does not accept this password. One that was changed lately may not have reached the device: log out of "
    "the app and in again, or remove the device there and add it anew. It is not tried again by itself, because "
    "repeated failures lock a device"
)


class Vector(NamedTuple):
    encode: Encode
    dev_salt: str
    w0: str
    w1: str
    user_share: str
    dev_share: str
    transcript_bytes: int
    digest: str
    shared: str
    user_confirm: str
    dev_confirm: str
    key: str
    nonce_base: str
    frame: str


CONTEXT = "5b2a9a4124d0c3da88f8de08252b62cbfbb514891b888aa3d90d68f34a8594a2"
A = Vector(
    encode=whole,
    dev_salt="404142434445464748494a4b4c4d4e4f",
    w0="7ea298517930343a817761b0f115e3728564be9f1faa952d976842d19b4049dc",
    w1="8869051127f6f9595c7fc82d06d01ffbb174864a28f8955820f33e5416c56fcc",
    user_share="0411ef5227a3dd02e2934aeaec24bea9415f01075727eac7e559d455979e454e9b"
    "4655d0940d2b6f3c1cd751aac81f86b6616938a02b9431205107a4768629be2a",
    dev_share="044ae61afaf083f7d8b0775e510960828448e8ae71fae83cf4a53371bc6cc04efd"
    "313aba0db253ce333a2475d07e0ddd737c5880a6521ae0593c7ce870d1892451",
    transcript_bytes=534,
    digest="40c912a60e823e2943b552373a3f73a076f539b2e7ee17458fc8b8b586733998",
    shared="812153dc244dea401a70ef2d70ff6d254c52a2850b03ece524f7327fdb6495f6",
    user_confirm="0dcafea71b10ad18c44fa9238a6483c851426d5ab83ffb9c3bcebd16ab392899",
    dev_confirm="52184b7a848ed934db9ca01a5cb8b39fe6b0d2e3c6138fb720a5e8ec1d351903",
    key="6722e1f7aaa03202b476798603f6c1e1",
    nonce_base="5767218a4b1204e752ecdcb6",
    frame="000000016b1b542c553d0da88dfcb90f06228d2f0b076c74f85dfa239ceee2e49f404a7b80fe7a060d7a4bdf86af8235",
)
B = Vector(
    encode=shortened,
    dev_salt="73686f72742d77302d00000000000060",
    w0="00443fe53f04fa400c7abc28fe1afe36cedff9709925a632f6b24f5ccdb45420",
    w1="245409811ad81cc980a61927b1c87bee0864f4733aa90ffa555edf2e27177ffd",
    user_share="04b45ef1c48ff50628e211cad94bfa5a48400d67d5e2e979267cf252e6030521a4"
    "c533d06d1d94b5fadf606dc2aa5ed323e789ab4d0d348ea9af66221680b592d0",
    dev_share="045923cfa9365d046a560dd1b7fd6910e50772d92ea30e6822326f6c180176786d"
    "354c58613b242a4a741f6dfa069232231aae8aac3dbd808e298dc7ba8c9cc0e3",
    transcript_bytes=533,
    digest="2cceb8be79e50b906453480543f3d50b6232bceb4065eedff62826ad53007cb5",
    shared="555dbb9366f29ceb66e4ff06c0cdd5b44f4496864ad88e284878f3c2cb6ec69f",
    user_confirm="45e8cc3a09a2cb8bb470f7f54c67b55f2fda8494d285b967353746d105c65d49",
    dev_confirm="05a634dee5b9eb4a544413a48fd1acd2c2aade114bd216f2e89161d08e2c8acc",
    key="fb4a6f0ecd5d04fa902f09a7aad348a5",
    nonce_base="8933f816039a442602d54dee",
    frame="0000000175d50be1efb7220e86de74907c1a6155bbb848873ebaa1e27a2f590f1465d5255938b40aca781605434aa004",
)


def account() -> Passcode:
    return passcode("plug", OFFER, candidates(ACCOUNT))


def draws(count: int) -> bytes:
    """Draw what the vectors take: the nonce, and the x that is made of what is drawn."""
    return USER_RANDOM if count == 32 else (X - 1).to_bytes(count, "big")


def session(offer: Offer = OFFER, secret: Passcode | None = None) -> TpapSession:
    return TpapSession("plug", offer, secret or account(), draws)


def says(result: dict[str, Any]) -> Response:
    return Response(200, json.dumps({"error_code": 0, "result": result}).encode())


def params(request: Request) -> dict[str, Any]:
    call = json.loads(request.body)
    assert call["method"] == "login"
    found: dict[str, Any] = call["params"]
    return found


TERMS: dict[str, Any] = {
    "dev_random": b64(DEVICE_RANDOM),
    "dev_salt": b64(bytes.fromhex(A.dev_salt)),
    "dev_share": b64(bytes.fromhex(A.dev_share)),
    "cipher_suites": 1,
    "iterations": 3000,
    "encryption": "aes_128_ccm",
    "extra_crypt": {"type": "password_shadow", "params": {"passwd_id": 2}},
}
END: dict[str, Any] = {"dev_confirm": b64(bytes.fromhex(A.dev_confirm)), "stok": "ab/c", "start_seq": 1}


def opened(**end: Any) -> TpapSession:
    """Return a session that has gone through vector A."""
    it = session()
    steps = it.handshake()
    next(steps)
    steps.send(says(TERMS))
    with pytest.raises(StopIteration):
        steps.send(says(END | end))
    return it
