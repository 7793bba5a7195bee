//! Refusals of joined reads never cost a good neighbour's value.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;

use super::*;
use crate::collect::CollectOptions;
use crate::collect::modbus::Modbus;
use crate::collect::modbus::client::ModbusClient;
use crate::collect::modbus::fake::{FakeDevice, Loss};
use crate::collect::numeric_value::NumericValue;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::source::{DeviceSource, GroupedSource};
use crate::collect::status_cell::DeviceStatusCell;
use crate::collect::test_harness::{context, plc, stream};
use crate::domain::stream::StreamKind;
use crate::domain::time::SystemClock;

/// Ten registers of one device, the first holding 0, read together.
struct PlcFixture {
    fake: FakeDevice,
    device: DeviceSpec,
    link: RegisterSource,
    group: RegisterPollGroup,
}

/// The streams of these registers, with their numbers.
fn streams_of(registers: &[i32]) -> Vec<Arc<Stream>> {
    let one = |at: &i32| Arc::new(stream(*at, &format!("hr:{at}"), StreamKind::Uint16));
    registers.iter().map(one).collect()
}

impl PlcFixture {
    async fn start() -> PlcFixture {
        let fake = FakeDevice::start().await;
        fake.set(3, 0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let mut device = plc(&fake);
        device.metadata.insert("max_gap".into(), json!(8));
        let link = RegisterSource::new(&Modbus, &device, source_context()).unwrap();
        // No stream has register 5.
        let group = RegisterPollGroup::new(&Modbus, &device, &streams_of(&[0, 1, 2, 3, 4, 6, 7, 8, 9]));
        PlcFixture { fake, device, link, group }
    }

    /// Polls the streams of other registers from now on, with a new source, as the poller does after a change.
    fn change_streams(&mut self, registers: &[i32]) {
        let link = RegisterSource::new(&Modbus, &self.device, source_context()).unwrap();
        let before = std::mem::replace(&mut self.link, link);
        self.group = RegisterPollGroup::new(&Modbus, &self.device, &streams_of(registers));
        self.link.resume(before, std::slice::from_ref(&self.group));
    }

    /// Polls once; returns the streams that got no value, and the number of requests.
    async fn poll(&mut self) -> (Vec<i32>, usize) {
        let before = self.fake.requests().len();
        let mut answers = Vec::new();
        self.link.poll(&mut self.group, &mut answers).await.unwrap();
        let mut silent: Vec<i32> =
            answers.iter().filter(|one| one.outcome.is_err()).map(|one| one.stream.0).collect();
        for answer in answers.iter().filter(|one| one.outcome.is_ok()) {
            let expected = NumericValue::Uint(u64::try_from(answer.stream.0).unwrap());
            assert_eq!(answer.outcome.as_ref().unwrap().value, expected, "a value is its own register's");
        }
        assert_eq!(answers.len(), self.group.spans.len(), "each stream is answered once");
        silent.sort_unstable();
        (silent, self.fake.requests().len() - before)
    }
}

fn source_context() -> SourceContext {
    SourceContext {
        connection: Arc::new(SharedConnection::new(context())),
        status: Arc::new(DeviceStatusCell::default()),
        clock: Arc::new(SystemClock),
        web: CollectOptions::default().web,
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
        assert_eq!(plc.poll().await, (vec![3], 7), "{exception}: in halves");
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
        assert_eq!(plc.poll().await, (vec![], 7), "{exception}");
        assert_eq!(plc.poll().await, (vec![], 2), "{exception}");
    }
}

#[tokio::test]
async fn a_device_that_is_busy_is_asked_again_a_few_times() {
    let mut plc = PlcFixture::start().await;
    for busy in 0..=3 {
        plc.fake.memory.lock().busy = busy;
        assert_eq!(plc.poll().await, (vec![], 1 + busy), "no stream is bad");
    }
    plc.fake.memory.lock().busy = usize::MAX;
    assert_eq!(
        plc.poll().await,
        (vec![0, 1, 2, 3, 4, 6, 7, 8, 9], 7),
        "not divided: it is busy for single registers too"
    );
    plc.fake.memory.lock().busy = 0;
    assert_eq!(plc.poll().await, (vec![], 1));
}

#[tokio::test]
async fn a_register_that_is_always_busy_silences_nobody_else() {
    let mut plc = PlcFixture::start().await;
    for (exception, requests) in [(5, 11), (6, 6)] {
        plc.fake.memory.lock().refused = vec![(3, 3, exception)];
        assert_eq!(plc.poll().await, (vec![3], requests), "{exception}: others have values meanwhile");
    }
    plc.fake.memory.lock().refused.clear();
    assert_eq!(plc.poll().await, (vec![], 3), "it is read alone until the expiry");
}

#[tokio::test]
async fn two_batches_forget_together() {
    let mut plc = PlcFixture::start().await;
    plc.link.relearn = LearnedExpiry::after(Duration::from_millis(100));
    let mut other = RegisterPollGroup::new(&Modbus, &crate::collect::test_harness::plc(&plc.fake), &[]);
    plc.fake.memory.lock().refused = vec![(3, 3, 4)];
    assert_eq!(plc.poll().await.1, 7);
    advance_clock(Duration::from_millis(100)).await;
    plc.link.poll(&mut other, &mut Vec::new()).await.unwrap();
    assert_eq!(plc.poll().await, (vec![3], 7), "what another group has forgotten is tried here too");
    assert_eq!(plc.poll().await, (vec![3], 3));
}

/// Plant A9: real slaves do this in place of an exception.
#[tokio::test]
async fn a_lost_register_silences_nobody_else_however_it_is_lost() {
    for loss in [Loss::Silence, Loss::Close, Loss::OtherLength] {
        let mut plc = PlcFixture::start().await;
        plc.fake.memory.lock().lost = vec![(3, 3, loss)];
        assert_eq!(plc.poll().await.0, [3], "{loss:?}: divided until it is alone");
        let polled = plc.poll().await;
        assert_eq!(polled, (vec![3], 2), "{loss:?}: around the lost one, which is not asked for now");
        plc.fake.memory.lock().lost.clear();
        assert_eq!(plc.poll().await, (vec![3], 2), "{loss:?}: it is not due yet");
        advance_clock(Duration::from_secs(10)).await;
        assert_eq!(plc.poll().await, (vec![], 3), "{loss:?}: it answers again");
    }
}

#[tokio::test]
async fn a_changed_stream_does_not_repeat_the_search_for_a_silent_register() {
    let mut plc = PlcFixture::start().await;
    plc.fake.memory.lock().lost = vec![(3, 3, Loss::Close)];
    assert_eq!(plc.poll().await.0, [3]);
    plc.change_streams(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let polled = plc.poll().await;
    assert_eq!(polled, (vec![3], 2), "a stream more: around the silent one, which is not asked for now");
    plc.change_streams(&[0, 1, 2, 4, 5, 6, 7, 8, 9]);
    assert_eq!(plc.poll().await, (vec![], 2), "nobody wants the silent one any more: it is not read over");
    plc.fake.memory.lock().lost.clear();
    advance_clock(Duration::from_secs(600)).await;
    assert_eq!(plc.poll().await, (vec![], 1), "what nobody asks for is tried again after the expiry");
}

#[tokio::test]
async fn a_changed_stream_does_not_repeat_the_search_for_the_longest_read() {
    let mut plc = PlcFixture::start().await;
    plc.fake.memory.lock().max_words = Some(4);
    for _ in 0..3 {
        plc.poll().await;
    }
    let requests = plc.poll().await.1;
    plc.change_streams(&[0, 1, 2, 3, 4, 6, 7, 8]);
    assert!(plc.poll().await.1 <= requests, "nothing is refused");
}

#[tokio::test]
async fn what_was_learnt_is_kept_for_the_same_endpoint_only() {
    for (unit, requests) in [(1, 3), (2, 1)] {
        let mut plc = PlcFixture::start().await;
        plc.fake.memory.lock().refused = vec![(3, 3, 4)];
        plc.poll().await;
        plc.fake.memory.lock().refused.clear();
        plc.device.unit = unit;
        let source = RegisterSource::new(&Modbus, &plc.device, source_context()).unwrap();
        let mut changed = GroupedSource::new(source);
        changed.set_groups(&plc.device, &[streams_of(&[0, 1, 2, 3, 4, 6, 7, 8, 9])]);
        changed.resume(Box::new(GroupedSource::new(plc.link)));
        let before = plc.fake.requests().len();
        DeviceSource::poll(&mut changed, 0, &mut Vec::new()).await.unwrap();
        assert_eq!(plc.fake.requests().len() - before, requests, "unit {unit}");
    }
}

#[tokio::test]
async fn a_silent_register_that_nobody_wants_is_not_read_over() {
    let mut plc = PlcFixture::start().await;
    plc.fake.memory.lock().lost = vec![(3, 5, Loss::Silence)];
    assert_eq!(plc.poll().await.0, Vec::<i32>::new());
    assert_eq!(plc.poll().await, (vec![], 2));
}

/// Plant A9 (07) and C8.
#[tokio::test]
async fn a_device_that_answers_only_short_reads_is_read_in_short_ones() {
    for (max, requests) in [(4, 4), (1, 9)] {
        let mut plc = PlcFixture::start().await;
        plc.fake.memory.lock().max_words_or_lost = Some((max, Loss::Close));
        assert_eq!(plc.poll().await.0, Vec::<i32>::new(), "{max}");
        plc.poll().await;
        plc.poll().await;
        plc.fake.memory.lock().max_words_or_lost = None;
        plc.fake.memory.lock().max_words = Some(max);
        assert_eq!(plc.poll().await, (vec![], requests), "{max}: that is what it refused too");
    }
}

/// Plant B3: one request in many is lost on the way.
#[tokio::test]
async fn a_request_that_is_lost_by_chance_is_sent_again() {
    let mut plc = PlcFixture::start().await;
    assert_eq!(plc.poll().await, (vec![], 1));
    plc.fake.memory.lock().loses_one_in = Some(3);
    for _ in 0..3 {
        let (silent, requests) = plc.poll().await;
        assert_eq!(silent, Vec::<i32>::new());
        assert!(requests <= 3, "the request, a probe, and the request again: {requests}");
    }
}

/// Plant B5.
#[tokio::test]
async fn a_connection_that_is_closed_after_a_poll_is_opened_by_the_next() {
    let mut plc = PlcFixture::start().await;
    plc.device.metadata.insert("close_after_poll".into(), json!(true));
    let context = source_context();
    let connection = Arc::clone(&context.connection);
    plc.link = RegisterSource::new(&Modbus, &plc.device, context).unwrap();
    let mut schedule = Schedule::new([Duration::from_secs(3600)], Instant::now());
    for polls in 1..=2 {
        plc.link.connect().await.unwrap();
        assert_eq!(plc.fake.memory.lock().connections, polls - 1, "the poll connects");
        assert_eq!(plc.poll().await, (vec![], 1));
        assert!(connection.lock().await.open_client::<ModbusClient>().is_some(), "others may be due too");
        let _ = plc.link.ready(&mut schedule).now_or_never();
        assert!(connection.lock().await.open_client::<ModbusClient>().is_none());
    }
    assert_eq!(plc.fake.memory.lock().connections, 2);
    plc.link.probe().await.unwrap();
    assert!(connection.lock().await.open_client::<ModbusClient>().is_some(), "a probe does connect");
}

/// Plant A10.
#[tokio::test]
async fn a_device_that_closes_after_each_answer_is_read_in_several_requests() {
    let mut plc = PlcFixture::start().await;
    plc.fake.memory.lock().refused = vec![(3, 3, 2)];
    plc.poll().await;
    plc.fake.memory.lock().closes_after_answer = true;
    for _ in 0..3 {
        assert_eq!(plc.poll().await.0, [3], "all others have values");
    }
}

#[tokio::test]
async fn a_silent_device_is_lost_after_two_requests() {
    let mut plc = PlcFixture::start().await;
    plc.poll().await;
    plc.fake.memory.lock().is_silent = true;
    let before = plc.fake.requests().len();
    let fault = plc.link.poll(&mut plc.group, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(fault, DeviceFault::Timeout { .. }), "{fault}");
    let requests = plc.fake.requests().len();
    assert_eq!(requests, before + 2, "the request, and one for a register that had answered");
}

/// More are lost than a poll waits for: the next ones go on where it ended.
#[tokio::test]
async fn many_lost_registers_are_found_in_some_polls() {
    let mut plc = PlcFixture::start().await;
    let lost = [1, 2, 4, 7, 9];
    plc.fake.memory.lock().lost = lost.map(|at| (3, at, Loss::Close)).to_vec();
    let expected = lost.map(i32::from);
    let mut polls = 0;
    while plc.poll().await.0 != expected {
        polls += 1;
        assert!(polls < 8);
    }
    assert_eq!(plc.poll().await.0, expected);
}

#[path = "source_script_tests.rs"]
mod script;
