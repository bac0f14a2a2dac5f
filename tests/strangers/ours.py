"""Our own client at a simulated device, to read what strangers have set there."""

from collections.abc import Iterator
from contextlib import contextmanager

from strangers.conftest import OWNER
from tapo_automate.device import Credentials
from tapo_automate.simulator import Device
from tapo_automate.wire import Client, connect


@contextmanager
def ours(device: Device) -> Iterator[Client]:
    client = connect(device.address, Credentials(**OWNER))
    try:
        yield client
    finally:
        client.close()
