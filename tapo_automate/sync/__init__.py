"""Rules to what devices hold: placed, compared with what is there and with what we wrote, planned, applied.

Three sets for each device: *wanted* (from the rule files), *recorded* (the ledger: what we wrote), *found* (what the
device shows).  Nothing here opens a device or reads a clock: both come in as arguments.

    rule ──place──> wanted ┐
    ledger ────> recorded  ├──difference──> changes ──> Plan ──apply──> device, ledger
    device ────────> found ┘
"""
