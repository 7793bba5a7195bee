//! Alert rules, and alerts with the progress of their rules.

use std::sync::Arc;

use serde_json::json;

use super::fixtures::*;
use crate::domain::alert::budget::AlertBudget;
use crate::domain::alert::evaluator::LogPosition;
use crate::domain::alert::rule::{AlertRule, AlertRuleSpec, Evaluation, Operator, Threshold};
use crate::domain::alert::target::RuleTarget;
use crate::domain::alert::{AlertActor, AlertStatus, AlertStep, Severity};
use crate::domain::event::{Event, EventFilter, EventSource, Level};
use crate::domain::pagination::Pagination;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Kind, Micros, OrgId, Principal, StreamId};
use crate::store::catalog::{AlertChange, AlertCheckpoint, AlertDecision, Catalog, OrgLimits, RuleProgress};

pub(super) fn spec(name: &str, stream: StreamId) -> AlertRuleSpec {
    AlertRuleSpec {
        name: name.to_owned(),
        target: RuleTarget::Stream(stream),
        evaluation: Evaluation::Value,
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(80.0)),
        severity: Severity::Critical,
        cooldown_s: 300,
        ..AlertRuleSpec::blank()
    }
}

async fn new_stream(catalog: &Catalog, who: &Principal) -> StreamId {
    let device = device(catalog, who, "press").await.id;
    stream(catalog, who, device, "t").await.id
}

/// The place in the log of a reading of a second.
fn until(second: i64) -> Option<LogPosition> {
    Some(LogPosition { seq: second.unsigned_abs(), ts: Micros(second * 1_000_000) })
}

fn fire(rule: &Arc<AlertRule>, second: i64) -> AlertDecision {
    let at = Micros(second * 1_000_000);
    let change = AlertChange::Fire { at, value: json!(85.5) };
    let budget = AlertBudget { hour: 7, raised: 1, ..AlertBudget::default() };
    AlertDecision { rule: Arc::clone(rule), change, decided_until: until(second), decided_due: None, budget }
}

async fn alerts(catalog: &Catalog, who: &Principal) -> Vec<Event> {
    let filter = EventFilter { is_alert: true, page: Pagination::ALL, ..EventFilter::default() };
    catalog.events.events(who, &filter).await.unwrap()
}

fn actor(second: i64) -> AlertActor {
    AlertActor { name: "ann".to_owned(), at: Micros(second * 1_000_000), note: Some("seen".to_owned()) }
}

pub(super) async fn a_rule_comes_back_as_it_was_given(place: TestDatabase) {
    let catalog = place.open().await;
    let (admin, theirs) = (admin(&catalog), other_org(&catalog).await);
    let stream = new_stream(&catalog, &admin).await;
    let made = catalog.alerts.create_alert_rule(&admin, spec(" hot ", stream), 7).await.unwrap();
    assert_eq!((&made.spec, made.first_seq), (&spec("hot", stream), 7));
    let taken = catalog.alerts.create_alert_rule(&admin, spec("hot", stream), 7).await;
    assert_eq!(refusal(taken).0, Kind::Conflict);
    let unknown = catalog.alerts.create_alert_rule(&theirs, spec("hot", stream), 7).await;
    assert_eq!(refusal(unknown), invalid(&["stream: does not exist"]));
    assert_eq!(refusal(catalog.alerts.alert_rule(&theirs, made.uuid)), not_found());
    let (before, _) = catalog.alerts.all_alert_rules();
    let renamed = catalog
        .alerts
        .update_alert_rule(&admin, (made.uuid, None), 9, |spec| spec.cooldown_s = 5)
        .await
        .unwrap();
    assert_eq!(renamed.first_seq, 7, "it is evaluated as before");
    let changed = catalog
        .alerts
        .update_alert_rule(&admin, (made.uuid, None), 9, |spec| spec.enabled = false)
        .await
        .unwrap();
    assert_eq!(changed.first_seq, 9);
    assert_ne!(catalog.alerts.alert_rules_revision(), before);
    drop(catalog);
    let again = place.open().await;
    assert_eq!(again.alerts.alert_rules(&admin), [Arc::clone(&changed)]);
    again.orgs.set_org_limits(OrgLimits { documents: 1, ..OrgLimits::default() });
    let full = again.alerts.create_alert_rule(&admin, spec("cold", stream), 7).await;
    assert_eq!(refusal(full).0, Kind::LimitReached);
    again.alerts.delete_alert_rule(&admin, made.uuid).await.unwrap();
    assert_eq!(refusal(again.alerts.delete_alert_rule(&admin, made.uuid).await), not_found());
}

