"""What a device knows of its owner."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """The account name, spelled as registered, and its password, which no repr shows."""

    username: str
    password: str = field(repr=False)


VENDOR_DEFAULT = Credentials("test@tp-link.net", "test")
