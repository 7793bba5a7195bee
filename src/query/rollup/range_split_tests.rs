//! Tests how posted rows reduce the computed windows and hours of a split.

use super::*;

const MINUTE: i64 = 60_000_000;

fn ranges(minutes: &[(f64, f64)]) -> TimeRanges {
    let at = |minute: f64| (minute * MINUTE as f64) as i64;
    TimeRanges::new(minutes.iter().map(|(from, to)| (at(*from), at(*to))).collect())
}

fn empty_split(visible_from: i64) -> RangeSplit {
    let (hours, computed, raw) = (TimeRanges::default(), TimeRanges::default(), TimeRanges::default());
    RangeSplit { stream: 1, hours, computed, raw, visible_from }
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
        let split = RangeSplit { computed: ranges(&computed), raw: ranges(&raw), ..empty_split(shown) };
        let rest = split.without(&Windows::default(), &ranges(&times));
        let expected = RangeSplit { computed: ranges(&left), raw: ranges(&left_raw), ..empty_split(shown) };
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
        let split = RangeSplit { computed: computed.clone(), raw: raw.clone(), ..empty_split(shown) };
        let rest = split.clone().without(&Windows::default(), &ranges(&[times]));
        let expected = RangeSplit { computed: ranges(&left), raw: ranges(&left_raw), ..split };
        assert_eq!(rest, expected, "{name}");
    }
}

#[test]
fn hours_that_others_stand_for_in_part_are_read_by_windows() {
    // Minutes: hours before and after, computed windows after, and raw times after.
    for (name, hours, times, left, computed, raw) in [
        ("none", vec![(0.0, 180.0)], (200.0, 201.0), vec![(0.0, 180.0)], vec![], vec![]),
        (
            "a_window",
            vec![(0.0, 180.0)],
            (70.0, 71.0),
            vec![(0.0, 60.0), (120.0, 180.0)],
            vec![(60.0, 70.0), (71.0, 120.0)],
            vec![],
        ),
        (
            "a_part_of_a_window",
            vec![(0.0, 120.0)],
            (70.5, 71.0),
            vec![(0.0, 60.0)],
            vec![(60.0, 70.0), (71.0, 120.0)],
            vec![(70.0, 70.5)],
        ),
        (
            "over_the_edge_of_two",
            vec![(0.0, 180.0)],
            (119.0, 121.0),
            vec![(0.0, 60.0)],
            vec![(60.0, 119.0), (121.0, 180.0)],
            vec![],
        ),
        ("up_to_an_edge", vec![(0.0, 120.0)], (0.0, 60.0), vec![(60.0, 120.0)], vec![], vec![]),
    ] {
        let split = RangeSplit { hours: ranges(&hours), ..empty_split(i64::MIN) };
        let expected = RangeSplit {
            hours: ranges(&left),
            computed: ranges(&computed),
            raw: ranges(&raw),
            ..split.clone()
        };
        assert_eq!(split.without(&Windows::default(), &ranges(&[times])), expected, "{name}");
    }
}

#[test]
fn by_windows_nothing_is_lost() {
    let (hours, computed) = (ranges(&[(60.0, 180.0)]), ranges(&[(30.0, 60.0), (180.0, 185.0)]));
    let split = RangeSplit { hours, computed, raw: ranges(&[(29.5, 30.0)]), ..empty_split(i64::MIN) };
    let expected =
        RangeSplit { hours: TimeRanges::default(), computed: ranges(&[(30.0, 185.0)]), ..split.clone() };
    assert_eq!(split.by_windows(), expected);
}
