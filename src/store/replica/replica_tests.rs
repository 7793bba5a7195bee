//! Tests what the owner of a lake hands out, and its form as bytes.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::{OrgSources, OrgTail};
use crate::domain::cluster::{KnownTail, OwnerStates, TailQuery, TailRequest};
use crate::domain::device::{DeviceState, DeviceStatus};
use crate::domain::message::{MessageFormat, StoredMessage, message_id};
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::domain::{DeviceId, Micros, OrgId, StreamId};
use crate::store::lake::LakeVersion;
use crate::store::memtable::run::{Run, normalize};
use crate::store::message_rows;
use crate::store::state::{LoadedTables, SharedState};
use crate::store::statistics::materialization::Materialization;
use crate::store::table::{PerTable, Table};
use crate::store::upsert_rows::UpsertRows;

/// A state with rows of streams 1 to 4 and of devices 1 and 2, on two days.
fn state() -> SharedState {
    let lakes = PerTable::new(|table| LakeVersion::new(table as u64 + 3, Vec::new()));
    let none = Materialization::default;
    let state = SharedState::new(LoadedTables { lakes, flushed: 0, computed: none(), hours: none() });
    for seq in 1..4_u64 {
        let at = |stream: i32| Micros(i64::from(stream % 2) * MICROS_PER_DAY + seq as i64);
        let reading = |stream: i32| match stream {
            1 => Reading { text: Some("läuft".into()), ..Reading::good(StreamId(1), at(1), 1.5) },
            2 => Reading::lost(StreamId(2), at(2)),
            other => Reading::good(StreamId(other), at(other), f64::from(other)),
        };
        let rows: Readings = (1..5).map(reading).collect();
        state.insert(vec![(Run::new(normalize(rows), seq), seq)], messages(seq));
    }
    state
}

fn messages(seq: u64) -> Vec<UpsertRows> {
    let message = |device| StoredMessage {
        uuid: message_id::stored(DeviceId(device), Micros(seq as i64), 0, 7),
        device: DeviceId(device),
        ts: Micros(seq as i64),
        received_at: Micros(seq as i64),
        status: "ONLINE".to_owned(),
        payload: "{}".to_owned(),
        format: MessageFormat::Document,
        principal: String::new(),
        client: String::new(),
        sensor_count: 0,
    };
    vec![message_rows::rows(&[message(1), message(2)]).with_seq(seq)]
}

/// The whole tail of who has these streams and devices.
fn select(streams: &[i32], devices: &[i32]) -> OrgTail {
    let are_own_streams = |ids: &[i32]| -> Vec<bool> { ids.iter().map(|id| streams.contains(id)).collect() };
    let are_own_devices = |ids: &[i32]| -> Vec<bool> { ids.iter().map(|id| devices.contains(id)).collect() };
    let sources = OrgSources { streams: &are_own_streams, devices: &are_own_devices };
    OrgTail::select(state().pin(), Uuid::from_u128(7), None, &sources)
}

fn tail() -> OrgTail {
    let states = OwnerStates {
        devices: [(DeviceId(1), DeviceStatus { state: DeviceState::Online, ..DeviceStatus::default() })]
            .into(),
        sessions: Vec::new(),
    };
    let newest = Run::new([Reading::good(StreamId(1), Micros(3), 1.5)].into_iter().collect(), 0);
    OrgTail {
        after: Some(2),
        late_days: [Day(-3), Day(1)].into(),
        epoch: Some(-5),
        catalog_version: Some(-6),
        expiry_time: Micros(-7),
        newest: Some(newest),
        states: Some(states),
        ..select(&[1, 2], &[2])
    }
}

