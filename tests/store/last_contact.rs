//! Last contact of a device: told by every way of writing readings, and known after a crash.

use basalt::domain::message::{MessageFormat, StoredMessage, message_id};
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Clock, DeviceId, Micros, StreamId};
use basalt::store::ClaimOutcome;

use super::reopen;
use crate::in_process::{DAY, MINUTE, NOW, TestEnv};

const DEVICE: DeviceId = DeviceId(1);

fn readings(stream: i32, ts: i64) -> Readings {
    [Reading::good(StreamId(stream), Micros(ts), 1.0)].into_iter().collect()
}

/// A message of device 1 with one value.
pub fn message(ts: Micros, received_at: Micros) -> StoredMessage {
    StoredMessage {
        uuid: message_id::stored(DEVICE, ts, 0, 7),
        device: DEVICE,
        ts,
        received_at,
        status: "ONLINE".to_owned(),
        payload: r#"{"id":"plant","s1_id":"s1","s1_v":1}"#.to_owned(),
        format: MessageFormat::Fact,
        principal: String::new(),
        client: String::new(),
        sensor_count: 1,
    }
}

/// rest.md C18: `last_seen` of devices that push their readings stayed null.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_that_is_neither_refused_nor_history_is_a_contact() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let (store, owner) = (&db.store, &env.owner);
    let last = || store.last_contact(DEVICE).map(|at| at.0);
    let later = || {
        env.clock.advance(MINUTE);
        Some(env.clock.now().0)
    };
    let yesterday = NOW - DAY;
    store.import(owner, readings(1, yesterday)).await.unwrap();
    assert!(store.write(owner, readings(99, yesterday)).await.is_err(), "there is no such stream");
    assert_eq!(last(), None);

    let began = later();
    store.write(owner, readings(1, yesterday)).await.unwrap();
    assert!(last() > began, "a plain write");
    let began = later();
    let ClaimOutcome::First(claim) = store.claim("caller", "key", b"").await.unwrap() else {
        panic!("nobody has used the key")
    };
    store.write_claimed(owner, readings(1, yesterday), claim, b"{}".to_vec()).await.unwrap();
    assert!(last() > began, "a write that may be repeated");
    let began = later();
    let fact = message(Micros(yesterday), store.assign_received_at());
    store.write_messages(owner, &[fact], readings(1, yesterday)).await.unwrap();
    assert!(last() > began, "a message with its readings");
    let known = last();
    later();
    store.import(owner, readings(1, yesterday)).await.unwrap();
    assert_eq!(last(), known, "an import changes nothing");

    // Times of arrival are not stored: the newest reading stands for them, unless it is ahead.
    let db = reopen(&env, db).await;
    assert_eq!(db.store.last_contact(DEVICE), Some(Micros(yesterday)));
    assert_eq!(db.store.sender_clock_offset_s(DEVICE), None);
    db.store.write(&env.owner, readings(1, NOW + DAY)).await.unwrap();
    let ahead_s = db.store.sender_clock_offset_s(DEVICE);
    assert!(ahead_s.is_some_and(|s| (86_000.0..86_400.0).contains(&s)), "{ahead_s:?}");
    let db = reopen(&env, db).await;
    let last = db.store.last_contact(DEVICE).unwrap();
    assert!(last > Micros(NOW) && last < env.clock.now(), "{last:?} is no time of the past");
    db.store.import(&env.owner, readings(1, NOW + DAY)).await.unwrap();
    assert_eq!(db.store.sender_clock_offset_s(DEVICE), None, "an import says nothing of a clock");
}
