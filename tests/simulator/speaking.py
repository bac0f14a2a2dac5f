"""A bare client for the tests, written from the protocol's text; it shares nothing with the product."""

import http.client
import json
import os
from base64 import b64decode, b64encode
from hashlib import md5, sha1, sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
TIMEOUT_S = 10


class Clock:
    """Unix seconds that a test moves by hand."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_stock_page(self) -> bool:
        return self.status == 200 and b"200 OK" in self.body and self.headers["Server"] == "SHIP 2.0"


def post(device: Any, target: str, body: bytes = b"", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(device.host, device.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", target, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def post_json(device: Any, target: str, message: Any, **headers: str) -> Answer:
    return post(device, target, json.dumps(message).encode(), **headers)


def cbc(key: bytes, iv: bytes, data: bytes, *, encrypt: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    box = cipher.encryptor() if encrypt else cipher.decryptor()
    return box.update(data) + box.finalize()


def padded(message: bytes) -> bytes:
    count = 16 - len(message) % 16
    return message + bytes([count]) * count


class Klap:
    """A KLAP session; the parts can be taken and bent one by one."""

    def __init__(self, device: Any, user: str = USER, password: str = PASSWORD, *, version: int = 2) -> None:
        self.device = device
        self.version = version
        if version == 1:
            self.auth = md5(md5(user.encode()).digest() + md5(password.encode()).digest()).digest()
        else:
            self.auth = sha256(sha1(user.encode()).digest() + sha1(password.encode()).digest()).digest()

    def greet(self, seed: bytes | None = None) -> Answer:
        self.local = os.urandom(16) if seed is None else seed
        answer = post(self.device, "/app/handshake1", self.local)
        self.line = answer.headers.get("Set-Cookie", "")
        self.cookie = self.line.partition(";")[0]
        self.remote, self.proof = answer.body[:16], answer.body[16:48]
        return answer

    @property
    def expected_proof(self) -> bytes:
        middle = b"" if self.version == 1 else self.remote
        return sha256(self.local + middle + self.auth).digest()

    @property
    def client_proof(self) -> bytes:
        middle = b"" if self.version == 1 else self.local
        return sha256(self.remote + middle + self.auth).digest()

    def admit(self, **headers: str) -> Answer:
        self.derive()
        return post(self.device, "/app/handshake2", self.client_proof, **(headers or {"Cookie": self.cookie}))

    def derive(self) -> None:
        everything = self.local + self.remote + self.auth
        self.key = sha256(b"lsk" + everything).digest()[:16]
        vector = sha256(b"iv" + everything).digest()
        self.iv, self.seq = vector[:12], int.from_bytes(vector[12 + 16 :], "big", signed=True)
        self.signing = sha256(b"ldk" + everything).digest()[:28]

    def log_in(self) -> "Klap":
        assert self.greet().status == 200
        assert self.proof == self.expected_proof
        assert self.admit().status == 200
        return self

    def seal(self, seq: int, message: bytes) -> bytes:
        number = seq.to_bytes(4, "big", signed=True)
        ciphertext = cbc(self.key, self.iv + number, padded(message), encrypt=True)
        return sha256(self.signing + number + ciphertext).digest() + ciphertext

    def open(self, seq: int, body: bytes) -> Any:
        number = seq.to_bytes(4, "big", signed=True)
        assert body[:32] == sha256(self.signing + number + body[32:]).digest()
        plain = cbc(self.key, self.iv + number, body[32:], encrypt=False)
        return json.loads(plain[: -plain[-1]])

    def request(self, body: bytes, query: str, **headers: str) -> Answer:
        return post(self.device, f"/app/request?{query}", body, **(headers or {"Cookie": self.cookie}))

    def say(self, message: bytes) -> Any:
        """Send message with the next number and return the decrypted answer."""
        self.seq += 1
        answer = self.request(self.seal(self.seq, message), f"seq={self.seq}")
        assert answer.status == 200, answer.status
        return self.open(self.seq, answer.body)

    def call(self, method: str, params: Any = ...) -> Any:
        request = {"method": method} | ({} if params is ... else {"params": params})
        return self.say(json.dumps(request).encode())


KEY = rsa.generate_private_key(65537, 1024)


def pem_of(key: rsa.RSAPrivateKey = KEY) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class Passthrough:
    """A securePassthrough session; version is that of the login."""

    def __init__(self, device: Any, user: str = USER, password: str = PASSWORD, *, version: int = 2) -> None:
        self.device = device
        name = b64encode(sha1(user.encode()).hexdigest().encode()).decode()
        hidden = sha1(password.encode()).hexdigest() if version == 2 else password
        secret = b64encode(hidden.encode()).decode()
        self.account = {"username": name, "password2" if version == 2 else "password": secret}
        self.target = "/app"

    def shake(self, pem: Any = None) -> Answer:
        pem = pem_of() if pem is None else pem
        answer = post_json(self.device, "/app", {"method": "handshake", "params": {"key": pem}})
        self.line = answer.headers.get("Set-Cookie", "")
        self.cookie = self.line.partition(";")[0]
        if answer.status == 200 and answer.json["error_code"] == 0:
            secret = KEY.decrypt(b64decode(answer.json["result"]["key"]), padding.PKCS1v15())
            self.key, self.iv = secret[:16], secret[16:]
        return answer

    def envelope(self, message: bytes) -> dict[str, Any]:
        wrapped = b64encode(cbc(self.key, self.iv, padded(message), encrypt=True)).decode()
        return {"method": "securePassthrough", "params": {"request": wrapped}}

    def send(self, envelope: Any, target: str | None = None, **headers: str) -> Answer:
        return post_json(self.device, target or self.target, envelope, **(headers or {"Cookie": self.cookie}))

    def open(self, answer: Answer) -> Any:
        assert answer.json["error_code"] == 0, answer.json
        plain = cbc(self.key, self.iv, b64decode(answer.json["result"]["response"]), encrypt=False)
        return json.loads(plain[: -plain[-1]])

    def try_login(self) -> Any:
        message = json.dumps({"method": "login_device", "params": self.account}).encode()
        reply = self.open(self.send(self.envelope(message), "/app"))
        if reply["error_code"] == 0:
            self.target = f"/app?token={reply['result']['token']}"
        return reply

    def log_in(self) -> "Passthrough":
        self.shake()
        assert self.try_login()["error_code"] == 0
        return self

    def say(self, message: bytes) -> Any:
        return self.open(self.send(self.envelope(message)))

    def call(self, method: str, params: Any = ...) -> Any:
        request = {"method": method} | ({} if params is ... else {"params": params})
        return self.say(json.dumps(request).encode())
