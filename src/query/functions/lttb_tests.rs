//! Tests which points downsampling selects.

use proptest::prelude::*;

use super::*;

#[test]
fn peaks_are_kept() {
    let mut points: Vec<Point> = (0..1000).map(|i| (i * 1_000_000, 0.0)).collect();
    points[333].1 = 100.0;
    points[700].1 = -100.0;
    let chosen = choose(&points, 20);
    assert_eq!(chosen.len(), 20);
    assert!(chosen.contains(&points[333]) && chosen.contains(&points[700]), "{chosen:?}");
}

#[test]
fn a_known_answer() {
    // Worked by hand: buckets {1,2} and {3,4} between the ends.
    let points: Vec<Point> =
        [0.0, 5.0, 1.0, 2.0, -4.0, 0.0].into_iter().enumerate().map(|(i, v)| (i as i64, v)).collect();
    assert_eq!(choose(&points, 4), [(0, 0.0), (1, 5.0), (4, -4.0), (5, 0.0)]);
}

#[test]
fn numbers_that_are_none_do_not_break_it() {
    let points: Vec<Point> =
        (0..50).map(|i| (i, [f64::NAN, f64::INFINITY, f64::MAX, 1.0][i as usize % 4])).collect();
    assert_eq!(choose(&points, 10).len(), 10);
}

proptest! {
    #[test]
    fn first_and_last_stay_and_the_rest_is_a_part(
        values in prop::collection::vec(-1e6..1e6f64, 0..300),
        wanted in 3usize..120,
    ) {
        let points: Vec<Point> = values.iter().enumerate().map(|(i, v)| (i as i64 * 7, *v)).collect();
        let chosen = choose(&points, wanted);
        prop_assert_eq!(chosen.len(), points.len().min(wanted));
        prop_assert_eq!(chosen.first(), points.first());
        prop_assert_eq!(chosen.last(), points.last());
        prop_assert!(chosen.windows(2).all(|w| w[0].0 < w[1].0));
        prop_assert!(chosen.iter().all(|c| points[(c.0 / 7) as usize] == *c));
    }
}
