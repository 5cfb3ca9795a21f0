"""Durations counted in fixed buckets, each the square root of two times as long as the one before. Pure.

Counts of two stretches of time add up to the counts of both, which percentiles do not; so buckets are kept and
percentiles are read off them, within a fifth.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

LAST = 61
"""The bucket of all that takes longer than a day."""

Histogram = Mapping[int, int]
"""Bucket to count; without the empty ones."""


def bucket_of(seconds: float) -> int:
    """The bucket of a duration; 0 is below 0.1 ms.

    Bucket ``b`` holds from ``0.1 ms * 2 ** ((b - 1) / 2)`` to below ``0.1 ms * 2 ** (b / 2)``: twice the logarithm is
    the logarithm of the square, and that of a whole number is its length in bits.
    """
    microseconds = int(seconds * 1_000_000)
    if microseconds < 100:
        return 0
    return min((microseconds * microseconds // 10_000).bit_length(), LAST)


def upper_bound(bucket: int) -> float:
    """Seconds below which a bucket's durations are."""
    return 0.0001 * float(2 ** (bucket / 2))


def lower_bound(bucket: int) -> float:
    """Seconds from which on a bucket's durations are."""
    return upper_bound(bucket - 1) if bucket else 0.0


def encode(histogram: Histogram) -> str:
    """As text: ``12:3 13:40``."""
    return " ".join(f"{bucket}:{count}" for bucket, count in sorted(histogram.items()))


def decode(text: str) -> dict[int, int]:
    """From its text."""
    found: dict[int, int] = {}
    for each in text.split():
        bucket, _, count = each.partition(":")
        found[int(bucket)] = int(count)
    return found


def decode_all(texts: str) -> dict[int, int]:
    """From the texts of several, one behind the other: all of them as one."""
    # A year of one name is thousands of pairs. Where many are alike, each is read once; and all are read as one list of
    # numbers, which takes half the time of one after the other.
    pairs = Counter(texts.split())
    numbers = json.loads(f"[{','.join(pairs).replace(':', ',')}]")
    whole = [0] * (LAST + 1)
    for bucket, count, times in zip(numbers[::2], numbers[1::2], pairs.values(), strict=True):
        whole[bucket] += count * times
    return {bucket: count for bucket, count in enumerate(whole) if count}


def added(histograms: Iterable[Histogram]) -> dict[int, int]:
    """All of them as one."""
    whole: dict[int, int] = {}
    for each in histograms:
        for bucket, count in each.items():
            whole[bucket] = whole.get(bucket, 0) + count
    return whole


def percentile(histogram: Histogram, share: float, longest: float) -> float | None:
    """Seconds that this share (0 to 1) of the durations did not exceed; ``None`` when there are none.

    Args:
        longest: the longest of them, which no percentile exceeds.
    """
    whole = sum(histogram.values())
    if not whole:
        return None
    wanted = share * whole
    below = 0
    for bucket, count in sorted(histogram.items()):
        if below + count >= wanted:
            start, end = lower_bound(bucket), min(upper_bound(bucket), longest)
            return min(start + max(end - start, 0.0) * max(wanted - below, 0.0) / count, longest)
        below += count
    return longest
