//! Collectors against a fake device over real sockets: what is stored, what never is, and how they recover.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::modbus::fake::{FakeDevice, Loss};
use super::test_harness::{CollectFixture, PLC, SECOND, a_while, plc, stream, until};
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, StreamId};

#[tokio::test]
async fn values_arrive_exactly() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[0x1234, 0xFFFE, 0xE979, 0x42F6, 0xFAAD, 0x6D5C, 0x4A45, 0xC093]);
    fake.set(4, 10, &[0x0123, 0x4567, 0x89AB, 0xCDEF]);
    fake.set(1, 3, &[1]);
    fake.set(2, 7, &[0]);
    let mut by_name = stream(5, "ir:10", StreamKind::Uint64);
    by_name.spec.metadata.insert("wordorder".into(), json!("abcd"));
    let mut scaled = stream(8, "40001", StreamKind::Uint16);
    (scaled.spec.scale, scaled.spec.offset) = (0.5, -30.0);
    let world = CollectFixture::single_device(
        plc(&fake),
        vec![
            stream(1, "hr:0", StreamKind::Uint16),
            stream(2, "%MW1", StreamKind::Int16),
            stream(3, "hr:2", StreamKind::Fp32),
            stream(4, "hr:4", StreamKind::Fp64),
            by_name,
            stream(6, "co:3", StreamKind::Bit),
            stream(7, "di:7", StreamKind::Bit),
            scaled,
            stream(9, "hr:0.2", StreamKind::Bit),
        ],
    );
    world.until_stored("a reading of each", |all| all.len() >= 9).await;
    for (id, value) in [
        (1, 4660.0),
        (2, -2.0),
        (3, f64::from(123.456_f32)),
        (4, -1234.5678),
        (5, 81_985_529_216_486_895.0),
        (6, 1.0),
        (7, 0.0),
        (8, 2300.0),
        (9, 1.0),
    ] {
        let reading = &world.readings_of(id)[0];
        assert_eq!((reading.value, reading.quality), (Some(value), Quality::Good), "stream {id}");
        assert_eq!(reading.text.as_deref(), (id == 5).then_some("81985529216486895"), "stream {id}");
    }
    world.until_state(DeviceState::Online).await;
    let status = world.status();
    assert_eq!((status.last_error, status.last_seen.is_some()), (None, true));
    assert!(status.reads >= 4 && status.latency.p50_ms.is_some() && status.lateness.p99_ms.is_some());
    let first_poll = &fake.requests()[..4];
    assert_eq!(first_poll, [(1, 3, 1), (2, 7, 1), (3, 0, 8), (4, 10, 4)], "neighbours are read together");
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_loss_is_one_bad_reading_a_stream_and_heals_by_itself() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[41, 42, 43]);
    let streams = (1..=3).map(|id| stream(id, &format!("hr:{}", id - 1), StreamKind::Uint16));
    let mut slow = stream(4, "hr:2", StreamKind::Uint16);
    slow.spec.poll_interval_s = Some(3600.0);
    let mut spec = plc(&fake);
    spec.poll_interval_s = Some(0.25);
    let world = CollectFixture::single_device(spec, streams.chain([slow]).collect());
    world.run_clock();
    world.until_state(DeviceState::Online).await;
    world.until_stored("the slow one", |all| all.iter().any(|r| r.stream == StreamId(4))).await;

    let (addr, memory) = (fake.addr, Arc::clone(&fake.memory));
    drop(fake);
    until("a bad reading of each", || world.bad_counts().len() == 4).await;
    let latest = |quality: Quality| {
        world.stored().iter().filter(|r| r.quality == quality).map(|r| r.ts.0).max().unwrap()
    };
    let delay_us = latest(Quality::Bad) - latest(Quality::Good);
    assert!(delay_us < 5 * SECOND, "a loss is stored at the next poll, not after {delay_us} µs");
    let status = world.status();
    assert_eq!(status.state, DeviceState::Offline);
    assert_eq!(status.last_error, Some(format!("connection to {addr} failed: connection refused")));
    let (stored, refused) = (world.stored().len(), world.status().errors.refused);
    until("two more attempts", || world.status().errors.refused >= refused + 2).await;
    assert_eq!(world.stored().len(), stored, "nothing is stored while the source is lost");

    let fake = FakeDevice::start_at(addr, memory).await;
    world.until_state(DeviceState::Online).await;
    until("a value of each again", || {
        (1..=4).all(|id| world.readings_of(id).last().is_some_and(|r| r.quality == Quality::Good))
    })
    .await;
    assert_eq!(world.bad_counts(), HashMap::from([(1, 1), (2, 1), (3, 1), (4, 1)]));
    for reading in world.stored().iter().filter(|r| r.quality == Quality::Good) {
        let expected = [41.0, 42.0, 43.0, 43.0][reading.stream.0 as usize - 1];
        assert_eq!(reading.value, Some(expected), "no value is invented");
    }
    let status = world.status();
    assert_eq!((status.last_error, status.reconnects), (None, 1));
    world.collectors.stop().await;
    assert_eq!(world.status().readings, world.stored().len() as u64, "what was stored is what was counted");
    drop(fake);
}