pub(super) async fn a_rule_takes_texts_whatever_they_hold_and_its_stream_keeps_a_type_that_it_compares(
    place: TestDatabase,
) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let stream = new_stream(&catalog, &admin).await;
    let change_type = async |stream: StreamId, kind: StreamKind| {
        catalog.streams.update_stream(&admin, stream, |spec| spec.kind = kind).await
    };
    change_type(stream, StreamKind::Text).await.unwrap();
    let (operator, threshold) = (Some(Operator::Contains), Some(Threshold::Text("E1".to_owned())));
    let rule = AlertRuleSpec { operator, threshold, ..spec("error", stream) };
    let rule = catalog.alerts.create_alert_rule(&admin, rule, 7).await.unwrap();
    let change = AlertChange::Fire { at: Micros(10_000_000), value: json!("E1\0") };
    catalog.alerts.record_alerts(vec![AlertDecision { change, ..fire(&rule, 10) }]).await.unwrap();
    let raised = alerts(&catalog, &admin).await.remove(0);
    assert_eq!(raised.spec.message, "error: value \"E1\u{fffd}\" (CONTAINS \"E1\")");
    assert_eq!(raised.alert.map(|alert| alert.value), Some(json!("E1\0")));
    let expected =
        "type: The alert rule \"error\" cannot compare values of type fp64: change or disable it first.";
    assert_eq!(refusal(change_type(stream, StreamKind::Fp64).await), invalid(&[expected]));
    change_type(stream, StreamKind::Json).await.unwrap();
    catalog
        .alerts
        .update_alert_rule(&admin, (rule.uuid, None), 9, |spec| spec.enabled = false)
        .await
        .unwrap();
    change_type(stream, StreamKind::Fp64).await.unwrap();
    let (source, _) = super::model::upload_new_model(&catalog, &admin).await;
    let expected = "type: A model reads or writes numbers here; text holds none.";
    assert_eq!(refusal(change_type(source, StreamKind::Text).await), invalid(&[expected]));
    change_type(source, StreamKind::Fp32).await.unwrap();
}

pub(super) async fn an_alert_and_the_progress_of_its_rule_are_one(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let stream = new_stream(&catalog, &admin).await;
    let rule = catalog.alerts.create_alert_rule(&admin, spec("hot", stream), 0).await.unwrap();
    catalog.alerts.record_alerts(vec![fire(&rule, 10)]).await.unwrap();
    let progress = async |catalog: &Catalog| catalog.alerts.alert_progress(None).await.unwrap()[&rule.id];
    let (ten, open) = (Some(Micros(10_000_000)), true);
    let budget = fire(&rule, 10).budget;
    let expected =
        RuleProgress { decided_until: until(10), decided_due: None, fired_at: ten, is_open: open, budget };
    assert_eq!(progress(&place.open().await).await, expected);
    let made = alerts(&catalog, &admin).await.remove(0);
    assert_eq!(
        (made.source, made.spec.level, made.spec.ts),
        (EventSource::AlertRule, Level::Critical, Micros(10_000_000))
    );
    let details = made.alert.clone().expect("it is an alert");
    assert_eq!(
        (details.rule, details.rule_name.as_str(), &details.value),
        (Some(rule.id), "hot", &json!(85.5))
    );
    assert_eq!(catalog.events.event_by_uuid(&admin, made.uuid).await.unwrap(), made);

    assert_eq!(catalog.alerts.take_closed_alerts(admin.org), []);
    let over = catalog.alerts.step_alert(&admin, made.uuid, AlertStep::Resolve, actor(11)).await.unwrap();
    let lifecycle = over.alert.expect("it is an alert").lifecycle;
    assert_eq!((lifecycle.status, lifecycle.resolved_by.as_deref()), (AlertStatus::Resolved, Some("ann")));
    assert_eq!(catalog.alerts.take_closed_alerts(OrgId(99)), [], "they are another organization's");
    assert_eq!(catalog.alerts.take_closed_alerts(admin.org), [rule.id]);
    assert!(!progress(&catalog).await.is_open, "it was resolved");
    let late = catalog.alerts.step_alert(&admin, made.uuid, AlertStep::Acknowledge, actor(12)).await;
    assert_eq!(refusal(late).0, Kind::Conflict);

    // Both changes are of one transaction; that of a former form of the rule is left out.
    let decided_due = Some(Micros(25_000_000));
    let resolved = AlertDecision { change: AlertChange::Resolve, decided_due, ..fire(&rule, 21) };
    let former = Arc::new(AlertRule { first_seq: 99, ..AlertRule::clone(&rule) });
    let outdated =
        catalog.alerts.record_alerts(vec![fire(&rule, 20), resolved, fire(&former, 30)]).await.unwrap();
    assert_eq!(outdated.iter().map(|one| one.decided_until).collect::<Vec<_>>(), [until(30)]);
    let all = alerts(&catalog, &admin).await;
    assert_eq!(all.len(), 2);
    let second = all[1].alert.clone().expect("it is an alert").lifecycle;
    assert_eq!((second.status, second.resolved_by.as_deref()), (AlertStatus::Resolved, Some("system")));
    let fired_at = Some(Micros(20_000_000));
    let expected = RuleProgress { decided_until: until(21), decided_due, fired_at, is_open: false, budget };
    assert_eq!(progress(&catalog).await, expected);
}

