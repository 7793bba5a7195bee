//! Functions of many values at once, which recurrent layers spend most of their time in.

use pulp::{Simd, WithSimd};

use super::matrix::arch;

/// Of tanh(x) = x p(x²) / q(x²), good to 3e-7: the coefficients that Eigen and XLA use (`ptanh_float`).
const P: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619_3e-4,
    4.893_524_6e-3,
];
const Q: [f32; 4] = [1.198_258_4e-6, 1.185_347e-4, 2.268_434_6e-3, 4.893_525e-3];

/// From there on, tanh is 1 to the last bit.
const FLAT: f32 = 7.905_311;

/// Within -bound..bound. What is not a number stays so, which `min` and `max` do not promise on every processor.
#[inline(always)]
pub fn clamp<S: Simd>(simd: S, x: S::f32s, bound: S::f32s) -> S::f32s {
    let least = simd.neg_f32s(bound);
    let x = simd.select_f32s(simd.less_than_f32s(x, least), least, x);
    simd.select_f32s(simd.less_than_f32s(bound, x), bound, x)
}

#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = clamp(simd, x, simd.splat_f32s(FLAT));
    let square = simd.mul_f32s(x, x);
    let mut above = simd.splat_f32s(P[0]);
    for coefficient in &P[1..] {
        above = simd.mul_add_e_f32s(above, square, simd.splat_f32s(*coefficient));
    }
    let mut below = simd.splat_f32s(Q[0]);
    for coefficient in &Q[1..] {
        below = simd.mul_add_e_f32s(below, square, simd.splat_f32s(*coefficient));
    }
    simd.div_f32s(simd.mul_f32s(x, above), below)
}

/// 1 / (1 + exp(-x)), by way of tanh.
#[inline(always)]
pub fn logistic<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(half, tanh(simd, simd.mul_f32s(half, x)), half)
}

/// x, or exp(x) - 1 where x is negative; with t = tanh(x / 2) that is 2t / (1 - t).
#[inline(always)]
fn elu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let half = tanh(simd, simd.mul_f32s(simd.splat_f32s(0.5), simd.min_f32s(zero, x)));
    let below = simd.div_f32s(simd.add_f32s(half, half), simd.sub_f32s(simd.splat_f32s(1.0), half));
    simd.select_f32s(simd.less_than_f32s(x, zero), below, x)
}

/// A function by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Elu,
    Logistic,
    Tanh,
}

impl Function {
    /// In place.
    pub fn apply(self, values: &mut [f32]) {
        arch().dispatch(Each { values, function: self });
    }

    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Function::Elu => elu(simd, x),
            Function::Logistic => logistic(simd, x),
            Function::Tanh => tanh(simd, x),
        }
    }
}

struct Each<'a> {
    values: &'a mut [f32],
    function: Function,
}

impl WithSimd for Each<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (whole, rest) = S::as_mut_simd_f32s(self.values);
        for x in whole {
            *x = self.function.of(simd, *x);
        }
        if !rest.is_empty() {
            let last = self.function.of(simd, simd.partial_load_f32s(rest));
            simd.partial_store_f32s(rest, last);
        }
    }
}
