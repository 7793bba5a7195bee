//! Tests of notification channels and deliveries: the outbox of alerts, what is due, and what becomes of both.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::alert::budget::AlertBudget;
use crate::domain::alert::rule::{AlertRule, AlertRuleSpec, Evaluation, Operator, Threshold};
use crate::domain::alert::target::RuleTarget;
use crate::domain::alert::{AlertActor, AlertStep, Severity};
use crate::domain::document::{DocumentKind, DocumentSpec};
use crate::domain::notification::{
    AlertNotice, ChannelConfig, ChannelSecret, Delivery, DeliveryFailure, DeliveryStatus,
    NotificationChannelSpec,
};
use crate::domain::{Kind, Micros, Principal, StreamId};
use crate::store::catalog::{AlertChange, AlertDecision, Catalog, DueDeliveries, NewDocument};

const KIND: DocumentKind = DocumentKind::NotificationChannel;
const LATE: Micros = Micros(i64::MAX);

async fn channel(catalog: &Catalog, who: &Principal, name: &str) -> Uuid {
    let (url, secret) = ("http://a.example".to_owned(), ChannelSecret::new("hush"));
    let config = ChannelConfig::Webhook { url, secret };
    let spec = NotificationChannelSpec { name: name.to_owned(), config, enabled: true };
    let new = NewDocument::new(DocumentSpec::NotificationChannel(spec));
    catalog.documents.create_documents(who, vec![new]).await.unwrap()[0].uuid
}

fn spec(stream: StreamId, channels: &[Uuid]) -> AlertRuleSpec {
    AlertRuleSpec {
        name: "hot".to_owned(),
        target: RuleTarget::Stream(stream),
        evaluation: Evaluation::Value,
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(80.0)),
        severity: Severity::Critical,
        cooldown_s: 0,
        channels: channels.to_vec(),
        ..AlertRuleSpec::blank()
    }
}

async fn rule(catalog: &Catalog, who: &Principal, channels: &[Uuid]) -> Arc<AlertRule> {
    let device = device(catalog, who, "Boiler").await;
    let stream = stream(catalog, who, device.id, "t").await;
    catalog.alerts.create_alert_rule(who, spec(stream.id, channels), 1).await.unwrap()
}

async fn fire(catalog: &Catalog, rule: &Arc<AlertRule>) {
    decide(catalog, rule, AlertChange::Fire { at: Micros(5), value: json!(93.5) }).await;
}

async fn decide(catalog: &Catalog, rule: &Arc<AlertRule>, change: AlertChange) {
    let budget = AlertBudget::default();
    let decision =
        AlertDecision { rule: Arc::clone(rule), change, decided_until: None, decided_due: None, budget };
    catalog.alerts.record_alerts(vec![decision]).await.unwrap();
}

fn all(now: Micros) -> DueDeliveries {
    DueDeliveries {
        now,
        not_of_orgs: Vec::new(),
        not_by_channels: Vec::new(),
        not_these: Vec::new(),
        limit: 100,
    }
}

async fn due(catalog: &Catalog, wanted: &DueDeliveries) -> Vec<Delivery> {
    catalog.events.due_deliveries(wanted).await.unwrap()
}

pub(super) async fn a_delivery_is_due_until_it_was_made_and_outlives_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (one, two) = (channel(&catalog, &who, "one").await, channel(&catalog, &who, "two").await);
    let rule = rule(&catalog, &who, &[one, two]).await;
    assert!(due(&catalog, &all(LATE)).await.is_empty());
    fire(&catalog, &rule).await;
    let found = due(&catalog, &all(LATE)).await;
    assert_eq!((found.len(), catalog.events.count_pending_deliveries().await.unwrap()), (2, 2));
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert_eq!(due(&catalog, &DueDeliveries { limit: 1, ..all(LATE) }).await.len(), 1);
    assert_eq!(
        due(&catalog, &DueDeliveries { not_these: vec![first.id], ..all(LATE) }).await,
        std::slice::from_ref(second)
    );
    let by_other = DueDeliveries { not_by_channels: vec![second.channel], ..all(LATE) };
    assert_eq!(due(&catalog, &by_other).await, std::slice::from_ref(first));
    assert!(due(&catalog, &DueDeliveries { not_of_orgs: vec![who.org], ..all(LATE) }).await.is_empty());
    assert!(due(&catalog, &all(Micros(0))).await.is_empty(), "not before its time");

    let event = catalog.events.event_of_delivery(first).await.unwrap();
    let sent = first.clone().after_attempt(Ok(()), Micros(7_000_000));
    let failed =
        second.clone().after_attempt(Err(DeliveryFailure::temporary("answered 500")), Micros(7_000_000));
    catalog.events.store_delivery(&sent).await.unwrap();
    catalog.events.store_delivery(&failed).await.unwrap();
    assert!(due(&catalog, &all(Micros(7_999_999))).await.is_empty());
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(due(&catalog, &all(Micros(8_000_000))).await, std::slice::from_ref(&failed));
    let mut deliveries = catalog.events.deliveries_of_alert(&who, event.uuid).await.unwrap();
    deliveries.sort_by_key(|delivery| delivery.status == DeliveryStatus::Pending);
    assert_eq!(deliveries, [sent, failed]);
    let stranger = other_org(&catalog).await;
    assert_eq!(refusal(catalog.events.deliveries_of_alert(&stranger, event.uuid).await).0, Kind::NotFound);
}

