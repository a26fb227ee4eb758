"""Images, clouds and scans made smaller by a rule: every n-th pixel, point or beam. Bytes in, bytes out; no ROS 2 here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

__all__ = ["PIXEL_BYTES", "thin_image", "thin_points", "thin_scan"]

# Bytes of a pixel, of encodings whose pixels stand alone; others (Bayer, YUV) cannot be thinned pixel by pixel.
PIXEL_BYTES: Final[dict[str, int]] = {
    "mono8": 1, "8UC1": 1, "mono16": 2, "16UC1": 2, "16SC1": 2, "rgb8": 3, "bgr8": 3, "8UC3": 3,
    "rgba8": 4, "bgra8": 4, "8UC4": 4, "32FC1": 4, "32SC1": 4, "rgb16": 6, "bgr16": 6, "rgba16": 8, "64FC1": 8,
}  # fmt: skip


def thin_image(
    data: memoryview, *, height: int, width: int, row_bytes: int, encoding: str, n: int
) -> tuple[bytes | memoryview, int, int, int]:
    """Every n-th pixel of every n-th row: bytes, height, width, bytes of a row.

    Raises:
        ValueError: The bytes do not fit what is said of them, or pixels of that encoding do not stand alone.
    """
    if len(data) < height * row_bytes:
        raise ValueError(f"{len(data)} bytes for {height} rows of {row_bytes}")
    if n <= 1:
        return data[: height * row_bytes], height, width, row_bytes
    pixel = PIXEL_BYTES.get(encoding)
    if pixel is None or width * pixel > row_bytes:
        raise ValueError(f"an image of encoding {encoding!r} and {row_bytes} bytes a row cannot be thinned")
    rows = np.frombuffer(data, np.uint8, height * row_bytes).reshape(height, row_bytes)
    pixels = rows[::n, : width * pixel].reshape(-(-height // n), width, pixel)[:, ::n]
    return pixels.tobytes(), pixels.shape[0], pixels.shape[1], pixels.shape[1] * pixel


def thin_points(data: memoryview, *, point_step: int, points: int, n: int) -> tuple[bytes | memoryview, int]:
    """Every n-th point: bytes, number of points.

    Raises:
        ValueError: Fewer bytes than that.
    """
    if point_step < 1 or len(data) < point_step * points:
        raise ValueError(f"{len(data)} bytes for {points} points of {point_step} bytes")
    if n <= 1:
        return data[: points * point_step], points
    whole = np.frombuffer(data, np.uint8, points * point_step).reshape(points, point_step)[::n]
    return whole.tobytes(), len(whole)


def thin_scan(ranges: Sequence[float], n: int) -> list[float]:
    """The nearest of each n beams, so that nothing near is lost; what is not finite counts as far."""
    if n <= 1:
        return list(ranges)
    values = np.asarray(ranges, np.float64)
    values = np.where(np.isnan(values), np.inf, values)
    full = np.full(-(-len(values) // n) * n, np.inf)
    full[: len(values)] = values
    return [float(each) for each in full.reshape(-1, n).min(axis=1)]