#[tokio::test]
async fn polls_that_take_longer_than_their_interval_are_left_out_and_counted() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[7]);
    // Two intervals and a half.
    fake.memory.lock().thinks = Duration::from_millis(50);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    until("six polls", || world.status().lateness.count >= 6).await;
    world.collectors.stop().await;
    let status = world.status();
    assert!(status.skipped >= status.lateness.count - 1, "one or more before each but the first: {status:?}");
    assert!(status.latency.p50_ms.is_some_and(|ms| ms >= 50.0), "{status:?}");
}

#[tokio::test]
async fn a_device_that_never_was_there_is_offline() {
    let fake = FakeDevice::start().await;
    let spec = plc(&fake);
    drop(fake);
    let world = CollectFixture::single_device(spec, vec![stream(1, "hr:0", StreamKind::Uint16)]);
    assert_eq!(world.status().state, DeviceState::Connecting);
    world.until_state(DeviceState::Offline).await;
    until("one bad reading", || world.bad_counts() == HashMap::from([(1, 1)])).await;
    until("another attempt", || world.status().errors.refused >= 2).await;
    assert_eq!(world.stored().len(), 1);
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_silent_device_is_lost_after_its_timeout() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[7]);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_state(DeviceState::Online).await;
    fake.memory.lock().is_silent = true;
    world.until_state(DeviceState::Offline).await;
    assert_eq!(world.status().last_error, Some(format!("{} did not answer within 0.2 s", fake.addr)));
    fake.memory.lock().is_silent = false;
    world.until_state(DeviceState::Online).await;
    assert_eq!(world.bad_counts(), HashMap::from([(1, 1)]));
    assert!(world.status().errors.timeout >= 1);
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_device_that_closes_idle_connections_is_not_lost() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[7]);
    fake.memory.lock().closes_after_answer = true;
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_stored("several polls", |all| all.len() >= 5).await;
    assert_eq!(world.bad_counts(), HashMap::new());
    world.until_state(DeviceState::Online).await;
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_failing_tag_spoils_no_other() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[1, 2]);
    fake.set(3, 3, &[0x0000, 0x7FC0, 6]);
    let world = CollectFixture::single_device(
        plc(&fake),
        vec![
            stream(1, "hr:0", StreamKind::Uint16),
            stream(2, "hr:1", StreamKind::Uint16),
            stream(3, "hr:2", StreamKind::Uint16),
            stream(4, "hr:3", StreamKind::Fp32),
            stream(5, "hr:5", StreamKind::Uint16),
            stream(6, "D100", StreamKind::Uint16),
        ],
    );
    world.until_stored("many values", |all| all.iter().filter(|r| r.stream == StreamId(5)).count() > 5).await;
    world.until_state(DeviceState::Degraded).await;
    assert_eq!(world.bad_counts(), HashMap::from([(3, 1), (4, 1), (6, 1)]), "missing, NaN, not an address");
    let expected = "`s3` (hr:2): illegal data address: the device has no such register (exception 2)";
    assert_eq!(world.status().last_error.as_deref(), Some(expected));
    assert_eq!(world.readings_of(1).last().unwrap().value, Some(1.0));
    // Refused once, read in halves once, and from then on around the hole.
    let requests: Vec<_> = fake.requests().into_iter().map(|(_, start, count)| (start, count)).collect();
    assert_eq!(requests[..5], [(0, 6), (0, 2), (2, 4), (2, 1), (3, 3)]);
    assert_eq!(requests[5..8], [(0, 2), (2, 1), (3, 3)]);

    fake.set(3, 2, &[33]);
    fake.set(3, 3, &[0x0000, 0x3F80]);
    world.change(|_, streams| streams.retain(|s| s.id != StreamId(6)));
    world.until_state(DeviceState::Online).await;
    assert_eq!(world.readings_of(3).last().unwrap().value, Some(33.0));
    assert_eq!(world.readings_of(4).last().unwrap().value, Some(1.0));
    assert_eq!(world.bad_counts(), HashMap::from([(3, 1), (4, 1), (6, 1)]));
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_device_that_allows_only_short_reads_is_read_in_short_ones() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[9; 40]);
    fake.memory.lock().max_words = Some(16);
    let streams = (0..40).map(|n| stream(n + 1, &format!("hr:{n}"), StreamKind::Uint16)).collect();
    let world = CollectFixture::single_device(plc(&fake), streams);
    until("whole polls of short reads", || {
        let requests = fake.requests();
        requests.iter().rev().take(8).all(|(_, _, count)| *count == 10) && requests.len() > 50
    })
    .await;
    assert_eq!(world.bad_counts(), HashMap::new());
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_deadband_stores_changes_and_one_row_per_longest_interval() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[100]);
    let mut banded = stream(1, "hr:0", StreamKind::Uint16);
    banded.spec.deadband = Some(5.0);
    let world = CollectFixture::single_device(plc(&fake), vec![banded]);
    let values = || world.readings_of(1).iter().map(|r| r.value.unwrap()).collect::<Vec<_>>();
    let next_polls = async || {
        let before = fake.requests().len();
        until("two more polls", || fake.requests().len() >= before + 3).await;
    };
    world.until_stored("the first value", |all| all.len() == 1).await;
    fake.set(3, 0, &[104]);
    next_polls().await;
    assert_eq!(values(), [100.0], "a smaller change is not stored");
    world.clock.0.fetch_add(SECOND, Ordering::SeqCst);
    fake.set(3, 0, &[105]);
    next_polls().await;
    assert_eq!(values(), [100.0, 105.0]);
    world.clock.0.fetch_add(599 * SECOND, Ordering::SeqCst);
    next_polls().await;
    assert_eq!(values(), [100.0, 105.0]);
    world.clock.0.fetch_add(SECOND, Ordering::SeqCst);
    next_polls().await;
    assert_eq!(values(), [100.0, 105.0, 105.0], "one row per longest interval");
    world.collectors.stop().await;
}

