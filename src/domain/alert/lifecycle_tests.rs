//! Tests of the states of an alert, against a small model.

use proptest::prelude::*;

use super::*;

/// The model: a state is a number that never falls, and an action asks for a higher one.
fn model(state: u8, step: AlertStep) -> std::result::Result<u8, ()> {
    match step {
        AlertStep::Acknowledge if state == 2 => Err(()),
        AlertStep::Acknowledge => Ok(state.max(1)),
        AlertStep::Resolve => Ok(2),
    }
}

fn number(status: AlertStatus) -> u8 {
    match status {
        AlertStatus::Active => 0,
        AlertStatus::Acknowledged => 1,
        AlertStatus::Resolved => 2,
    }
}

proptest! {
    #[test]
    fn any_order_of_steps_equals_the_model(steps in prop::collection::vec(any::<bool>(), 0..12)) {
        let (mut alert, mut expected) = (AlertLifecycle::default(), 0);
        for (nth, is_resolve) in steps.into_iter().enumerate() {
            let step = if is_resolve { AlertStep::Resolve } else { AlertStep::Acknowledge };
            let at = Micros(nth as i64 + 1);
            let actor = AlertActor { name: format!("user {nth}"), at, note: (nth % 2 == 0).then(|| nth.to_string()) };
            let before = alert.clone();
            match (alert.after(step, &actor), model(expected, step)) {
                (Ok(next), Ok(state)) => {
                    prop_assert_eq!(number(next.status), state);
                    // A repeat changes nothing, not even the note.
                    prop_assert_eq!(next == before, state == expected);
                    (alert, expected) = (next, state);
                }
                (Err(error), Err(())) => prop_assert_eq!(error.kind, crate::domain::Kind::Conflict),
                (found, expected) => prop_assert!(false, "{:?} instead of {:?}", found, expected),
            }
            prop_assert_eq!(alert.resolved_at.is_some(), alert.status == AlertStatus::Resolved);
            prop_assert_eq!(alert.is_open(), alert.status != AlertStatus::Resolved);
            let is_acknowledged = alert.status == AlertStatus::Acknowledged;
            prop_assert!(!is_acknowledged || alert.acknowledged_at.is_some());
            prop_assert!(alert.acknowledged_at.zip(alert.resolved_at).is_none_or(|(seen, over)| seen < over));
        }
    }
}

#[test]
fn levels_and_severities_correspond() {
    for level in Level::ALL {
        assert!(Severity::from(level).levels().contains(&level), "{level:?}");
    }
    for severity in Severity::ALL {
        assert_eq!(Severity::from(severity.level()), severity);
    }
}

#[test]
fn times_have_no_more_digits_than_they_need() {
    let rows =
        [(0, "1970-01-01T00:00:00Z"), (1000, "1970-01-01T00:00:00.001Z"), (1, "1970-01-01T00:00:00.000001Z")];
    for (micros, expected) in rows {
        assert_eq!(platform_time(Micros(micros)), expected);
    }
}
