//! The states as properties: random actions against a small model.

use proptest::prelude::*;

use super::*;
use crate::domain::media::{Capture, ClipRequest, LIVE_S, MediaWork};

const SECOND: i64 = MICROS_PER_SECOND;

#[derive(Debug, Clone)]
enum Step {
    Started,
    Stop,
    Ended,
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Started),
        Just(Step::Stop),
        Just(Step::Ended),
        (0_i64..40).prop_map(Step::Wait),
        (0_i64..1000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..30)
}

/// The state machine of captures as MK documents it, in seconds and names.
#[derive(Debug, Clone, Copy)]
struct Model {
    name: &'static str,
    age: i64,
}

impl Model {
    fn step(self, step: &Step) -> Model {
        let age = match step {
            Step::Wait(seconds) => self.age + seconds,
            Step::Started | Step::Stop | Step::Ended => self.age,
        };
        let is_open = !matches!(self.name, "STOPPED" | "EXPIRED");
        let is_over = age >= LIVE_S || (self.name == "REQUESTED" && age >= LIVE_START_S);
        let name = match (self.name, step) {
            _ if is_open && is_over => "EXPIRED",
            ("REQUESTED", Step::Started) => "ACTIVE",
            ("REQUESTED" | "ACTIVE", Step::Stop) => "STOPPING",
            ("REQUESTED" | "ACTIVE", Step::Ended) => "EXPIRED",
            ("STOPPING", Step::Ended) => "STOPPED",
            (name, _) => name,
        };
        Model { name, age }
    }
}

proptest! {
    #[test]
    fn a_live_session_is_as_the_contract_says(steps in steps()) {
        let begin = Micros(1_777_377_600_000_000);
        let mut session = LiveSession::new("user".to_owned(), "name".to_owned(), begin);
        let mut model = Model { name: "REQUESTED", age: 0 };
        for step in &steps {
            model = model.step(step);
            let now = Micros(begin.0 + model.age * SECOND);
            let action = match step {
                Step::Started => LiveAction::Started,
                Step::Stop => LiveAction::Stop,
                Step::Ended => LiveAction::Ended(Some("it ended".to_owned())),
                Step::Wait(_) => LiveAction::Tick,
            };
            if let Some(next) = session.after(action, now) {
                prop_assert!(session.state.may_become(next.state), "{} to {}", session.state.name(), next.state.name());
                session = next;
            }
            prop_assert_eq!(session.state.name(), model.name, "after {:?}", step);
            prop_assert_eq!(session.ended_at.is_some(), session.state.is_final());
        }
    }

    #[test]
    fn no_row_leaves_its_end(path in prop::collection::vec((0_usize..4, 0_usize..4), 1..40)) {
        let mut capture = Capture::new(Micros(0), Micros(1));
        let mut clip = ClipRequest::new(Micros(0), Micros(1), String::new());
        for (next_capture, next_clip) in path {
            let (was_capture, was_clip) = (capture.state, clip.state);
            let next = Capture { state: CaptureState::ALL[next_capture], ..capture.clone() };
            if MediaWork::Capture(capture.clone()).may_become(&MediaWork::Capture(next.clone())) {
                capture = next;
            }
            let next = ClipRequest { state: ClipState::ALL[next_clip], ..clip.clone() };
            if MediaWork::Clip(clip.clone()).may_become(&MediaWork::Clip(next.clone())) {
                clip = next;
            }
            prop_assert!(!was_capture.is_final() || capture.state == was_capture);
            prop_assert!(!was_clip.is_final() || clip.state == was_clip);
        }
        prop_assert!(!MediaWork::Capture(capture).may_become(&MediaWork::Clip(clip)));
    }
}

#[test]
fn the_ways_are_those_of_the_contract() {
    let capture = [
        ("PENDING", vec!["RECORDING", "FAILED"]),
        ("RECORDING", vec!["READY", "FAILED"]),
        ("READY", vec![]),
        ("FAILED", vec![]),
    ];
    for (state, (name, next)) in CaptureState::ALL.iter().zip(capture) {
        assert_eq!(state.name(), name);
        assert_eq!(state.next().iter().map(|next| next.name()).collect::<Vec<_>>(), next);
    }
    for session in LiveState::ALL.iter().filter(|state| !state.is_final()) {
        assert!(session.next().contains(&LiveState::Expired), "any open state may expire");
    }
    assert_eq!(serde_json::to_string(&LiveState::Active).unwrap(), "\"ACTIVE\"");
}
