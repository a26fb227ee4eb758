"""When the next call to edgecore may go: a token bucket that mirrors edgecore's own, and a back-off.

Edgecore's bucket is shared by all mappers of a node, so ours can only guess; "too many request" is the truth and empties it.
No clock in here: `now` is monotonic seconds.
"""

from __future__ import annotations

from typing import Final

RATE_PER_S: Final = 1.0
BURST: Final = 100.0
BACK_OFF_MIN_S: Final = 1.0
BACK_OFF_MAX_S: Final = 30.0


class TokenBucket:
    """Tokens that come at a rate up to a burst.

    Args:
        rate_per_s: Tokens per second.
        burst: Tokens at most, and at the start.
    """

    def __init__(self, *, rate_per_s: float = RATE_PER_S, burst: float = BURST) -> None:
        """A full bucket.

        Raises:
            ValueError: Rate or burst is not positive.
        """
        if rate_per_s <= 0 or burst < 1:
            raise ValueError(f"rate_per_s={rate_per_s} must be over 0 and burst={burst} at least 1")
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._tokens = burst
        self._at: float | None = None

    def tokens(self, now: float) -> float:
        """Present tokens."""
        if self._at is not None and now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate_per_s)
        self._at = now if self._at is None else max(now, self._at)
        return self._tokens

    def take(self, now: float) -> bool:
        """One token, if there is one."""
        if self.tokens(now) < 1:
            return False
        self._tokens -= 1
        return True

    def empty(self, now: float) -> None:
        """Somebody else has taken them all."""
        self.tokens(now)
        self._tokens = 0

    def wait_s(self, now: float, wanted: float = 1.0) -> float:
        """Seconds until so many tokens are there; 0 if they are."""
        return max(0.0, (min(wanted, self.burst) - self.tokens(now)) / self.rate_per_s)


class Limiter:
    """The bucket, a reserve for what is urgent, and a back-off that doubles with each refusal."""

    def __init__(self, *, rate_per_s: float = RATE_PER_S, burst: float = BURST) -> None:
        """A full bucket and no back-off."""
        self.bucket = TokenBucket(rate_per_s=rate_per_s, burst=burst)
        self._back_off_s = 0.0
        self._closed_until = float("-inf")

    def ready_at(self, now: float, reserve: float = 0.0) -> float:
        """When a call may go that leaves this share (0 to 1) of the burst to more urgent ones; `now` if at once."""
        wanted = min(self.bucket.burst, 1 + reserve * self.bucket.burst)
        return max(now + self.bucket.wait_s(now, wanted), self._closed_until)

    def take(self, now: float) -> None:
        """A call goes."""
        if not self.bucket.take(now):
            self.bucket.empty(now)

    def accepted(self) -> None:
        """Edgecore took the call: no back-off any more."""
        self._back_off_s = 0.0

    def refused(self, now: float) -> None:
        """Edgecore said "too many request"."""
        self.bucket.empty(now)
        self._back_off_s = min(BACK_OFF_MAX_S, max(BACK_OFF_MIN_S, self._back_off_s * 2))
        self._closed_until = now + self._back_off_s
