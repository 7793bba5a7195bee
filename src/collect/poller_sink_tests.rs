//! Collectors whose sink is busy or refuses readings: what waits, what is counted, and what the status says.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::modbus::fake::FakeDevice;
use super::test_harness::{CollectFixture, a_while, plc, stream, until};
use crate::domain::Kind;
use crate::domain::device::DeviceState;
use crate::domain::stream::StreamKind;

#[tokio::test]
async fn while_the_sink_is_busy_the_same_readings_wait() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[5]);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_state(DeviceState::Online).await;
    *world.sink.fails_with.lock() = Some(Kind::Busy);
    until("a refusal", || world.sink.refused.load(Ordering::SeqCst) >= 1).await;
    let (stored, polls) = (world.stored().len(), fake.requests().len());
    fake.set(3, 0, &[6]);
    a_while().await;
    assert_eq!((world.stored().len(), fake.requests().len()), (stored, polls), "no polls meanwhile");
    *world.sink.fails_with.lock() = None;
    world.until_stored("values again", |all| all.len() > stored + 1).await;
    assert_eq!(world.stored()[stored].value, Some(5.0), "the one that waited");
    assert_eq!(world.stored()[stored + 1].value, Some(6.0));
    assert_eq!(world.status().errors.other, 0);
    world.collectors.stop().await;
}

#[tokio::test]
async fn what_the_sink_refuses_is_counted_and_said() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[5]);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_state(DeviceState::Online).await;
    *world.sink.fails_with.lock() = Some(Kind::Unavailable);
    until("some refusals", || world.status().errors.other >= 2).await;
    until("the error", || {
        world.status().last_error.as_deref() == Some("readings are not stored: told to fail")
    })
    .await;
    // The bad reading of a loss is remembered too.
    let (addr, memory) = (fake.addr, Arc::clone(&fake.memory));
    drop(fake);
    world.until_state(DeviceState::Offline).await;
    *world.sink.fails_with.lock() = None;
    until("the bad reading after all", || world.bad_counts() == HashMap::from([(1, 1)])).await;
    let fake = FakeDevice::start_at(addr, memory).await;
    world.until_state(DeviceState::Online).await;
    assert_eq!(world.status().last_error, None);
    world.collectors.stop().await;
    drop(fake);
}
