//! Requests that get no answer while the device is there: what it costs, and what is said of it.

use std::collections::HashMap;

use super::modbus::fake::{FakeDevice, Loss};
use super::test_harness::{CollectFixture, plc, stream, until};
use crate::domain::device::DeviceState;
use crate::domain::stream::StreamKind;

/// Plant B4: at every poll a bad reading, and the device offline, because a router had forgotten the idle connection.
#[tokio::test]
async fn a_connection_that_has_become_mute_costs_a_timeout_and_no_reading() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[7]);
    // Each poll but the first finds its connection mute; a new one has the probe and the request again.
    fake.memory.lock().answers_of_connection = Some(2);
    let world = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    until("three timeouts", || world.status().errors.timeout >= 3).await;
    fake.set(3, 0, &[8]);
    world.until_stored("another value", |all| all.iter().any(|reading| reading.value == Some(8.0))).await;
    world.until_state(DeviceState::Online).await;
    world.collectors.stop().await;
    assert_eq!(world.bad_counts(), HashMap::new());
    let (polls, timeouts) = (world.status().lateness.count, world.status().errors.timeout);
    assert!(timeouts <= polls, "{timeouts} timeouts of {polls} polls");
}

/// Plant A9, G4: the device was offline, and no word named the register that it does not answer.
#[tokio::test]
async fn a_register_that_gets_no_answer_is_named() {
    for loss in [Loss::Silence, Loss::Close, Loss::OtherLength] {
        let fake = FakeDevice::start().await;
        fake.set(3, 0, &[0, 1, 2, 3, 4, 5]);
        fake.memory.lock().lost = vec![(3, 3, loss)];
        let streams = (0..6).map(|n| stream(n, &format!("hr:{n}"), StreamKind::Uint16)).collect();
        let world = CollectFixture::single_device(plc(&fake), streams);
        until(&format!("{loss:?}: it is named"), || {
            let status = world.status();
            let error = status.last_error.unwrap_or_default();
            status.state == DeviceState::Degraded && error.starts_with("`s3` (hr:3): ")
        })
        .await;
        world.collectors.stop().await;
    }
}
