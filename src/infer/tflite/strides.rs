//! Strided iteration: offsets in order, broadcasting, strided copies.

use super::error::InterpreterError;
use super::shape::Shape;

/// Returns the broadcast shape of two operands: trailing dimensions align, and length 1 extends to the other's length.
pub fn broadcast_shape(a: &Shape, b: &Shape) -> Result<Shape, InterpreterError> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (mut out, skipped) = (*long, long.len() - short.len());
    for (dim, other) in out[skipped..].iter_mut().zip(short.iter()) {
        *dim = match (*dim, *other) {
            (dim, other) if dim == other => dim,
            (dim, 1) => dim,
            (1, other) => other,
            _ => return Err(format!("{a:?} and {b:?} do not go together").into()),
        };
    }
    Ok(out)
}

/// Returns the strides of an operand of shape `shape` while iterating over `out`: 0 where it is repeated.
pub fn broadcast_strides(shape: &Shape, out: &Shape) -> Shape {
    let own = shape.strides();
    let mut strides = *out;
    strides.fill(0);
    let skipped = out.len() - shape.len();
    for (at, stride) in strides[skipped..].iter_mut().enumerate() {
        *stride = if shape[at] == 1 { 0 } else { own[at] };
    }
    strides
}

/// Calls `visit` with the offset of every value of `shape` in order, given the strides of its dimensions.
pub fn for_each_offset(shape: &Shape, strides: &Shape, mut visit: impl FnMut(usize)) {
    if shape.contains(&0) {
        return;
    }
    let mut at = *shape;
    at.fill(0);
    let mut offset = 0;
    'walk: loop {
        visit(offset);
        for dim in (0..shape.len()).rev() {
            at[dim] += 1;
            offset += strides[dim];
            if at[dim] < shape[dim] {
                continue 'walk;
            }
            offset -= strides[dim] * shape[dim];
            at[dim] = 0;
        }
        return;
    }
}

/// Appends the values of a part of `from` that starts at `base`; whole rows if the last dimension is contiguous.
pub fn copy_strided<T: Copy>(from: &[T], base: usize, (shape, strides): (&Shape, &Shape), out: &mut Vec<T>) {
    let Some(last) = shape.len().checked_sub(1) else {
        out.extend_from_slice(&from[base..base + 1]);
        return;
    };
    if strides[last] == 1 && shape[last] > 0 {
        let width = shape[last];
        let (rows, apart) = (shape.without(last), strides.without(last));
        for_each_offset(&rows, &apart, |at| out.extend_from_slice(&from[base + at..base + at + width]));
    } else {
        for_each_offset(shape, strides, |at| out.push(from[base + at]));
    }
}

/// Calls `visit` with the offsets of every value in two operands with different strides.
pub fn for_each_offset_pair(shape: &Shape, a: &Shape, b: &Shape, mut visit: impl FnMut(usize, usize)) {
    let Some(last) = shape.len().checked_sub(1) else {
        visit(0, 0);
        return;
    };
    if shape.contains(&0) {
        return;
    }
    let mut at = shape.with(last, 0);
    at.fill(0);
    let (mut from_a, mut from_b) = (0, 0);
    'walk: loop {
        for step in 0..shape[last] {
            visit(from_a + step * a[last], from_b + step * b[last]);
        }
        for dim in (0..last).rev() {
            at[dim] += 1;
            from_a += a[dim];
            from_b += b[dim];
            if at[dim] < shape[dim] {
                continue 'walk;
            }
            from_a -= a[dim] * shape[dim];
            from_b -= b[dim] * shape[dim];
            at[dim] = 0;
        }
        return;
    }
}