#[tokio::test]
async fn changes_take_effect_at_once() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[1, 2]);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_state(DeviceState::Online).await;
    world.change(|_, streams| streams.push(Arc::new(stream(2, "hr:1", StreamKind::Uint16))));
    world.until_stored("the new stream", |all| all.iter().any(|r| r.value == Some(2.0))).await;
    assert_eq!(fake.memory.lock().connections, 1, "a new stream costs no connection");

    world.change(|spec, _| spec.enabled = false);
    assert_eq!(world.status().state, DeviceState::Disabled);
    // A poll that was under way may still store its reading.
    a_while().await;
    let stored = world.stored().len();
    a_while().await;
    assert_eq!((world.stored().len(), world.status().state), (stored, DeviceState::Disabled));

    world.change(|spec, _| spec.enabled = true);
    world.until_stored("values again", |all| all.len() > stored).await;
    world.until_state(DeviceState::Online).await;
    world.change(|spec, _| spec.metadata = json!({"framing": "ascii"}).as_object().unwrap().clone());
    world.until_state(DeviceState::Offline).await;
    assert!(world.status().last_error.unwrap().starts_with("framing:"));
    world.change(|spec, _| spec.metadata.clear());
    world.until_state(DeviceState::Online).await;

    world.plant.0.lock().clear();
    world.collectors.device_changed(PLC);
    assert_eq!(world.collectors.status(PLC), None);
    // A poll that was under way may still store its reading.
    a_while().await;
    let stored = world.stored().len();
    a_while().await;
    assert_eq!(world.stored().len(), stored);
    assert_eq!(world.bad_counts(), HashMap::new());
    world.collectors.stop().await;
}

