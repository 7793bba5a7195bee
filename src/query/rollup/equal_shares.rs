//! Shares of about equal cost, of things that stay in their order.

use std::ops::Range;

/// Divides things of these costs into `count` shares of adjacent ones, each of which has about the same cost. A share can be
/// empty.
pub fn equal_shares(costs: &[u64], count: usize) -> Vec<Range<usize>> {
    let total: u128 = costs.iter().map(|cost| u128::from(*cost)).sum();
    let (mut start, mut before) = (0, 0_u128);
    let mut shares = Vec::with_capacity(count);
    for share in 1..=count {
        let mut end = start;
        // A thing belongs to the share that has its middle. Whatever the rounding, the last share has all that is left.
        while let Some(cost) = costs.get(end).map(|cost| u128::from(*cost))
            && (share == count || (2 * before + cost) * (count as u128) < 2 * total * share as u128)
        {
            before += cost;
            end += 1;
        }
        shares.push(start..end);
        start = end;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_about_equal() {
        for (costs, count, expected) in [
            (vec![], 2, vec![0..0, 0..0]),
            (vec![5_u64], 2, vec![0..0, 0..1]),
            (vec![1, 1, 1, 1], 2, vec![0..2, 2..4]),
            (vec![1, 1000], 2, vec![0..1, 1..2]),
            (vec![1000, 1], 2, vec![0..1, 1..2]),
            (vec![1, 1, 1, 97, 1, 1], 2, vec![0..3, 3..6]),
            (vec![3, 3, 3, 3, 3], 3, vec![0..2, 2..3, 3..5]),
            (vec![0, 0, 0], 2, vec![0..0, 0..3]),
        ] {
            assert_eq!(equal_shares(&costs, count), expected, "{costs:?} in {count}");
        }
    }

    proptest! {
        #[test]
        fn each_thing_is_in_one_share(
            costs in proptest::collection::vec(any::<u64>(), 0..40), count in 1_usize..6,
        ) {
            let shares = equal_shares(&costs, count);
            prop_assert_eq!(shares.len(), count);
            prop_assert!(shares.into_iter().flatten().eq(0..costs.len()));
        }

        /// No share exceeds an even one by more than its first and its last thing.
        #[test]
        fn no_share_is_far_too_large(
            costs in proptest::collection::vec(1_u64..1000, 1..40), count in 1_usize..6,
        ) {
            let even = costs.iter().sum::<u64>() / count as u64 + 1;
            let largest = costs.iter().max().unwrap();
            for share in equal_shares(&costs, count) {
                prop_assert!(costs[share].iter().sum::<u64>() <= even + 2 * largest);
            }
        }
    }
}
