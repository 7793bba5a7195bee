//! Tests of bindings: what a report changes, and the status of many devices.

use proptest::prelude::*;

use super::*;

const NOW: Micros = Micros(1_000);

fn binding(artefact: u128, version: u32) -> Binding {
    let spec = BindingSpec {
        target_type: TargetType::Device,
        target: Uuid::nil(),
        artefact: Uuid::from_u128(artefact),
    };
    Binding { spec, artefact_name: "a".to_owned(), desired_version: version, device: None }
}

fn entry(artefact: u128, version: u32, status: BindingStatus) -> ReportEntry {
    ReportEntry { artefact: Uuid::from_u128(artefact), version, status, hash: None, message: None }
}

fn report(artefact: u128, status: BindingStatus, at: i64) -> BindingReport {
    BindingReport {
        artefact: Uuid::from_u128(artefact),
        version: 1,
        status,
        hash: None,
        message: None,
        reported_at: Micros(at),
    }
}

#[test]
fn the_more_specific_target_is_the_greater_one() {
    assert!(TargetType::ALL.is_sorted_by(|a, b| a > b));
}

#[test]
fn a_status_follows_another_until_it_is_final() {
    use BindingStatus::{Accepted, Failed, InProgress, Pending, Rejected};
    for (before, may_follow) in [
        (None, vec![InProgress, Accepted, Rejected, Failed]),
        (Some(InProgress), vec![Accepted, Rejected, Failed]),
        (Some(Failed), vec![InProgress, Accepted, Rejected]),
        (Some(Accepted), vec![]),
        (Some(Rejected), vec![]),
    ] {
        let last = before.map(|status| report(7, status, 0));
        for status in BindingStatus::ALL.into_iter().filter(|status| *status != Pending) {
            let stored = binding(7, 1).accept_report(last.as_ref(), &entry(7, 1, status), NOW);
            assert_eq!(stored.is_some(), may_follow.contains(&status), "{before:?} then {status:?}");
            assert!(stored.is_none_or(|stored| stored.status == status && stored.reported_at == NOW));
        }
    }
}

#[test]
fn a_report_about_another_version_is_ignored_and_a_new_version_begins_again() {
    let accepted = report(7, BindingStatus::Accepted, 0);
    for (name, entry) in [
        ("older", entry(7, 1, BindingStatus::Accepted)),
        ("older_number_of_this_artefact", entry(8, 1, BindingStatus::Accepted)),
        ("unknown_artefact", entry(9, 2, BindingStatus::Accepted)),
    ] {
        assert_eq!(binding(8, 2).accept_report(Some(&accepted), &entry, NOW), None, "{name}");
    }
    let next = binding(8, 2);
    assert_eq!(next.status([&accepted].into_iter()), BindingStatus::Pending);
    assert_eq!(next.shown_report([&accepted].into_iter()), Some(&accepted));
    assert!(next.accept_report(Some(&accepted), &entry(8, 2, BindingStatus::InProgress), NOW).is_some());
}

#[test]
fn a_new_message_of_the_same_status_is_kept_and_a_repeat_is_not() {
    let last = report(7, BindingStatus::InProgress, 0);
    let repeat = entry(7, 1, BindingStatus::InProgress);
    assert_eq!(binding(7, 1).accept_report(Some(&last), &repeat, NOW), None);
    let with_message = ReportEntry { message: Some("50 %".to_owned()), ..repeat };
    assert!(binding(7, 1).accept_report(Some(&last), &with_message, NOW).is_some());
}

#[test]
fn of_many_devices_the_worst_is_shown() {
    use BindingStatus::{Accepted, Failed, InProgress, Pending, Rejected};
    for (statuses, expected) in [
        (vec![], Pending),
        (vec![Accepted, Accepted], Accepted),
        (vec![Accepted, InProgress], InProgress),
        (vec![Rejected, InProgress, Accepted], Rejected),
        (vec![Accepted, Failed, Rejected], Failed),
    ] {
        let reports: Vec<_> = (0..).zip(&statuses).map(|(at, status)| report(7, *status, at)).collect();
        assert_eq!(binding(7, 1).status(reports.iter()), expected, "{statuses:?}");
        let shown = binding(7, 1).shown_report(reports.iter());
        assert_eq!(shown.map_or(Pending, |shown| shown.status), expected, "{statuses:?}");
    }
}

fn any_status() -> impl Strategy<Value = BindingStatus> {
    (0..BindingStatus::ALL.len()).prop_map(|index| BindingStatus::ALL[index])
}

proptest! {
    #[test]
    fn whatever_is_reported_a_final_status_of_a_version_stays(
        entries in proptest::collection::vec((1..3_u128, 1..3_u32, any_status()), 0..40)
    ) {
        let binding = binding(1, 1);
        let mut last: Option<BindingReport> = None;
        for (at, (artefact, version, status)) in (0..).zip(entries) {
            let before = last.clone();
            if let Some(stored) = binding.accept_report(last.as_ref(), &entry(artefact, version, status), Micros(at)) {
                prop_assert_eq!((stored.artefact, stored.version), (binding.spec.artefact, 1));
                last = Some(stored);
            }
            if let Some(before) = before.filter(|before| before.status.is_final()) {
                prop_assert_eq!(last.as_ref(), Some(&before));
            }
        }
    }
}
