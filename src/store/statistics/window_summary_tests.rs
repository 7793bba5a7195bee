//! Tests statistics of windows against known values.

use super::*;

#[test]
fn quantiles_mean_and_rms_are_those_of_numpy() {
    // numpy 2: np.quantile(x, [.25, .5, .75]), x.mean(), np.sqrt((x**2).mean())
    for (name, values, expected) in [
        ("one", vec![3.5], [1.0, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5]),
        ("two", vec![4.0, -2.0], [2.0, 1.0, 3.162_277_660_168_379_5, 1.0, -2.0, 4.0, -0.5, 2.5]),
        (
            "unsorted",
            vec![7.0, 1.0, 3.0, 10.0, 2.0],
            [5.0, 4.6, 5.709_640_969_448_079, 3.0, 1.0, 10.0, 2.0, 7.0],
        ),
    ] {
        let mut values = values;
        let s = WindowSummary::of(&mut values).unwrap();
        let Quantiles { median, q1, q3 } = s.quantiles.unwrap();
        let found = [s.count as f64, s.mean, s.rms, median, s.min, s.max, q1, q3];
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15 * b.abs();
        assert!(found.iter().zip(&expected).all(is_near), "{name}: {found:?}");
    }
    assert_eq!(WindowSummary::of(&mut []), None);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let s = WindowSummary::of(&mut [f64::MAX, f64::MAX, -f64::MAX]).unwrap();
    let Quantiles { median, q1, .. } = s.quantiles.unwrap();
    assert_eq!((s.min, median, s.max), (-f64::MAX, f64::MAX, f64::MAX));
    assert!((s.mean / f64::MAX - 1.0 / 3.0).abs() < 1e-15 && (s.rms / f64::MAX - 1.0).abs() < 1e-15, "{s:?}");
    assert_eq!(q1, 0.0);
}

#[test]
fn small_differences_of_large_numbers_are_kept() {
    let mut values: Vec<f64> = (0..1000).map(|i| 1e15 + f64::from(i) * 0.125).collect();
    let s = WindowSummary::of(&mut values).unwrap();
    assert_eq!(s.mean, 1e15 + 999.0 * 0.125 / 2.0);
}
