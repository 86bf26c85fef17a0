"""Pure rules and contracts: no I/O, no clock, no third-party package but cbor2."""
