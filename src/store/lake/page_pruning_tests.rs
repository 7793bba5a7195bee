//! Tests the intersection of row ranges.

use super::*;

#[test]
fn ranges_that_both_have() {
    type Ends = [(usize, usize)];
    let ranges = |ends: &Ends| ends.iter().map(|(start, end)| *start..*end).collect::<Vec<_>>();
    let cases: [(&Ends, &Ends, &Ends); 5] = [
        (&[(0, 10)], &[(0, 10)], &[(0, 10)]),
        (&[(0, 10)], &[(2, 3), (5, 20)], &[(2, 3), (5, 10)]),
        (&[(0, 2), (4, 6)], &[(2, 4), (6, 9)], &[]),
        (&[(0, 4), (6, 9)], &[(3, 7)], &[(3, 4), (6, 7)]),
        (&[], &[(0, 1)], &[]),
    ];
    for (left, right, both) in cases {
        assert_eq!(intersection(&ranges(left), &ranges(right)), ranges(both), "{left:?} and {right:?}");
    }
}