pub(super) async fn a_rule_that_is_moved_is_not_silenced_by_its_open_alert(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "press").await.id;
    let watched = stream(&catalog, &admin, device, "t").await.id;
    let other = stream(&catalog, &admin, device, "u").await.id;
    let rule = catalog.alerts.create_alert_rule(&admin, spec("hot", watched), 0).await.unwrap();
    catalog.alerts.record_alerts(vec![fire(&rule, 10)]).await.unwrap();
    let place = (rule.uuid, None);
    catalog.alerts.update_alert_rule(&admin, place, 20, |spec| spec.cooldown_s += 1).await.unwrap();
    assert!(
        catalog.alerts.alert_progress(None).await.unwrap()[&rule.id].is_open,
        "it watches the same stream"
    );
    let target = RuleTarget::Stream(other);
    catalog.alerts.update_alert_rule(&admin, place, 20, |spec| spec.target = target).await.unwrap();
    let progress = catalog.alerts.alert_progress(None).await.unwrap()[&rule.id];
    assert_eq!((progress.is_open, progress.fired_at), (false, None));
    let former = alerts(&catalog, &admin).await.remove(0).alert.expect("it is an alert");
    assert_eq!(former.lifecycle.status, AlertStatus::Active, "somebody decides");
}

pub(super) async fn alerts_stay_when_their_rule_goes(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let stream = new_stream(&catalog, &admin).await;
    let rule = catalog.alerts.create_alert_rule(&admin, spec("hot", stream), 0).await.unwrap();
    catalog.alerts.record_alerts(vec![fire(&rule, 10)]).await.unwrap();
    let made = alerts(&catalog, &admin).await.remove(0);
    let seen = catalog.events.update_event(&admin, made.id, |spec| spec.acknowledged = true).await.unwrap();
    let lifecycle = seen.alert.expect("it is an alert").lifecycle;
    assert_eq!(lifecycle.status, AlertStatus::Acknowledged);
    assert_eq!(lifecycle.acknowledged_by, Some(admin.caller.to_string()), "by whoever changed the event");
    assert!(lifecycle.acknowledged_at.is_some() && lifecycle.resolved_at.is_none());
    let unseen =
        catalog.events.update_event(&admin, made.id, |spec| spec.acknowledged = false).await.unwrap();
    assert!(unseen.spec.acknowledged, "an alert has no way back");
    catalog.streams.delete_stream(&admin, stream).await.unwrap();
    assert_eq!(catalog.alerts.alert_rules(&admin), []);
    assert_eq!(catalog.alerts.alert_progress(None).await.unwrap().len(), 0);
    let left = alerts(&catalog, &admin).await.remove(0);
    assert_eq!(
        (left.spec.stream, left.alert.map(|alert| (alert.rule, alert.rule_name))),
        (None, Some((None, "hot".to_owned())))
    );
}

fn device_spec(name: &str, device: DeviceId) -> AlertRuleSpec {
    AlertRuleSpec {
        target: RuleTarget::Device(device),
        evaluation: Evaluation::DeviceState,
        window_s: Some(60),
        operator: Some(Operator::Eq),
        threshold: Some(Threshold::Text("offline".to_owned())),
        ..spec(name, StreamId(0))
    }
}

