"""The standard's rules, one file a rule, without I/O: bytes, events and a clock in, actions out."""
