//! Tests how posted rows reduce the computed windows of a split.

use super::*;

const MINUTE: i64 = 60_000_000;

fn ranges(minutes: &[(f64, f64)]) -> TimeRanges {
    let at = |minute: f64| (minute * MINUTE as f64) as i64;
    TimeRanges::new(minutes.iter().map(|(from, to)| (at(*from), at(*to))).collect())
}

#[test]
fn windows_that_others_stand_for_are_cut_out_and_their_rest_is_raw() {
    let all = || vec![(0.0, 9.0)];
    for (name, computed, raw, times, left, left_raw) in [
        ("nothing", all(), vec![], vec![], all(), vec![]),
        ("a_window", all(), vec![], vec![(2.0, 3.0)], vec![(0.0, 2.0), (3.0, 9.0)], vec![]),
        (
            "across_two",
            all(),
            vec![],
            vec![(2.5, 3.5)],
            vec![(0.0, 2.0), (4.0, 9.0)],
            vec![(2.0, 2.5), (3.5, 4.0)],
        ),
        (
            "within_raw",
            vec![(5.0, 9.0)],
            vec![(0.0, 5.0)],
            vec![(1.5, 2.5)],
            vec![(5.0, 9.0)],
            vec![(0.0, 1.5), (2.5, 5.0)],
        ),
        ("past_the_end", all(), vec![], vec![(8.5, 9.5)], vec![(0.0, 8.0)], vec![(8.0, 8.5)]),
        ("elsewhere", all(), vec![], vec![(20.25, 21.0)], all(), vec![]),
    ] {
        let shown = i64::MIN;
        let split =
            RangeSplit { stream: 1, computed: ranges(&computed), raw: ranges(&raw), visible_from: shown };
        let rest = split.without(&Windows::default(), &ranges(&times));
        let expected =
            RangeSplit { stream: 1, computed: ranges(&left), raw: ranges(&left_raw), visible_from: shown };
        assert_eq!(rest, expected, "{name}");
    }
}

#[test]
fn readings_that_have_expired_count_for_no_part_of_a_window() {
    let (computed, raw) = (ranges(&[(0.0, 4.0), (6.0, 9.0)]), ranges(&[(4.0, 6.0)]));
    for (name, shown, times, left, left_raw) in [
        (
            "a_part_of_a_computed_one",
            5.0,
            (1.5, 2.0),
            vec![(0.0, 1.0), (2.0, 4.0), (6.0, 9.0)],
            vec![(4.0, 6.0)],
        ),
        ("a_part_of_a_raw_one", 5.0, (4.5, 5.0), vec![(0.0, 4.0), (6.0, 9.0)], vec![(5.0, 6.0)]),
        ("what_is_shown", 5.0, (5.5, 6.0), vec![(0.0, 4.0), (6.0, 9.0)], vec![(4.0, 5.5)]),
    ] {
        let shown = (shown * MINUTE as f64) as i64;
        let split =
            RangeSplit { stream: 1, computed: computed.clone(), raw: raw.clone(), visible_from: shown };
        let rest = split.without(&Windows::default(), &ranges(&[times]));
        let expected = RangeSplit { computed: ranges(&left), raw: ranges(&left_raw), ..split };
        assert_eq!(rest, expected, "{name}");
    }
}
