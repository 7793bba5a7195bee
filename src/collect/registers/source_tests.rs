//! Refusals of joined reads never cost a good neighbour's value.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::collect::CollectOptions;
use crate::collect::modbus::Modbus;
use crate::collect::modbus::fake::FakeDevice;
use crate::collect::status_cell::DeviceStatusCell;
use crate::collect::test_harness::{context, plc, stream};
use crate::domain::stream::StreamKind;
use crate::domain::time::SystemClock;

/// Ten registers of one device, the first holding 0, read together.
struct PlcFixture {
    fake: FakeDevice,
    link: RegisterSource,
    batch: RegisterPollGroup,
}

impl PlcFixture {
    async fn start() -> PlcFixture {
        let fake = FakeDevice::start().await;
        fake.set(3, 0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let mut device = plc(&fake);
        device.metadata.insert("max_gap".into(), json!(8));
        let means = context();
        let source = SourceContext {
            connection: Arc::new(SharedConnection::new(means)),
            status: Arc::new(DeviceStatusCell::default()),
            clock: Arc::new(SystemClock),
            web: CollectOptions::default().web,
        };
        let link = RegisterSource::new(&Modbus, &device, source).unwrap();
        // No stream has register 5.
        let polled = [0, 1, 2, 3, 4, 6, 7, 8, 9];
        let streams: Vec<_> = polled
            .map(|at| Arc::new(stream(at, &format!("hr:{at}"), StreamKind::Uint16)))
            .into_iter()
            .collect();
        let batch = RegisterPollGroup::new(&Modbus, &device, &streams);
        PlcFixture { fake, link, batch }
    }

    /// Polls once; returns the streams that got no value, and the number of requests.
    async fn poll(&mut self) -> (Vec<i32>, usize) {
        let before = self.fake.requests().len();
        let mut answers = Vec::new();
        self.link.poll(&mut self.batch, &mut answers).await.unwrap();
        let mut silent: Vec<i32> =
            answers.iter().filter(|one| one.outcome.is_err()).map(|one| one.stream.0).collect();
        for answer in answers.iter().filter(|one| one.outcome.is_ok()) {
            let expected = NumericValue::Uint(u64::try_from(answer.stream.0).unwrap());
            assert_eq!(answer.outcome.as_ref().unwrap().value, expected, "a value is its own register's");
        }
        assert_eq!(answers.len(), 9, "each stream is answered once");
        silent.sort_unstable();
        (silent, self.fake.requests().len() - before)
    }
}

/// Moves the clock of expiries on. It is paused for this moment only, because the fake device answers by sockets.
async fn advance_clock(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_refused_neighbour_silences_nobody_else_whatever_the_exception() {
    for exception in [1, 2, 3, 4, 8, 0x60] {
        let mut plc = PlcFixture::start().await;
        plc.link.relearn = LearnedExpiry::after(Duration::from_millis(300));
        assert_eq!(plc.poll().await, (vec![], 1), "all are read together");
        plc.fake.memory.lock().refused = vec![(3, 3, exception)];
        assert_eq!(plc.poll().await, (vec![3], 10), "{exception}: one by one");
        assert_eq!(plc.poll().await, (vec![3], 3), "{exception}: around the bad one");
        plc.fake.memory.lock().refused.clear();
        assert_eq!(plc.poll().await, (vec![], 3), "{exception}: it is well again");
        advance_clock(Duration::from_millis(300)).await;
        assert_eq!(plc.poll().await, (vec![], 1), "{exception}: read together again");
    }
}

#[tokio::test]
async fn a_register_that_nobody_wants_and_that_fails_is_not_read_over() {
    for exception in [1, 2, 4] {
        let mut plc = PlcFixture::start().await;
        plc.fake.memory.lock().refused = vec![(3, 5, exception)];
        assert_eq!(plc.poll().await, (vec![], 10), "{exception}");
        assert_eq!(plc.poll().await, (vec![], 2), "{exception}");
    }
}

#[tokio::test]
async fn a_device_that_is_busy_is_not_asked_more() {
    let mut plc = PlcFixture::start().await;
    plc.fake.memory.lock().refused = vec![(3, 3, 6)];
    assert_eq!(plc.poll().await, (vec![0, 1, 2, 3, 4, 6, 7, 8, 9], 1));
    plc.fake.memory.lock().refused.clear();
    assert_eq!(plc.poll().await, (vec![], 1));
}

#[tokio::test]
async fn two_batches_forget_together() {
    let mut plc = PlcFixture::start().await;
    plc.link.relearn = LearnedExpiry::after(Duration::from_millis(100));
    let mut other = RegisterPollGroup::new(&Modbus, &crate::collect::test_harness::plc(&plc.fake), &[]);
    plc.fake.memory.lock().refused = vec![(3, 3, 4)];
    assert_eq!(plc.poll().await.1, 10);
    advance_clock(Duration::from_millis(100)).await;
    plc.link.poll(&mut other, &mut Vec::new()).await.unwrap();
    assert_eq!(plc.poll().await, (vec![3], 10), "what another batch has forgotten is tried here too");
    assert_eq!(plc.poll().await, (vec![3], 3));
}
