//! Tests that invalid rows are refused before anything is logged, each with its row number and reason.

use std::sync::Arc;

use super::*;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::policy::PolicyTable;
use crate::domain::reading::Reading;
use crate::domain::statistic::{Origin, Statistic};
use crate::domain::stream::StreamSpec;
use crate::domain::time::{END_TIME, SystemClock};
use crate::store::statistics;

const NOW: Micros = Micros(1_777_377_600_000_000);

/// Streams 1 (fp64), 2 (text) and 3 (int64).
async fn catalog() -> (Catalog, Principal) {
    let catalog = Catalog::open("sqlite::memory:", Arc::new(SystemClock)).await.unwrap();
    let owner = Principal::system(catalog.orgs.default_org());
    let device =
        catalog.devices.create_device(&owner, DeviceSpec::new("d", Protocol::Virtual)).await.unwrap();
    for (name, kind) in
        [("number", StreamKind::Fp64), ("text", StreamKind::Text), ("wide", StreamKind::Int64)]
    {
        let spec = StreamSpec { kind, ..StreamSpec::new(name, device.id) };
        catalog.streams.create_stream(&owner, spec).await.unwrap();
    }
    (catalog, owner)
}

fn up_to(newest: Micros) -> WritableTimes {
    WritableTimes { newest, kept: Arc::default() }
}

fn row(stream: i32, ts: Micros, value: Option<f64>, text: Option<&str>, quality: Quality) -> Reading {
    Reading { stream: StreamId(stream), ts, value, text: text.map(Box::from), quality }
}

#[tokio::test]
async fn rows_are_checked_by_the_rules_of_their_stream() {
    let (catalog, owner) = catalog().await;
    let wide = (1_i64 << 53) + 1;
    let (exact, near) = (wide.to_string(), Some(wide as f64));
    let (longest, longer) = ("x".repeat(MAX_TEXT_BYTES), "x".repeat(MAX_TEXT_BYTES + 1));
    use Quality::{Bad, Good, Uncertain};
    for (name, reading, problem) in [
        ("a_number", row(1, NOW, Some(1.0), None, Good), None),
        ("a_doubtful_number", row(1, NOW, Some(1.0), None, Uncertain), None),
        ("a_number_missing", row(1, NOW, None, None, Good), Some("value: is missing")),
        ("an_infinite_one", row(1, NOW, Some(f64::INFINITY), None, Good), Some("value: must be finite")),
        ("a_text_beside_it", row(1, NOW, Some(1.0), Some("1"), Good), Some("text: must be null")),
        ("a_text", row(2, NOW, None, Some("on"), Good), None),
        ("as_long_as_a_text_may_be", row(2, NOW, None, Some(&longest), Good), None),
        (
            "a_longer_text",
            row(2, NOW, None, Some(&longer), Good),
            Some("text: has 1048577 bytes; at most 1048576"),
        ),
        ("a_text_missing", row(2, NOW, None, None, Good), Some("text: is missing")),
        ("a_number_for_a_text", row(2, NOW, Some(1.0), None, Good), Some("text: is missing")),
        ("lost", row(1, NOW, None, None, Bad), None),
        ("lost_with_a_value", row(1, NOW, Some(0.0), None, Bad), Some("must be null where quality is bad")),
        ("lost_with_a_text", row(2, NOW, None, Some(""), Bad), Some("must be null where quality is bad")),
        ("a_wide_integer", row(3, NOW, near, Some(&exact), Good), None),
        ("another_integer_beside_it", row(3, NOW, near, Some("17"), Good), Some("text: must be null")),
        ("no_integer_beside_it", row(3, NOW, near, Some("many"), Good), Some("text: must be null")),
        ("no_such_stream", row(9, NOW, Some(1.0), None, Good), Some("there is no stream `9`")),
        ("before_1970", row(1, Micros(-1), Some(1.0), None, Good), Some("outside the years")),
        ("after_2261", row(1, END_TIME, Some(1.0), None, Good), Some("outside the years")),
        ("the_latest_accepted", row(1, Micros(NOW.0 + 10), Some(1.0), None, Good), None),
        ("too_far_ahead", row(1, Micros(NOW.0 + 11), Some(1.0), None, Good), Some("too far in the future")),
    ] {
        // The second of two rows, so that the row number shows.
        let rows = [row(1, NOW, Some(1.0), None, Good), reading].into_iter().collect();
        let found = check(&catalog, &owner, &rows, &up_to(Micros(NOW.0 + 10)));
        match (found, problem) {
            (Ok(admitted), None) => assert_eq!((admitted.readings, admitted.devices.len()), (2, 1), "{name}"),
            (Err(e), Some(problem)) => {
                assert_eq!((e.fields.len(), e.fields[0].field.as_ref()), (1, "row 2"), "{name}: {e}");
                assert!(e.message.contains(problem), "{name}: {e}");
            }
            (found, _) => panic!("{name}: {found:?}, expected {problem:?}"),
        }
    }
}