#[tokio::test]
async fn an_added_stream_does_not_repeat_the_search_for_a_silent_register() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[0, 1, 2, 3, 4]);
    fake.memory.lock().lost = vec![(3, 2, Loss::Close)];
    let streams = (0..4).map(|at| stream(at + 1, &format!("hr:{at}"), StreamKind::Uint16)).collect();
    let world = CollectFixture::single_device(plc(&fake), streams);
    // A poll has ended with values of the others, so the silent one is known.
    world.until_state(DeviceState::Degraded).await;
    let before = fake.requests().len();
    world.change(|_, streams| streams.push(Arc::new(stream(5, "hr:4", StreamKind::Uint16))));
    world.until_stored("the added stream", |all| all.iter().any(|r| r.stream == StreamId(5))).await;
    // Alone it may be asked for, now and then.
    let reaches_over = |(_, start, count): &&(u8, u16, u16)| *count > 1 && *start <= 2 && start + count > 2;
    assert_eq!(fake.requests()[before..].iter().find(reaches_over), None);
    world.collectors.stop().await;
}

#[tokio::test]
async fn streams_are_polled_at_their_own_interval_or_not_at_all() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[1, 2, 3]);
    let mut fast = stream(1, "hr:0", StreamKind::Uint16);
    fast.spec.poll_interval_s = Some(0.02);
    let mut disabled = stream(3, "hr:2", StreamKind::Uint16);
    (disabled.spec.enabled, disabled.spec.poll_interval_s) = (false, Some(0.02));
    let mut spec = plc(&fake);
    spec.poll_interval_s = None;
    let world =
        CollectFixture::single_device(spec, vec![fast, stream(2, "hr:1", StreamKind::Uint16), disabled]);
    world.until_stored("some polls", |all| all.len() >= 5).await;
    assert!(world.stored().iter().all(|r| r.stream == StreamId(1)));
    world.change(|_, streams| streams.clear());
    a_while().await;
    assert_eq!(world.status().state, DeviceState::Online, "without streams it is there all the same");
    world.collectors.stop().await;
}

#[tokio::test]
async fn devices_without_a_poller_rest() {
    let spec = |protocol| DeviceSpec::new("x", protocol);
    let mut disabled = spec(Protocol::Modbus);
    disabled.enabled = false;
    let world = CollectFixture::new(vec![
        (DeviceId(1), spec(Protocol::Virtual), vec![]),
        (DeviceId(2), spec(Protocol::Vnc), vec![]),
        (DeviceId(3), disabled, vec![]),
    ]);
    for (id, state, error) in [
        (1, DeviceState::Online, None),
        (2, DeviceState::Offline, Some("protocol \"vnc\" is not collected by this version")),
        (3, DeviceState::Disabled, None),
    ] {
        let status = world.collectors.status(DeviceId(id)).unwrap();
        assert_eq!((status.state, status.last_error.as_deref()), (state, error), "{id}");
    }
    assert_eq!(world.collectors.status(DeviceId(4)), None);
    world.collectors.stop().await;
    assert_eq!(world.stored(), []);
}

#[tokio::test]
async fn a_panic_reaches_no_other_device() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[5]);
    let other = DeviceId(2);
    let world = CollectFixture::new(vec![
        (PLC, plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]),
        (other, plc(&fake), vec![stream(2, "hr:0", StreamKind::Uint16)]),
    ]);
    *world.sink.panics_for.lock() = Some(PLC);
    until("the panic", || world.status().state == DeviceState::Offline).await;
    assert_eq!(world.status().errors.other, 1);
    let stored = world.readings_of(2).len();
    until("values of the other", || world.readings_of(2).len() > stored + 2).await;
    *world.sink.panics_for.lock() = None;
    world.until_state(DeviceState::Online).await;
    world.collectors.stop().await;
}

#[tokio::test]
async fn after_stop_nothing_is_written() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[5]);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_state(DeviceState::Online).await;
    fake.memory.lock().is_silent = true;
    world.collectors.stop().await;
    let stored = world.stored().len();
    world.collectors.device_changed(PLC);
    a_while().await;
    assert_eq!(world.stored().len(), stored);
    assert_eq!(world.bad_counts(), HashMap::new(), "a stop is no loss");
}