pub(super) async fn a_rule_on_a_device_is_seen_and_goes_with_it(place: TestDatabase) {
    let catalog = place.open().await;
    let (admin, theirs) = (admin(&catalog), other_org(&catalog).await);
    let device = device(&catalog, &admin, "press").await.id;
    let stream = stream(&catalog, &admin, device, "t").await.id;
    let unknown = catalog.alerts.create_alert_rule(&theirs, device_spec("down", device), 0).await;
    assert_eq!(refusal(unknown), invalid(&["device: does not exist"]));
    let rule = catalog.alerts.create_alert_rule(&admin, device_spec("down", device), 0).await.unwrap();
    assert_eq!(refusal(catalog.alerts.alert_rule(&theirs, rule.uuid)), not_found());
    let elsewhere = Principal { devices: Some([DeviceId(99)].into()), ..admin.clone() };
    let of_a_stream = Principal { streams: Some([stream].into()), ..admin.clone() };
    for (name, who) in [("another device", elsewhere), ("a part of it", of_a_stream)] {
        assert_eq!(refusal(catalog.alerts.alert_rule(&who, rule.uuid)), not_found(), "{name}");
        assert_eq!(catalog.alerts.alert_rules(&who), [], "{name}");
        let made = catalog.alerts.create_alert_rule(&who, device_spec("again", device), 0).await;
        assert_eq!(refusal(made), invalid(&["device: does not exist"]), "{name}");
    }
    let of_the_device = Principal { devices: Some([device].into()), ..admin.clone() };
    assert_eq!(catalog.alerts.alert_rules(&of_the_device), [Arc::clone(&rule)]);
    assert_eq!(place.open().await.alerts.alert_rules(&admin), [Arc::clone(&rule)]);
    let at = Micros(10_000_000);
    let change = AlertChange::Fire { at, value: json!("offline") };
    catalog
        .alerts
        .record_alerts(vec![AlertDecision { change, decided_until: None, ..fire(&rule, 10) }])
        .await
        .unwrap();
    let made = alerts(&catalog, &admin).await.remove(0);
    assert_eq!((made.spec.device, made.spec.stream, made.spec.ts), (Some(device), None, at));
    assert_eq!(made.spec.message, "down: state \"offline\" for 60 s (EQ \"offline\")");
    catalog.devices.delete_device(&admin, device).await.unwrap();
    assert_eq!(catalog.alerts.alert_rules(&admin), []);
    assert_eq!(catalog.alerts.alert_progress(None).await.unwrap().len(), 0);
    let left = alerts(&catalog, &admin).await.remove(0);
    assert_eq!((left.spec.device, left.alert.map(|alert| alert.rule)), (None, Some(None)));
}

pub(super) async fn alerts_that_were_not_raised_are_counted_with_their_rule(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let stream = new_stream(&catalog, &admin).await;
    let rule = catalog.alerts.create_alert_rule(&admin, spec("hot", stream), 0).await.unwrap();
    let budget = async || place.open().await.alerts.alert_progress(None).await.unwrap()[&rule.id].budget;
    assert_eq!(budget().await, AlertBudget::default());
    let raised = AlertBudget { hour: 9, raised: 60, suppressed: 3, is_held_back: false };
    catalog.alerts.record_alerts(vec![AlertDecision { budget: raised, ..fire(&rule, 10) }]).await.unwrap();
    assert_eq!(budget().await, raised, "with the alert");
    let at = AlertCheckpoint { next_seq: 5, stored_at: START, states: Vec::new() };
    catalog.alerts.save_alert_checkpoint(admin.org, at, vec![(rule.id, 8)]).await.unwrap();
    assert_eq!(budget().await, AlertBudget { suppressed: 8, ..raised }, "with the position");
    let changed = catalog
        .alerts
        .update_alert_rule(&admin, (rule.uuid, None), 9, |spec| spec.enabled = false)
        .await
        .unwrap();
    assert_eq!(changed.first_seq, 9);
    assert_eq!(budget().await.suppressed, 8, "a rule that is changed keeps its number");
}

pub(super) async fn the_position_of_the_evaluation_is_replaced(place: TestDatabase) {
    let catalog = place.open().await;
    let (org, theirs) = (admin(&catalog).org, other_org(&catalog).await.org);
    assert_eq!(catalog.alerts.alert_checkpoint(org).await.unwrap(), None);
    for next_seq in [5, 9] {
        let at = AlertCheckpoint { next_seq, stored_at: START, states: vec![1, 2, 3] };
        catalog.alerts.save_alert_checkpoint(org, at.clone(), Vec::new()).await.unwrap();
        assert_eq!(place.open().await.alerts.alert_checkpoint(org).await.unwrap(), Some(at));
        assert_eq!(
            catalog.alerts.alert_checkpoint(theirs).await.unwrap(),
            None,
            "each organization has its own"
        );
    }
}
