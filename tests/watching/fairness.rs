//! Much to evaluate of one organization beside the alerts of another, and the end of the server in the middle of it.

use std::time::Duration;

use basalt::domain::alert::rule::{AlertRuleSpec, Evaluation};
use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::event::EventFilter;
use basalt::domain::reading::Reading;
use basalt::domain::stream::{StreamKind, StreamSpec};
use basalt::domain::{Clock, Micros, Principal, StreamId};

use super::doors::Credentials;
use super::plain::RuleKind;
use super::world::{RunningServer, open};
use crate::in_process::TestEnv;
use crate::support::until;

/// Rules of the busy organization, and readings of one record: a thousand slices of some milliseconds.
const RULES: usize = 64;
const READINGS: i64 = 30_000;
/// Longest wait for the evaluation; longer is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream of numbers of a new device.
async fn new_stream(env: &TestEnv, owner: &Principal) -> StreamId {
    let device = DeviceSpec::new("line", Protocol::Virtual);
    let device = env.catalog.devices.create_device(owner, device).await.unwrap();
    let spec = StreamSpec { kind: StreamKind::Fp64, ..StreamSpec::new("value", device.id) };
    env.catalog.streams.create_stream(owner, spec).await.unwrap().id
}

/// Times of the alerts of an organization.
async fn alerts(env: &TestEnv, owner: &Principal) -> Vec<Micros> {
    let filter = EventFilter { is_alert: true, ..EventFilter::default() };
    let events = env.catalog.events.events(owner, &filter).await.unwrap();
    events.iter().map(|event| event.spec.ts).collect()
}

/// Security review 8: an organization's rules and readings held up the alerts of all others, and the end of the server.
/// On one thread nobody has a turn but in a pause of the others.
#[tokio::test]
async fn an_organization_with_much_to_evaluate_delays_neither_alerts_of_others_nor_the_end() {
    let (mut env, dir) = (TestEnv::new(1).await, tempfile::tempdir().unwrap());
    let busy = env.owner.clone();
    let other = Principal::system(env.catalog.orgs.create_org(&busy, "other", "other").await.unwrap().id);
    let (many, one) = (new_stream(&env, &busy).await, new_stream(&env, &other).await);
    let db = open(&env, &dir).await;
    let first_seq = db.store.current_position().seq;
    let kind = |evaluation| RuleKind { evaluation, cooldown_s: 0 };
    let mut rules = Vec::new();
    for n in 0..RULES {
        let spec = AlertRuleSpec { name: format!("mean {n}"), ..kind(Evaluation::Avg).spec(many) };
        rules.push(env.catalog.alerts.create_alert_rule(&busy, spec, first_seq).await.unwrap());
    }
    let rule = kind(Evaluation::Value).spec(one);
    env.catalog.alerts.create_alert_rule(&other, rule, first_seq).await.unwrap();
    let running = RunningServer::start(db, Credentials::default());
    let progress = |who: &Principal| running.app.alerts.alert_evaluation(who.org);
    until!("both are evaluated", PATIENCE; progress(&busy).looks > 0 && progress(&other).looks > 0);

    // The last reading alone raises the means over their limit.
    let first = env.clock.now().0 - READINGS * 1000;
    let at = |n: i64| Micros(first + n * 1000);
    let value = |n: i64| if n + 1 < READINGS { 10.0 } else { 1e9 };
    let record = (0..READINGS).map(|n| Reading::good(many, at(n), value(n))).collect();
    let seq = running.db.store.current_position().seq;
    running.db.store.write(&busy, record).await.unwrap();
    let loud_at = env.clock.now();
    let loud = [Reading::good(one, loud_at, 99.0)].into_iter().collect();
    running.db.store.write(&other, loud).await.unwrap();
    until!("the other's alert", PATIENCE; alerts(&env, &other).await == [loud_at]);
    assert_eq!(progress(&busy).next_seq, seq, "the other had to wait for all readings of the busy one");
    running.end(true).await;
    let checkpoint = env.catalog.alerts.alert_checkpoint(busy.org).await.unwrap().expect("one of the end");
    assert_eq!(checkpoint.next_seq, seq, "the end had to wait for all readings of the busy one");

    // One rule is enough to see that the rest is evaluated after the start.
    for rule in &rules[1..] {
        env.catalog.alerts.delete_alert_rule(&busy, rule.uuid).await.unwrap();
    }
    env.reopen_catalog().await;
    let running = RunningServer::start(open(&env, &dir).await, Credentials::default());
    let wanted = running.db.store.current_position().seq;
    until!("the rest", PATIENCE; running.app.alerts.alert_evaluation(busy.org).next_seq >= wanted);
    assert_eq!(alerts(&env, &busy).await, [at(READINGS - 1)]);
    assert_eq!(alerts(&env, &other).await.len(), 1);
    running.end(true).await;
}
