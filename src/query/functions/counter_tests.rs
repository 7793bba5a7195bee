//! Tests counters point by point, and in interleaved parts.

use std::sync::Arc;

use arrow::array::{Float64Array, TimestampMicrosecondArray};
use proptest::prelude::*;

use super::*;

const SECOND: i64 = MICROS_PER_SECOND;

#[test]
fn resets_go_on_from_zero() {
    for (name, values, expected) in [
        ("none", vec![], None),
        ("one", vec![7.0], Some(0.0)),
        ("rising", vec![10.0, 15.0, 25.0], Some(15.0)),
        ("still", vec![10.0, 10.0], Some(0.0)),
        ("a_reset_to_zero", vec![10.0, 15.0, 0.0, 3.0], Some(8.0)),
        ("a_reset_that_has_counted_on", vec![10.0, 15.0, 4.0], Some(9.0)),
        ("two_resets", vec![5.0, 1.0, 2.0, 0.5], Some(2.5)),
    ] {
        let points: Vec<Point> =
            values.iter().enumerate().map(|(i, v)| (i as i64 * 2 * SECOND, *v)).collect();
        assert_eq!(delta(&points), expected, "{name}");
        let seconds = 2.0 * points.len().saturating_sub(1) as f64;
        let per_second = expected.filter(|_| points.len() > 1).map(|delta| delta / seconds);
        assert_eq!(rate(&points), per_second, "{name}");
    }
    assert_eq!(rate(&[(5, 1.0), (5, 2.0)]), None, "no time passes");
}

fn columns(points: &[(Option<i64>, Option<f64>)]) -> [ArrayRef; 2] {
    let values: Float64Array = points.iter().map(|p| p.1).collect();
    let times: TimestampMicrosecondArray = points.iter().map(|p| p.0).collect();
    [Arc::new(values), Arc::new(times)]
}

fn counted() -> CounterAccumulator {
    CounterAccumulator { what: CounterKind::Delta, points: OrderedPoints::default() }
}

proptest! {
    #[test]
    fn parts_in_any_order_count_the_same(
        steps in prop::collection::vec((1i64..100, prop::option::of(0u32..1000)), 1..80),
        shuffle in any::<u64>(),
    ) {
        let mut time = 0;
        let mut rows: Vec<_> = steps.iter().map(|(step, value)| { time += step; (Some(time), value.map(f64::from)) }).collect();
        // Whole numbers, so the exact sum is known.
        let known: Vec<u64> = steps.iter().filter_map(|s| s.1).map(u64::from).collect();
        let count = |w: &[u64]| if w[1] < w[0] { w[1] } else { w[1] - w[0] };
        let expected = (!known.is_empty()).then(|| known.windows(2).map(count).sum::<u64>() as f64);
        rows.push((None, Some(5.0)));
        // Distributes the rows over three partitions in an arbitrary order.
        let key = |t: &Option<i64>| (t.unwrap_or(0) as u64 ^ shuffle).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        rows.sort_by_key(|r| key(&r.0));
        let mut whole = counted();
        for part in 0..3 {
            let mut partial = counted();
            let dealt: Vec<_> = rows.iter().filter(|r| key(&r.0) % 3 == part).copied().collect();
            partial.update_batch(&columns(&dealt)).unwrap();
            let state: Vec<ArrayRef> = partial.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
            whole.merge_batch(&state).unwrap();
        }
        prop_assert!(whole.size() >= known.len() * 16);
        prop_assert_eq!(whole.evaluate().unwrap(), ScalarValue::Float64(expected));
    }
}
