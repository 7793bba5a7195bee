"""Answers as columns, and whether two of them say the same."""

import numpy as np
import pyarrow as pa

# Of a number, relative; sums of the same values in another order differ by less.
TOLERANCE = 1e-9


def columns(table):
    """The columns of an Arrow table: times as microseconds since 1970, everything else as it is."""
    return [plain(column.combine_chunks()) for column in table.columns]


def plain(column):
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_floating(column.type):
        return column.to_numpy(zero_copy_only=False)
    return column.cast(pa.int64()).to_numpy(zero_copy_only=False)


def difference(ours, theirs):
    """What differs, or None. A column that is None was not told by the peer and is not compared."""
    if len(ours) != len(theirs):
        return f"{len(theirs)} columns, not {len(ours)}"
    for number, (one, other) in enumerate(zip(ours, theirs)):
        if other is None:
            continue
        if len(one) != len(other):
            return f"{len(other)} rows, not {len(one)}"
        whole = one.dtype.kind == "i" and other.dtype.kind == "i"
        if whole:
            same = one == other
        else:
            one, other = one.astype(float), other.astype(float)
            both_missing = np.isnan(one) & np.isnan(other)
            close = np.abs(one - other) <= TOLERANCE * np.maximum(np.abs(one), np.abs(other))
            same = both_missing | close
        if not same.all():
            at = int(np.argmin(same))
            return f"column {number}, row {at}: {other[at]!r}, not {one[at]!r} ({int((~same).sum())} differ)"
    return None