pub(super) async fn the_end_of_an_alert_is_told_where_the_alert_was_and_after_it(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let channel = channel(&catalog, &who, "one").await;
    let rule = rule(&catalog, &who, &[channel]).await;
    for is_by_rule in [false, true] {
        fire(&catalog, &rule).await;
        let found = due(&catalog, &all(LATE)).await;
        let [fired] = &found[..] else { panic!("{found:?}") };
        assert_eq!((fired.notice, fired.channel), (AlertNotice::Fired, channel));
        let event = catalog.events.event_of_delivery(fired).await.unwrap();
        if is_by_rule {
            decide(&catalog, &rule, AlertChange::Resolve).await;
        } else {
            for step in [AlertStep::Acknowledge, AlertStep::Resolve, AlertStep::Resolve] {
                let actor = AlertActor { name: "ann".to_owned(), at: Micros(9), note: None };
                catalog.alerts.step_alert(&who, event.uuid, step, actor).await.unwrap();
            }
        }
        assert_eq!(due(&catalog, &all(LATE)).await, std::slice::from_ref(fired), "one after the other");
        catalog.events.store_delivery(&fired.clone().after_attempt(Ok(()), Micros(7))).await.unwrap();
        let found = due(&catalog, &all(LATE)).await;
        let [resolved] = &found[..] else { panic!("{found:?}") };
        let of_alert = (resolved.notice, resolved.channel, resolved.alert);
        assert_eq!(of_alert, (AlertNotice::Resolved, channel, fired.alert), "{is_by_rule}");
        catalog.events.store_delivery(&resolved.clone().after_attempt(Ok(()), Micros(8))).await.unwrap();
        assert_eq!(catalog.events.deliveries_of_alert(&who, event.uuid).await.unwrap().len(), 2);
    }
    assert!(due(&catalog, &all(LATE)).await.is_empty());
}

pub(super) async fn a_channel_that_goes_leaves_its_rules_and_its_log(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (one, two) = (channel(&catalog, &who, "one").await, channel(&catalog, &who, "two").await);
    let rule = rule(&catalog, &who, &[one, two]).await;
    fire(&catalog, &rule).await;
    let stranger = other_org(&catalog).await;
    let theirs = channel(&catalog, &stranger, "one").await;
    let stream = rule.spec.target.stream().unwrap();
    let wanted = spec(stream, &[one, theirs]);
    let changed = catalog.alerts.update_alert_rule(&who, (rule.uuid, None), 1, |spec| *spec = wanted).await;
    assert_eq!(
        refusal(changed),
        invalid(&["channels[1]: does not exist"]),
        "a channel of others does not exist"
    );
    assert_eq!(refusal(catalog.documents.delete_document(&stranger, KIND, one).await), not_found());
    catalog.documents.delete_document(&who, KIND, one).await.unwrap();
    assert_eq!(catalog.alerts.alert_rule(&who, rule.uuid).unwrap().spec.channels, [two]);
    assert_eq!(due(&catalog, &all(LATE)).await.len(), 2, "its deliveries are ended by whoever makes them");
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(catalog.alerts.alert_rule(&who, rule.uuid).unwrap().spec.channels, [two]);
    let [kept] = &catalog.documents.documents(&who, KIND)[..] else { panic!("one channel is left") };
    let secret = kept.spec.secret();
    let secret = secret.as_ref().map(ChannelSecret::expose);
    assert_eq!((kept.uuid, secret), (two, Some("hush")), "a secret outlives a restart");
}
