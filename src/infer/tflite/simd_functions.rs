//! Vectorised functions, in which recurrent layers spend most of their time.

use pulp::{Simd, WithSimd};

use super::matmul::arch;

/// Coefficients of tanh(x) = x p(x²) / q(x²), accurate to 3e-7, as Eigen and XLA use them (`ptanh_float`).
const TANH_NUMERATOR: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619_3e-4,
    4.893_524_6e-3,
];
const TANH_DENOMINATOR: [f32; 4] = [1.198_258_4e-6, 1.185_347e-4, 2.268_434_6e-3, 4.893_525e-3];

/// From this value on, tanh is 1 to the last bit.
const TANH_SATURATION: f32 = 7.905_311;

/// Clamps to -bound..bound. NaN stays NaN, which `min` and `max` do not guarantee on every processor.
#[inline(always)]
pub fn clamp<S: Simd>(simd: S, x: S::f32s, bound: S::f32s) -> S::f32s {
    let least = simd.neg_f32s(bound);
    let x = simd.select_f32s(simd.less_than_f32s(x, least), least, x);
    simd.select_f32s(simd.less_than_f32s(bound, x), bound, x)
}

/// Computes the hyperbolic tangent with an error of at most 3e-7.
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = clamp(simd, x, simd.splat_f32s(TANH_SATURATION));
    let square = simd.mul_f32s(x, x);
    let mut above = simd.splat_f32s(TANH_NUMERATOR[0]);
    for coefficient in &TANH_NUMERATOR[1..] {
        above = simd.mul_add_e_f32s(above, square, simd.splat_f32s(*coefficient));
    }
    let mut below = simd.splat_f32s(TANH_DENOMINATOR[0]);
    for coefficient in &TANH_DENOMINATOR[1..] {
        below = simd.mul_add_e_f32s(below, square, simd.splat_f32s(*coefficient));
    }
    simd.div_f32s(simd.mul_f32s(x, above), below)
}

/// Computes 1 / (1 + exp(-x)) by tanh.
#[inline(always)]
pub fn logistic<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(half, tanh(simd, simd.mul_f32s(half, x)), half)
}

/// Computes x, or exp(x) - 1 where x is negative; with t = tanh(x / 2) that is 2t / (1 - t).
#[inline(always)]
fn elu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let half = tanh(simd, simd.mul_f32s(simd.splat_f32s(0.5), simd.min_f32s(zero, x)));
    let below = simd.div_f32s(simd.add_f32s(half, half), simd.sub_f32s(simd.splat_f32s(1.0), half));
    simd.select_f32s(simd.less_than_f32s(x, zero), below, x)
}

/// Selects a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimdFunction {
    /// x, or exp(x) − 1 where x is negative.
    Elu,
    /// 1 / (1 + exp(−x)).
    Logistic,
    /// Hyperbolic tangent.
    Tanh,
}

impl SimdFunction {
    /// Applies the function in place.
    pub fn apply(self, values: &mut [f32]) {
        arch().dispatch(ApplyToEach { values, function: self });
    }

    #[inline(always)]
    fn evaluate<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            SimdFunction::Elu => elu(simd, x),
            SimdFunction::Logistic => logistic(simd, x),
            SimdFunction::Tanh => tanh(simd, x),
        }
    }
}

struct ApplyToEach<'a> {
    values: &'a mut [f32],
    function: SimdFunction,
}

impl WithSimd for ApplyToEach<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (whole, rest) = S::as_mut_simd_f32s(self.values);
        for x in whole {
            *x = self.function.evaluate(simd, *x);
        }
        if !rest.is_empty() {
            let last = self.function.evaluate(simd, simd.partial_load_f32s(rest));
            simd.partial_store_f32s(rest, last);
        }
    }
}
