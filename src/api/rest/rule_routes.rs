//! Routes, documentation and schemas of alert rules.

use super::document::{with_head, with_version};
use super::precheck::RequiredAccess;
use super::rule;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, nullable, optional, read_only, required};
use crate::domain::Resource;
use crate::domain::alert::Severity;
use crate::domain::alert::rule::{
    COOLDOWNS_S, DEFAULT_COOLDOWN_S, Evaluation, MAX_CHANNELS, Operator, WINDOWS_S,
};
use crate::domain::alert::simulation::MAX_KEPT_ALERTS;
use serde_json::Value;

/// Routes, documentation and schemas of alert rules.
pub fn section() -> Section {
    let right = RequiredAccess::Scope(Resource::EventLog);
    let [list, create, get, replace, update, destroy] = docs();
    Section {
        name: "Alert rules",
        about: "Conditions on the readings of a stream, or on the state of a device, that raise alerts.",
        routes: vec![
            Route::gated("/api/rule", right).get(rule::list, list).post(rule::create, create),
            Route::gated("/api/rule/{uuid}", right)
                .variable("uuid", schema::string())
                .get(rule::retrieve, get)
                .put(rule::update, replace)
                .patch(rule::update, update)
                .delete(rule::destroy, destroy),
        ],
        schemas: vec![
            ("Rule", schema::view(&described())),
            ("NewRule", schema::body(&settable())),
            ("RuleReplacement", schema::body(&with_version(settable()))),
            ("RuleChange", schema::patch(&with_version(settable()))),
            ("RuleDryRun", schema::view(&described_dry_run())),
        ],
    }
}

fn docs() -> [Doc; 6] {
    let one = || schema::reference("Rule");
    let dry_run = "Creates nothing: 200 with the alerts that the rule would have raised from `from` until before `to`, by \
                   default the last 7 days. At most 31 days and 5,000,000 readings; needs value:read as well.";
    [
        Doc::new("rule_list", "List alert rules, the oldest first")
            .query("stream", schema::row_id(), "Only rules on this stream.")
            .query("device", schema::row_id(), "Only rules on the state of this device.")
            .query("enabled", schema::boolean(), "Only rules that are enabled, or that are not.")
            .page()
            .answers(200, "The rules on what the caller sees", schema::list(one())),
        Doc::new("rule_create", "Create an alert rule, or try it on the past")
            .about("It evaluates what is written from then on. With `dry_run=true` it is tried on the past instead.")
            .query("dry_run", schema::boolean(), dry_run)
            .query("from", schema::time_input(), "Start of a dry run, included.")
            .query("to", schema::time_input(), "End of a dry run, excluded.")
            .body(schema::reference("NewRule"))
            .refuses(409)
            .answers(200, "Outcome of the rule over the past", schema::reference("RuleDryRun"))
            .answers(201, "The new rule", one())
            .with_header("Location", schema::string(), "Path of the rule."),
        Doc::new("rule_get", "Get an alert rule").answers(200, "The requested rule", one()),
        Doc::new("rule_replace", "Replace an alert rule; absent fields get their defaults")
            .about("A rule that compares something else afterwards forgets the readings of its window.")
            .body(schema::reference("RuleReplacement"))
            .refuses(409)
            .answers(200, "The replaced rule", one()),
        Doc::new("rule_update", "Change the given fields of an alert rule")
            .body(schema::reference("RuleChange"))
            .refuses(409)
            .answers(200, "The changed rule", one()),
        Doc::new("rule_delete", "Delete an alert rule")
            .about("Its alerts stay, without a rule.")
            .answers_nothing("The rule was deleted"),
    ]
}

fn settable() -> Vec<FieldSchema> {
    let seconds = |range: std::ops::RangeInclusive<i64>| schema::integer(*range.start(), *range.end());
    let stream = "Stream that is watched; required for every evaluation but DEVICE_STATE.";
    let device = "Device whose state is watched; required for DEVICE_STATE.";
    let watched = |about| schema::described(nullable(schema::row_id()), about);
    let window = "Window that ends with each reading; of NO_DATA the silence, of DEVICE_STATE the time in the state. Null for \
                  VALUE alone.";
    let operator = "GT, GTE, LT, LTE, EQ and NEQ compare numbers, IS_TRUE and IS_FALSE booleans, CONTAINS and EQ texts, EQ \
                    and NEQ states; null for NO_DATA.";
    let threshold = nullable(schema::any_of([schema::number(), schema::text(1, 1000)]));
    let operators = nullable(schema::choice_of::<Operator>());
    let channels =
        schema::described(schema::list_of(schema::string(), 0, MAX_CHANNELS), "UUIDs of channels.");
    vec![
        required("name", schema::text(1, 255)),
        optional("stream", watched(stream), Value::Null),
        optional("device", watched(device), Value::Null),
        optional("evaluation", schema::choice_of::<Evaluation>(), "VALUE"),
        optional("window_seconds", schema::described(nullable(seconds(WINDOWS_S)), window), Value::Null),
        optional("operator", schema::described(operators, operator), Value::Null),
        optional("threshold", schema::described(threshold, "Bound of the compared values."), Value::Null),
        required("severity", schema::choice_of::<Severity>()),
        optional("cooldown_seconds", seconds(COOLDOWNS_S), DEFAULT_COOLDOWN_S),
        optional("auto_resolve", schema::boolean(), false),
        optional("enabled", schema::boolean(), true),
        optional("channels", channels, Vec::<Value>::new()),
        optional("description", nullable(schema::text(0, 4000)), Value::Null),
    ]
}

fn described() -> Vec<FieldSchema> {
    let mut shown = with_head(settable());
    let about =
        "Alerts that were not raised because the rule had raised enough in the hour, since it was made.";
    shown.push(read_only("suppressed_alerts", schema::described(schema::count(), about)));
    let about = "Readings that were too old to be evaluated when they arrived, since the start of the server: the clock of \
                 their sender may be behind.";
    shown.push(read_only("old_readings", schema::described(schema::count(), about)));
    shown
}

fn described_dry_run() -> Vec<FieldSchema> {
    let alert: ValueSchema = schema::view(&[
        read_only("at", schema::time()),
        read_only("value", schema::anything()),
        read_only("message", schema::string()),
        read_only("resolved_at", nullable(schema::time())),
    ])
    .into();
    let suppressed =
        "Alerts that would not have been raised, because the rule had raised enough in the hour.";
    vec![
        read_only("alerts", schema::list_of(alert, 0, MAX_KEPT_ALERTS)),
        read_only("raised", schema::described(schema::count(), "Number of all alerts.")),
        read_only("suppressed", schema::described(schema::count(), suppressed)),
        read_only("readings", schema::described(schema::count(), "Number of readings that were evaluated.")),
    ]
}
