//! Tests of denial counts: none lost, memory bounded.

use super::*;

fn denial_key(org: i32, request: &str) -> DenialKey {
    DenialKey {
        org: Some(OrgId(org)),
        caller: Some(Caller::System),
        address: None,
        refusal: AccessDenial::Forbidden,
        request: request.to_owned(),
    }
}

const SECOND: i64 = 1_000_000;

#[test]
fn the_same_refusal_is_one_row_for_a_minute() {
    let mut refusals = DenialCounts::default();
    // Columns: seconds of the denials, whether a row is new, and the count that is written.
    let rows = [
        ("the_first", vec![0], true, 1),
        ("some_more", vec![1, 2, 3], false, 3),
        ("just_within", vec![59], false, 1),
        ("a_minute_later", vec![60], true, 1),
    ];
    for (name, seconds, is_new, count) in rows {
        let now = Micros(seconds.last().copied().unwrap_or_default() * SECOND);
        for at in seconds {
            refusals.count(denial_key(1, "GET /x"), "id", Micros(at * SECOND));
        }
        let due = refusals.take_unwritten(now);
        assert_eq!(due.len(), 1, "{name}");
        assert_eq!((due[0].row.is_none(), due[0].count), (is_new, count), "{name}: {due:?}");
        refusals.mark_written(&due[0].key, 7);
        assert!(refusals.take_unwritten(now).is_empty(), "{name}: written is written");
    }
}

#[test]
fn a_flood_is_counted_in_bounded_memory() {
    let mut refusals = DenialCounts::default();
    let total = 100_000;
    for n in 0..total {
        refusals.count(denial_key(n % 1000, &format!("GET /{n}")), "id", Micros(0));
    }
    assert!(refusals.0.len() <= MAX_KEYS_BY_ORG + 5, "{}", refusals.0.len());
    let due = refusals.take_unwritten(Micros(SECOND));
    assert_eq!(due.iter().map(|due| due.count).sum::<i64>(), i64::from(total), "none is lost");
    assert!(due.iter().any(|due| due.key.org.is_none() && due.key.request == SEVERAL_REQUESTS));
    let rows = due.len();
    refusals.put_back(due);
    let again = refusals.take_unwritten(Micros(SECOND));
    assert_eq!((again.len(), again.iter().map(|d| d.count).sum::<i64>()), (rows, i64::from(total)));
    assert!(refusals.take_unwritten(Micros(61 * SECOND)).is_empty());
    assert!(refusals.0.is_empty(), "what is over is forgotten");
}

#[test]
fn who_floods_the_log_leaves_the_rows_of_others_exact() {
    let mut refusals = DenialCounts::default();
    let stranger = |n: i32| DenialKey { org: None, caller: None, ..denial_key(0, &format!("GET /{n}")) };
    for n in 0..10_000 {
        refusals.count(stranger(n), "id", Micros(0));
        refusals.count(denial_key(1, &format!("GET /{n}")), "id", Micros(0));
    }
    for n in 0..10 {
        refusals.count(denial_key(2, &format!("GET /{n}")), "id", Micros(0));
    }
    let due = refusals.take_unwritten(Micros(SECOND));
    let of = |org: Option<OrgId>| due.iter().filter(move |due| due.key.org == org);
    assert_eq!(of(Some(OrgId(2))).count(), 10, "each by its request");
    assert!(of(Some(OrgId(2))).all(|due| due.key.request != SEVERAL_REQUESTS && due.key.caller.is_some()));
    for flooding in [None, Some(OrgId(1))] {
        assert_eq!(of(flooding).map(|due| due.count).sum::<i64>(), 10_000, "{flooding:?}: none is lost");
        assert!(of(flooding).any(|due| due.key.request == SEVERAL_REQUESTS));
    }
}
