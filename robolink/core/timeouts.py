"""The times of an uplink that nobody has configured: the hub's defaults, and what a peer keeps to until its hub names its own."""

from __future__ import annotations

from typing import Final

from robolink import v1

DEFAULTS: Final = v1.Timeouts(
    beat_ms=500,
    peer_lost_ms=1500,
    lease_renew_ms=1000,
    lease_stale_ms=3000,
    resend_ms=100,
    driver_return_ms=10_000,
    stop_answer_ms=1000,
    setpoint_ttl_ms=300,
    link_event_ms=10_000,
)
