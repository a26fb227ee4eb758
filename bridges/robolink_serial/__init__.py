"""Serial bridge: boards on a serial line become robots of the hub. A driver on the vendor SDK, nothing more."""
