"""The doors of a device that takes logins over TLS, with a certificate that it has signed itself."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
from cryptography.x509.oid import NameOID

from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.listener import Listener

# Of a span that no clock leaves, right or wrong: a device lies in the year 2000 after a power cut.
_FROM, _UNTIL = datetime(1999, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


class TwoDoors(Listener):
    """A plain door and, while the device speaks TPAP, one with TLS; they are told as one."""

    def __init__(self, front: Front, host: str, port: int, met: Callable[[], None]) -> None:
        """Raises SimulatorError."""
        self._front = front
        self._secure = Listener(host, front.tpap.https_port, front.answer, front.misframed, met, own_context())
        try:
            super().__init__(host, port, front.answer, front.misframed, met)
        except SimulatorError:
            self._secure.close()
            raise
        front.https_port = self._secure.port

    def open(self) -> None:
        super().open()
        if self._front.wants_tls:
            self._secure.open()
        else:
            self._secure.shut()

    def cut_all(self) -> None:
        super().cut_all()
        self._secure.cut_all()

    def shut(self) -> None:
        super().shut()
        self._secure.shut()

    def close(self) -> None:
        super().close()
        self._secure.close()


def listener_for(front: Front, host: str, port: int, met: Callable[[], None]) -> Listener:
    """Return the doors that front needs, and tell it their ports.  Raises SimulatorError."""
    listener = (
        TwoDoors(front, host, port, met) if front.tpap.tls else Listener(host, port, front.answer, front.misframed, met)
    )
    front.port = listener.port
    return listener


def own_context() -> ssl.SSLContext:
    """Return what a listener needs, with a new key and a new certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = Name([NameAttribute(NameOID.COMMON_NAME, "simulated Tapo device")])
    certificate = (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .sign(key, SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:  # Python reads them from files only
        path = Path(folder) / "device.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.touch(0o600)
        path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(path)
    return context
