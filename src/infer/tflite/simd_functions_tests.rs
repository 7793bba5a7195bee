//! Vectorised functions compared with those of the standard library.

use super::simd_functions::SimdFunction;

#[test]
fn functions_are_as_good_as_single_precision() {
    let points: Vec<f32> =
        (-4000..=4000).map(|k| k as f32 * 0.0051).chain([-1e30, 1e30, 0.0, 1e-20]).collect();
    for (function, exact) in [
        (SimdFunction::Tanh, (|x| x.tanh()) as fn(f64) -> f64),
        (SimdFunction::Elu, |x| if x < 0.0 { x.exp_m1() } else { x }),
        (SimdFunction::Logistic, |x| 1.0 / (1.0 + (-x).exp())),
    ] {
        let mut values = points.clone();
        function.apply(&mut values);
        for (x, y) in points.iter().zip(&values) {
            let expected = exact(f64::from(*x));
            assert!(
                (f64::from(*y) - expected).abs() < 4e-7 * expected.abs().max(1.0),
                "{function:?}({x}) = {y}, not {expected}"
            );
        }
        // A single value gives the same result as many at once.
        for (x, y) in points.iter().zip(&values).step_by(97) {
            let mut one = [*x];
            function.apply(&mut one);
            assert_eq!(one[0], *y, "{function:?}({x})");
        }
        let mut nothing = [f32::NAN; 3];
        function.apply(&mut nothing);
        assert!(nothing.iter().all(|x| x.is_nan()), "{function:?}: {nothing:?}");
        function.apply(&mut []);
    }
}