#[tokio::test]
async fn a_stream_out_of_sight_is_as_one_that_does_not_exist() {
    let (catalog, owner) = catalog().await;
    let other = catalog.orgs.create_org(&owner, "other", "Other").await.unwrap();
    let restricted = Principal { streams: Some([StreamId(2)].into()), ..owner.clone() };
    let rows = [row(1, NOW, Some(1.0), None, Quality::Good)].into_iter().collect();
    for (name, principal) in
        [("another organization", Principal::system(other.id)), ("a restricted key", restricted)]
    {
        let error = check(&catalog, &principal, &rows, &up_to(NOW)).unwrap_err();
        assert_eq!(error.message, "row 1: stream_id: there is no stream `1`", "{name}");
    }
}

#[tokio::test]
async fn an_answer_lists_twenty_wrong_rows_at_most() {
    let (catalog, owner) = catalog().await;
    let rows = (0..1000).map(|_| row(9, NOW, Some(1.0), None, Quality::Good)).collect();
    assert_eq!(check(&catalog, &owner, &rows, &up_to(NOW)).unwrap_err().fields.len(), MAX_LISTED_ROWS);
}

#[tokio::test]
async fn nothing_is_written_where_nothing_is_kept() {
    let (catalog, owner) = catalog().await;
    let minute = 60_000_000;
    catalog.retention.set_policy(&owner, PolicyTable::Readings, None, 3600).await.unwrap();
    catalog.retention.set_policy(&owner, PolicyTable::Statistics, None, 7200).await.unwrap();
    catalog.retention.set_policy(&owner, PolicyTable::Readings, Some(StreamId(3)), 7200).await.unwrap();
    let kept = catalog.retention.retention_bounds(NOW);
    let times = WritableTimes { newest: NOW, kept: kept.clone() };
    for (name, stream, minutes, is_kept) in [
        ("the_oldest_kept", 1, 60, true),
        ("older", 1, 61, false),
        ("the_oldest_of_a_stream_with_its_own_policy", 3, 120, true),
        ("older_than_that", 3, 121, false),
    ] {
        let ts = Micros(NOW.0 - minutes * minute);
        let rows = [
            row(stream, NOW, Some(1.0), None, Quality::Good),
            row(stream, ts, Some(1.0), None, Quality::Good),
        ];
        let found = check(&catalog, &owner, &rows.into_iter().collect(), &times);
        match found {
            Ok(_) => assert!(is_kept, "{name}"),
            Err(e) => {
                let oldest = if stream == 3 { "2026-04-28T10:00:00Z" } else { "2026-04-28T11:00:00Z" };
                let expected = format!("row 2: ts: `{ts}` lies before {oldest}: nothing older is kept");
                assert_eq!((e.message, is_kept), (expected, false), "{name}");
            }
        }
    }
    let posted = |minutes: i64| {
        let (stream, ts) = (StreamId(1), Micros(NOW.0 - minutes * minute));
        let empty = (None, None, None);
        let ((rms, median, min), (max, q1, q3)) = (empty, empty);
        let row = Statistic {
            stream,
            origin: Origin::Posted,
            ts,
            window_s: 60,
            count: 1,
            mean: Some(1.0),
            rms,
            median,
            min,
            max,
            q1,
            q3,
        };
        check_upsert(&catalog, &owner, &statistics::rows::posted_rows(&[row]), &times)
    };
    posted(120).unwrap();
    assert!(posted(121).unwrap_err().message.ends_with("nothing older is kept"));
}
