"""The plant of src/cli/bench/signals.rs in numpy: the same rows in the same order."""

import numpy as np

STREAMS = 100
# 100 streams at 1 Hz make 10,000 rows in so many seconds.
BATCH_SECONDS = 100
# 2026-01-05T00:00:00Z in microseconds since 1970.
START = 1_767_571_200_000_000
LATE_SECONDS = 7200


def mix(n):
    """splitmix64 of an array of uint64."""
    z = n + np.uint64(0x9E37_79B9_7F4A_7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))


# Of the seed 0.
SALT = mix(np.zeros(1, dtype=np.uint64))[0]


def plant(seconds):
    """Yields batches (stream ids, microseconds since 1970, values) in the order of arrival."""
    stream = np.tile(np.arange(STREAMS, dtype=np.uint64), BATCH_SECONDS)
    for first in range(0, seconds, BATCH_SECONDS):
        count = min(BATCH_SECONDS, seconds - first)
        second = np.repeat(np.arange(first, first + count, dtype=np.uint64), STREAMS)
        streams = stream[: second.size]
        dice = mix((streams << np.uint64(40) | second) ^ SALT)
        late = np.where(dice % np.uint64(100) == 0, (dice >> np.uint64(8)) % np.uint64(LATE_SECONDS), np.uint64(0))
        late = np.minimum(late, second)
        at = second - late
        # Between the whole seconds, each lateness at a place of its own, so that it replaces nothing.
        place = np.uint64(500_000) + late * np.uint64(50) + (dice >> np.uint64(40)) % np.uint64(50)
        beside = np.where(late > 0, place, np.uint64(0))
        times = START + at.astype(np.int64) * 1_000_000 + beside.astype(np.int64)
        yield streams.astype(np.int32) + 1, times, values(streams, at)


def values(stream, second):
    noise = mix((stream << np.uint64(32) | second) ^ SALT).astype(np.float64) / float(2**64 - 1)
    t, number = second.astype(np.float64), stream.astype(np.float64)
    shapes = [
        cents(20 + np.sin(t / 9000 + number) * 5),
        cents(50 + np.sin(t / 60) * 10 + noise),
        noise * 1000 / 3,
        (second // (stream + np.uint64(300)) % np.uint64(2) == 0).astype(np.float64),
        (second % (stream * np.uint64(100) + np.uint64(40_000))).astype(np.float64),
        (second // np.uint64(3600)).astype(np.float64) + number,
    ]
    return np.choose((stream % np.uint64(6)).astype(np.int64), shapes)


def cents(value):
    return np.floor(value * 100 + 0.5) / 100
