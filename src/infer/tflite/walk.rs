//! Walking over values that do not lie side by side: offsets in order, broadcasting, copies by strides.

use super::error::Fault;
use super::shape::Shape;

/// The shape two operands have together: trailing dimensions meet, and 1 grows to the other's length.
pub fn broadcast(a: &Shape, b: &Shape) -> Result<Shape, Fault> {
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

/// Strides of an operand of shape `shape` when walking over `out`: 0 where it is repeated.
pub fn strides_within(shape: &Shape, out: &Shape) -> Shape {
    let own = shape.strides();
    let mut strides = *out;
    strides.fill(0);
    let skipped = out.len() - shape.len();
    for (at, stride) in strides[skipped..].iter_mut().enumerate() {
        *stride = if shape[at] == 1 { 0 } else { own[at] };
    }
    strides
}

/// Calls `visit` with the offset of every value of `shape` in order, where its dimensions lie `strides` apart.
pub fn each_offset(shape: &Shape, strides: &Shape, mut visit: impl FnMut(usize)) {
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

/// Appends the values of a part of `from` that begins at `base`: whole rows where the last dimension lies side by side.
pub fn copy_part<T: Copy>(from: &[T], base: usize, (shape, strides): (&Shape, &Shape), out: &mut Vec<T>) {
    let Some(last) = shape.len().checked_sub(1) else {
        out.extend_from_slice(&from[base..base + 1]);
        return;
    };
    if strides[last] == 1 && shape[last] > 0 {
        let width = shape[last];
        let (rows, apart) = (shape.without(last), strides.without(last));
        each_offset(&rows, &apart, |at| out.extend_from_slice(&from[base + at..base + at + width]));
    } else {
        each_offset(shape, strides, |at| out.push(from[base + at]));
    }
}

/// The same for two operands that lie differently.
pub fn each_pair(shape: &Shape, a: &Shape, b: &Shape, mut visit: impl FnMut(usize, usize)) {
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
