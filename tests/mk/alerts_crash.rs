//! `kill -9` while readings are written: the alerts are exactly those of a model that reads what was acknowledged.

use std::time::Duration;

use basalt::domain::alert::Severity;
use basalt::domain::alert::evaluator::{Decision, RuleState};
use basalt::domain::alert::rule::{AlertRuleSpec, Evaluation, Operator, Threshold};
use basalt::domain::alert::sample::Sample;
use basalt::domain::alert::target::RuleTarget;
use basalt::domain::arrival::{AheadBound, Arrival};
use basalt::domain::{Micros, StreamId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::alerts::{SensorFixture, alerts_of};
use super::{Caller, KEY, Platform, id};
use crate::support::eventually;

const KILLS: usize = 6;
const DEVICES: usize = 4;
/// Requests of each device between two kills.
const REQUESTS: usize = 12;
const PATIENCE: Duration = Duration::from_secs(60);

/// A rule of a device, as the server has it and as the model evaluates it.
struct ModelRule {
    id: String,
    spec: AlertRuleSpec,
}

/// A device with its rules and every reading that was acknowledged.
struct Line {
    watched: SensorFixture,
    rules: Vec<ModelRule>,
    acknowledged: Vec<(Micros, f64)>,
    /// A request that was not answered: it is sent again, and counts once.
    unanswered: Option<Vec<(Micros, f64)>>,
}

fn spec(evaluation: Evaluation, cooldown_s: i64) -> AlertRuleSpec {
    AlertRuleSpec {
        name: String::new(),
        target: RuleTarget::Stream(StreamId(1)),
        evaluation,
        window_s: (evaluation != Evaluation::Value).then_some(5),
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(60.0)),
        severity: Severity::Warning,
        cooldown_s,
        auto_resolve: true,
        ..AlertRuleSpec::blank()
    }
}

impl Line {
    async fn new(admin: &Caller, nth: usize) -> Line {
        let watched = SensorFixture::new(admin, &format!("line {nth}"), "DOUBLE").await;
        let mut rules = Vec::new();
        let specs =
            [(Evaluation::Value, 0), (Evaluation::Value, 4), (Evaluation::Avg, 0), (Evaluation::Max, 0)];
        for (evaluation, cooldown_s) in specs {
            let spec = spec(evaluation, cooldown_s);
            let more = json!({"name": format!("{nth} {} {cooldown_s}", evaluation.name()), "threshold": 60,
                "evaluation": evaluation.name(), "windowSeconds": spec.window_s,
                "cooldownSeconds": cooldown_s, "autoResolve": true});
            rules.push(ModelRule { id: id(&watched.rule(admin, more).await), spec });
        }
        Line { watched, rules, acknowledged: Vec::new(), unanswered: None }
    }

    fn request(&mut self, rng: &mut StdRng) -> Vec<(Micros, f64)> {
        let rows = rng.random_range(1..6);
        (0..rows).map(|_| (self.watched.tick(), f64::from(rng.random_range(0..100_u8)))).collect()
    }

    /// Sends a request; whether it was answered.
    async fn send(&mut self, admin: &Caller, rows: Vec<(Micros, f64)>) -> bool {
        let reading = |(at, value): &(Micros, f64)| json!({"sensorId": self.watched.sensor, "timestamp": at.to_iso(), "value": value});
        let body = Value::Array(rows.iter().map(reading).collect());
        let bearer = format!("Bearer {KEY}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let sent = admin.client.try_send_bytes("POST", "/api/v1/readings", &headers, body.to_string()).await;
        match sent {
            Ok(answer) => {
                answer.expect(202);
                self.acknowledged.extend(rows);
                true
            }
            Err(_) => {
                self.unanswered = Some(rows);
                false
            }
        }
    }

    /// The times of the alerts that a rule has to have, and whether the last one is open.
    fn expected(&self, rule: &ModelRule) -> (Vec<Micros>, bool) {
        let (mut state, mut fired) = (RuleState::default(), Vec::new());
        for (nth, (ts, value)) in self.acknowledged.iter().enumerate() {
            let sample = Sample { ts: *ts, number: Some(*value), text: None };
            let at_once = Arrival::at(*ts, AheadBound::default());
            if let Some(Decision::Fire { at, .. }) = state.observe(&rule.spec, sample, nth as u64, at_once) {
                fired.push(at);
            }
        }
        (fired, state.is_open)
    }
}

async fn found(admin: &Caller, rule: &str) -> (Vec<Micros>, bool) {
    let alerts = alerts_of(admin, rule).await;
    let at = |alert: &Value| alert["triggeredAt"].as_str().and_then(Micros::parse).expect("a time");
    let is_open = alerts.last().is_some_and(|alert| alert["status"] == "ACTIVE");
    (alerts.iter().map(at).collect(), is_open)
}

#[tokio::test]
async fn killed_at_random_moments_alerts_are_those_of_a_model() {
    let mut platform = Platform::start().await;
    let mut admin = platform.admin.clone();
    let mut lines = Vec::new();
    for nth in 0..DEVICES {
        lines.push(Line::new(&admin, nth).await);
    }
    let mut rng = StdRng::seed_from_u64(23);
    for _ in 0..KILLS {
        let last = rng.random_range(1..REQUESTS);
        for request in 0..REQUESTS {
            for line in &mut lines {
                let rows = match line.unanswered.take() {
                    Some(rows) => rows,
                    None => line.request(&mut rng),
                };
                line.send(&admin, rows).await;
            }
            if request == last {
                break;
            }
        }
        // Some are under way when the process ends.
        let rows: Vec<_> = lines.iter_mut().map(|line| line.request(&mut rng)).collect();
        let delay = Duration::from_micros(rng.random_range(0..20_000));
        let sending =
            futures::future::join_all(lines.iter_mut().zip(rows).map(|(line, rows)| line.send(&admin, rows)));
        let server = &mut platform.server;
        let killing = async {
            tokio::time::sleep(delay).await;
            server.kill();
        };
        tokio::join!(sending, killing);
        platform.server.start_again().await;
        admin = Caller::new(&platform.server.client(), KEY);
    }
    for line in &mut lines {
        if let Some(rows) = line.unanswered.take() {
            assert!(line.send(&admin, rows).await);
        }
    }
    for line in &lines {
        for rule in &line.rules {
            let expected = line.expected(rule);
            assert!(!expected.0.is_empty(), "the readings raise something");
            eventually(&format!("{:?}", rule.spec.evaluation), PATIENCE, || async {
                let found = found(&admin, &rule.id).await;
                assert!(found.0.len() <= expected.0.len(), "{found:?} instead of {expected:?}");
                (found == expected).then_some(())
            })
            .await;
        }
    }
}
