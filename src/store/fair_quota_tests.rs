//! Tests that a caller who takes all it can leaves room for others, and gets it back when they release theirs.

use super::*;

const WHOLE: QuotaUsage = QuotaUsage { entries: 1024, bytes: 1 << 20 };

/// Adds entries of `bytes` bytes until there is no more room.
fn take_all(shares: &mut FairQuota, scope: &str, bytes: usize) -> (usize, QuotaExceeded) {
    let mut taken = 0;
    loop {
        if let Err(full) = shares.check(scope) {
            return (taken, full);
        }
        shares.add(scope, bytes);
        taken += 1;
    }
}

#[test]
fn the_later_one_comes_the_less_is_left_but_never_nothing() {
    let mut shares = FairQuota::new(WHOLE);
    let rows = [
        ("1/key:1 ingest", 256, QuotaExceeded::Caller),
        ("1/key:1 writeValues", 0, QuotaExceeded::Caller),
        ("1/key:2 ingest", 128, QuotaExceeded::Caller),
        ("2/key:3 ingest", 160, QuotaExceeded::Caller),
        ("3/user:1 ingest", 120, QuotaExceeded::Caller),
        ("4/key:4 ingest", 90, QuotaExceeded::Caller),
    ];
    for (scope, expected, full) in rows {
        assert_eq!(take_all(&mut shares, scope, 1), (expected, full), "{scope}");
    }
    assert!(shares.held().entries < WHOLE.entries);
}

#[test]
fn many_keys_of_one_organization_leave_half_of_the_whole_to_the_others() {
    let mut shares = FairQuota::new(WHOLE);
    for key in 0..100 {
        take_all(&mut shares, &format!("1/key:{key} ingest"), 1);
    }
    assert_eq!(shares.check("1/key:100 ingest"), Err(QuotaExceeded::Org));
    assert_eq!(shares.held().entries, WHOLE.entries / 2);
    assert_eq!(shares.check("2/key:101 ingest"), Ok(()));
}

#[test]
fn bytes_are_shared_as_entries_are() {
    let mut shares = FairQuota::new(WHOLE);
    let (taken, full) = take_all(&mut shares, "1/key:1 ingest", 64 << 10);
    assert_eq!((taken, full), (4, QuotaExceeded::Caller));
    assert_eq!(shares.check("1/key:2 ingest"), Ok(()));
}

#[test]
fn what_is_given_back_is_there_again() {
    let mut shares = FairQuota::new(WHOLE);
    for _ in 0..2 {
        let (taken, _) = take_all(&mut shares, "1/key:1 ingest", 10);
        assert_eq!(taken, 256);
        (0..taken).for_each(|_| shares.remove("1/key:1 ingest", 10));
        assert_eq!((shares.held(), shares.orgs.len()), (QuotaUsage::default(), 0));
    }
}
