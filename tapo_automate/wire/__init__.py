"""How a device is spoken to: sessions that are told bytes and answer bytes, and the client that drives them."""
