"""PKCS#7 for AES, checked to the last byte."""

BLOCK_BYTES = 16


def pad(message: bytes) -> bytes:
    count = BLOCK_BYTES - len(message) % BLOCK_BYTES
    return message + bytes([count]) * count


def unpad(padded: bytes) -> bytes | None:
    """Return the message, None if the padding is not one."""
    count = padded[-1]
    if not 1 <= count <= BLOCK_BYTES or padded[-count:] != bytes([count]) * count:
        return None
    return padded[:-count]
