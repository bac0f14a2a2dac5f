"""How fast, how big: every figure beside somebody else's, in one run, against simulated devices.

`python -m benchmarks [NAME ...] [--quick]`.  Clients and devices live in processes of their own, so that the CPU that
is counted is the client's.  Only rounds that were measured in turns are compared: machines are noisy.
"""
