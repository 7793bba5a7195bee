//! Tests of compensated sums and root mean squares against exact results.

use proptest::prelude::*;

use super::*;

fn rms(values: &[f64]) -> Option<f64> {
    let mut squares = RmsState::default();
    values.iter().for_each(|value| squares.add(*value));
    squares.rms()
}

fn is_close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs())
}

#[test]
fn squares_neither_overflow_nor_vanish() {
    let (max, tiny) = (f64::MAX, f64::from_bits(1));
    for (name, values, expected) in [
        ("none", vec![], None),
        ("one", vec![-3.0], Some(3.0)),
        ("zeros", vec![0.0, -0.0], Some(0.0)),
        ("three_four", vec![3.0, 4.0], Some(12.5f64.sqrt())),
        ("the_largest", vec![max, -max, max], Some(max)),
        ("large", vec![3e300, 4e300], Some(12.5f64.sqrt() * 1e300)),
        ("the_smallest", vec![tiny, tiny], Some(tiny)),
        ("small", vec![3e-300, 4e-300], Some(12.5f64.sqrt() * 1e-300)),
        ("small_beside_zero", vec![3e-300, 0.0], Some(4.5f64.sqrt() * 1e-300)),
        ("small_is_lost_in_large", vec![1e300, 1e-300], Some(1e300 / 2f64.sqrt())),
        (
            "the_middle_counts_beside_large",
            vec![2f64.powi(401), 2f64.powi(399)],
            Some(2f64.powi(399) * 8.5f64.sqrt()),
        ),
        ("infinite", vec![1.0, f64::NEG_INFINITY, 1.0], Some(f64::INFINITY)),
    ] {
        let got = rms(&values);
        let same = got.zip(expected).map_or(got == expected, |(a, b)| is_close(a, b));
        assert!(same, "{name}: {got:?}, not {expected:?}");
    }
    assert!(rms(&[1.0, f64::NAN, f64::INFINITY]).is_some_and(f64::is_nan));
}

#[test]
fn a_sum_keeps_what_addition_drops() {
    let mut sum = CompensatedSum::default();
    [1.0, 1e100, 1.0, -1e100].into_iter().for_each(|x| sum.add(x));
    assert_eq!(sum.total(), 2.0);
    let mut tenths = CompensatedSum::default();
    (0..10_000_000).for_each(|_| tenths.add(0.1));
    assert!((tenths.total() - 1e6).abs() < 1e-9, "{}", tenths.total());
}

proptest! {
    /// Integers times a power of two have exact squares in 128 bits.
    #[test]
    fn rms_is_that_of_exact_arithmetic(
        whole in prop::collection::vec(-(1i64 << 53)..1 << 53, 1..200),
        exponent in -900i32..900,
        cut in any::<prop::sample::Index>(),
    ) {
        let scale = 2f64.powi(exponent);
        let values: Vec<f64> = whole.iter().map(|v| *v as f64 * scale).collect();
        let exact: u128 = whole.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum();
        let expected = (exact as f64 / whole.len() as f64).sqrt() * scale;
        let got = rms(&values).unwrap();
        prop_assert!(is_close(got, expected), "{got} {expected}");
        // Summed in two parts, then merged.
        let (one, other) = values.split_at(cut.index(values.len()));
        let [mut left, mut right] = [RmsState::default(); 2];
        one.iter().for_each(|v| left.add(*v));
        other.iter().for_each(|v| right.add(*v));
        left.merge(&right);
        prop_assert!(is_close(left.rms().unwrap(), expected));
    }
}

proptest! {
    /// Sums of whole values, and of quarters, through rounded means are what the values themselves add up to.
    #[test]
    fn sums_of_whole_values_are_exact_through_means(
        parts in prop::collection::vec(prop::collection::vec(-1_000_000_i64..1_000_000, 1..400), 1..20),
        quarters in any::<bool>(),
    ) {
        let scale = if quarters { 0.25 } else { 1.0 };
        let mut sums = MeanState::default();
        for values in &parts {
            let mut means = MeanState::default();
            values.iter().for_each(|value| means.add(*value as f64 * scale));
            sums.add_many(means.mean().unwrap(), means.count);
        }
        let exact: i64 = parts.iter().flatten().sum();
        prop_assert_eq!(sums.sum().unwrap(), exact as f64 * scale);
    }
}

#[test]
fn means_of_parts_are_those_of_the_whole() {
    let max = f64::MAX;
    for (name, parts, mean, sum) in [
        ("weights", vec![(1.0, 3), (5.0, 1)], 2.0, 8.0),
        ("opposites", vec![(1e300, 7), (-1e300, 7), (3.0, 2)], 6.0 / 16.0, 6.0),
        ("the_largest", vec![(max, 1 << 40), (max, 5)], max, f64::INFINITY),
        ("the_largest_cancel", vec![(max, 2), (-max, 1)], max / 3.0, max),
        ("small_beside_large", vec![(1e16, 1), (1.0, 1), (-1e16, 1)], 1.0 / 3.0, 1.0),
    ] {
        let mut means = MeanState::default();
        parts.iter().for_each(|(mean, count)| means.add_many(*mean, *count));
        let near = |a: f64, b: f64| a == b || (a - b).abs() <= 4e-16 * b.abs();
        assert!(near(means.mean().unwrap(), mean), "{name}: {means:?}");
        assert!(near(means.sum().unwrap(), sum), "{name}: {means:?}");
    }
    assert_eq!((MeanState::default().mean(), MeanState::default().sum()), (None, None));
    let mut squares = RmsState::default();
    for (rms, count) in [(3.0, 2), (1e-200, 4), (-4.0, 2)] {
        squares.add_many(rms, count);
    }
    assert_eq!(squares.rms(), Some(2.5));
    let mut largest = RmsState::default();
    largest.add_many(max, 1 << 40);
    assert_eq!(largest.rms(), Some(max));
}
