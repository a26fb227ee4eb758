"""Serial bridge: boards on a serial line become robots of the hub, by the vendor SDK alone."""
