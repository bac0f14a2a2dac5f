"""The device's own commands, typed: what goes in and comes out has names, units and a source.

Each is a function of whoever is asked (`Asked`: a `SmartDevice`, a `Client`, a socket of a strip) and raises what
`Client.call` raises; Garbled too, where the answer has not the shape that the command is known by.
"""