#[test]
fn rows_of_other_organizations_are_not_handed_out() {
    let tail = tail();
    let streams = tail.readings.values().flatten().flat_map(|run| run.stream.iter().copied());
    let mut streams: Vec<i32> = streams.collect();
    streams.sort_unstable();
    assert_eq!(streams, [1, 1, 1, 2, 2, 2]);
    let messages = tail.upserts[Table::Messages].values().flatten();
    let devices: Vec<i32> = messages.flat_map(|rows| (0..rows.len()).map(|i| rows.key(i).id)).collect();
    assert_eq!(devices, [2, 2, 2]);
    assert_eq!((tail.seq, Table::ALL.map(|table| tail.versions[table])), (3, [3, 4, 5, 6]));
    let nothing = select(&[], &[]);
    assert!(nothing.readings.is_empty() && Table::ALL.iter().all(|table| nothing.upserts[*table].is_empty()));
}

#[test]
fn a_tail_is_read_as_it_was_written() {
    for tail in [tail(), OrgTail::default()] {
        let read = OrgTail::decode(&tail.encode().unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{tail:?}"));
    }
}

#[test]
fn what_no_owner_writes_is_refused() {
    let whole = OrgTail::default().encode().unwrap();
    // Before it are the format, `null` for the states with its length, the instance, four versions, two numbers and a time.
    let flag = 1 + 4 + 4 + 16 + 4 * 8 + 3 * 8;
    let last = whole.len() - 1;
    let flags = [
        ("whether rows are left out", flag),
        ("whether an epoch follows", last - 2),
        ("whether a version of the catalog follows", last - 1),
        ("whether newest readings follow", last),
    ];
    for (name, at) in flags {
        let mut bytes = whole.clone();
        assert_eq!(bytes[at], 0, "{name}");
        bytes[at] = 2;
        assert!(OrgTail::decode(&bytes).is_err(), "{name}");
    }
    assert!(OrgTail::decode(&[whole.as_slice(), &[0]].concat()).is_err(), "more than a tail");
    // A number of late days that is followed by one day twice.
    let days = [&2_u32.to_le_bytes()[..], &5_i32.to_le_bytes(), &5_i32.to_le_bytes()].concat();
    let twice = [&whole[..=flag], &days, &whole[flag + 5..]].concat();
    assert!(OrgTail::decode(&twice).is_err(), "a day twice");
}

#[test]
fn a_query_says_what_the_node_has() {
    let wanted = TailRequest { org: OrgId(7), newest: true, states: false };
    let bare = json!({"org": 7, "newest": true, "states": false});
    let query: TailQuery = serde_json::from_value(bare).unwrap();
    assert_eq!(query, TailQuery { wanted, known: None });
    let known = KnownTail { instance: Uuid::from_u128(u128::MAX), seq: u64::MAX };
    for known in [None, Some(known)] {
        let query = TailQuery { wanted, known };
        let bytes = serde_json::to_vec(&query).unwrap();
        assert_eq!(serde_json::from_slice::<TailQuery>(&bytes).unwrap(), query);
    }
}

#[test]
fn another_version_of_the_program_is_named() {
    let mut bytes = tail().encode().unwrap();
    bytes[0] += 1;
    let error = OrgTail::decode(&bytes).unwrap_err();
    assert!(error.message.contains("another version"), "{}", error.message);
}

#[test]
fn a_statement_is_given_what_it_names() {
    let rows = [
        ("SELECT * FROM readings", (false, false)),
        ("SELECT * FROM LATEST", (true, false)),
        ("SELECT name, status FROM core_device", (false, true)),
        ("select 1 from \"devices\" join latest using (id)", (true, true)),
        ("TABLE mqtt_sessions", (false, true)),
    ];
    for (text, wanted) in rows {
        let TailRequest { org, newest, states } = TailRequest::for_statement(OrgId(7), text);
        assert_eq!((org, newest, states), (OrgId(7), wanted.0, wanted.1), "{text}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_cut_or_changed_cause_no_panic(cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let whole = tail().encode().unwrap();
        let cut = cut.index(whole.len());
        prop_assert!(OrgTail::decode(&whole[..cut]).is_err());
        let mut changed = whole;
        let at = at.index(changed.len());
        changed[at] = byte;
        // It may still be a tail, of other rows.
        let _ = OrgTail::decode(&changed);
    }
}
