//! Tests ranges against sets of numbers.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn set(ranges: &TimeRanges) -> BTreeSet<i64> {
    ranges.iter().flat_map(|(from, to)| from..to).collect()
}

proptest! {
    #[test]
    fn they_are_sets_of_numbers(
        given in prop::collection::vec((0..60_i64, -3..12_i64), 0..12),
        (from, to, count) in (0..60_i64, 0..60_i64, 1..5_usize),
    ) {
        let given: Vec<(i64, i64)> = given.into_iter().map(|(at, len)| (at, at + len)).collect();
        let model: BTreeSet<i64> = given.iter().flat_map(|(a, b)| *a..*b).collect();
        let ranges = TimeRanges::new(given);
        prop_assert_eq!(set(&ranges), model.clone());
        for ts in 0..75 {
            prop_assert_eq!(ranges.contains(ts), model.contains(&ts));
            prop_assert_eq!(ranges.next_from(ts), model.range(ts..).next().copied());
        }
        let inside = |x: &&i64| (from..to).contains(*x);
        prop_assert_eq!(set(&ranges.within(from, to)), model.iter().filter(inside).copied().collect());
        let gaps: BTreeSet<i64> = (from..to).filter(|x| !model.contains(x)).collect();
        prop_assert_eq!(set(&ranges.gaps(from, to)), gaps);

        let coarse = ranges.coarse(count);
        prop_assert!(coarse.iter().count() <= count);
        prop_assert!(set(&coarse).is_superset(&model));
        prop_assert_eq!(coarse.span(), ranges.span());
        if ranges.iter().count() <= count {
            prop_assert_eq!(coarse, ranges);
        }
    }
}
