//! Commands: answered once, ended by their time, seen by whoever may change the device.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::command::{CommandFilter, CommandReport, CommandSpec, CommandState, MAX_OPEN_PER_DEVICE};
use crate::domain::{DeviceId, Kind};

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn spec(device: DeviceId) -> CommandSpec {
    let params = json!({"path": "/relay/0", "method": "POST"});
    CommandSpec {
        device,
        kind: "set".to_owned(),
        params: params.as_object().cloned().unwrap_or_default().into(),
    }
}

fn report(state: CommandState) -> CommandReport {
    CommandReport { state, result: json!({"ison": true}), error: String::new() }
}

pub(super) async fn a_command_is_answered_once_and_outlives_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let made = catalog.commands.create_commands(&admin, vec![spec(device)], MINUTE).await.unwrap().remove(0);
    assert_eq!((made.state, made.key.len(), made.spec.clone()), (CommandState::Pending, 9, spec(device)));
    assert_eq!(catalog.commands.command_by_key(&admin, &made.key).unwrap(), *made);
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(catalog.commands.command(&admin, made.uuid).unwrap(), *made);
    for state in [CommandState::Sent, CommandState::Acknowledged] {
        let reported = catalog.commands.report_command(&admin, made.uuid, report(state)).await.unwrap();
        assert_eq!((reported.state, reported.result), (state, Value::Null));
    }
    let done = catalog.commands.report_command(&admin, made.uuid, report(CommandState::Done)).await.unwrap();
    assert_eq!((done.state, &done.result), (CommandState::Done, &json!({"ison": true})));
    assert!(done.sent_at.is_some() && done.acked_at.is_some() && done.done_at.is_some());
    let again = catalog.commands.report_command(&admin, made.uuid, report(CommandState::Failed)).await;
    assert_eq!(again.unwrap_err().kind, Kind::Conflict);
    drop(catalog);
    assert_eq!(place.open().await.commands.command(&admin, made.uuid).unwrap(), done);
}

pub(super) async fn a_command_ends_by_its_time(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let short = Duration::from_micros(1);
    let made = catalog.commands.create_commands(&admin, vec![spec(device)], short).await.unwrap().remove(0);
    assert_eq!(catalog.commands.command(&admin, made.uuid).unwrap().state, CommandState::Expired);
    let late = catalog.commands.report_command(&admin, made.uuid, report(CommandState::Done)).await;
    assert_eq!(late.unwrap_err().kind, Kind::Gone);
    let expired = CommandFilter { state: Some(CommandState::Expired), ..CommandFilter::default() };
    assert_eq!(catalog.commands.commands(&admin, &expired).len(), 1);
    catalog.devices.delete_device(&admin, device).await.unwrap();
    assert_eq!(catalog.commands.command(&admin, made.uuid).unwrap_err().kind, Kind::NotFound);
    drop(catalog);
    assert!(place.open().await.commands.commands(&admin, &CommandFilter::default()).is_empty());
}

pub(super) async fn commands_are_bounded_and_of_one_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (a, b) = (device(&catalog, &ours, "a").await.id, device(&catalog, &ours, "b").await.id);
    let of_a = catalog.commands.create_commands(&ours, vec![spec(a)], MINUTE).await.unwrap().remove(0);
    let restricted = key(ours.org, Some(&[b]), None);
    for who in [&theirs, &restricted] {
        assert_eq!(catalog.commands.command(who, of_a.uuid).unwrap_err().kind, Kind::NotFound);
        assert_eq!(catalog.commands.command_by_key(who, &of_a.key).unwrap_err().kind, Kind::NotFound);
        assert!(catalog.commands.commands(who, &CommandFilter::default()).is_empty());
        let refused = catalog.commands.create_commands(who, vec![spec(a)], MINUTE).await.unwrap_err();
        assert_eq!(refused.kind, Kind::NotFound);
        let refused = catalog.commands.report_command(who, of_a.uuid, report(CommandState::Done)).await;
        assert_eq!(refused.unwrap_err().kind, Kind::NotFound);
    }
    assert_eq!(catalog.commands.command(&ours, Uuid::nil()).unwrap_err().kind, Kind::NotFound);
    let wrong = CommandSpec { kind: "a b".to_owned(), params: Default::default(), device: a };
    assert_eq!(
        catalog.commands.create_commands(&ours, vec![wrong], MINUTE).await.unwrap_err().kind,
        Kind::Invalid
    );
    let many = vec![spec(a); MAX_OPEN_PER_DEVICE];
    assert_eq!(
        catalog.commands.create_commands(&ours, many.clone(), MINUTE).await.unwrap_err().kind,
        Kind::Busy
    );
    assert_eq!(
        catalog.commands.create_commands(&ours, many[1..].to_vec(), MINUTE).await.unwrap().len(),
        many.len() - 1
    );
    assert_eq!(
        catalog.commands.create_commands(&ours, vec![spec(a)], MINUTE).await.unwrap_err().kind,
        Kind::Busy
    );
    assert_eq!(catalog.commands.create_commands(&ours, vec![spec(b)], MINUTE).await.unwrap().len(), 1);
}
