//! Tests of the rules of alert rules.

use super::*;

fn rule() -> AlertRuleSpec {
    AlertRuleSpec {
        name: "hot".to_owned(),
        target: RuleTarget::Stream(StreamId(1)),
        evaluation: Evaluation::Value,
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(80.0)),
        severity: Severity::Warning,
        cooldown_s: DEFAULT_COOLDOWN_S,
        ..AlertRuleSpec::blank()
    }
}

fn fields(spec: &AlertRuleSpec, value_type: Option<ValueType>) -> Vec<String> {
    spec.problems(value_type).into_iter().map(|problem| problem.field.to_string()).collect()
}

#[test]
fn an_operator_is_accepted_where_its_values_are() {
    use Operator::{Contains, Eq, Gt, Gte, IsFalse, IsTrue, Lt, Lte, Neq};
    let numeric = vec![Gt, Gte, Lt, Lte, Eq, Neq];
    let rows = [
        (Evaluation::Value, ValueType::Double, numeric.clone()),
        (Evaluation::Value, ValueType::Bigint, numeric.clone()),
        (Evaluation::Value, ValueType::Boolean, vec![IsTrue, IsFalse]),
        (Evaluation::Value, ValueType::Text, vec![Contains, Eq]),
        (Evaluation::Avg, ValueType::Double, numeric.clone()),
        (Evaluation::Max, ValueType::Boolean, numeric.clone()),
        (Evaluation::Min, ValueType::Text, Vec::new()),
        (Evaluation::Count, ValueType::Text, numeric),
        (Evaluation::NoData, ValueType::Text, Operator::ALL.to_vec()),
    ];
    for (evaluation, value_type, expected) in rows {
        let accepted = |operator: &Operator| {
            let is_text = value_type == ValueType::Text && evaluation == Evaluation::Value;
            let threshold = if is_text { Threshold::Text("x".to_owned()) } else { Threshold::Number(1.0) };
            let (operator, threshold) = (Some(*operator), Some(threshold));
            let spec = AlertRuleSpec { evaluation, window_s: Some(60), operator, threshold, ..rule() };
            spec.problems(Some(value_type)).is_empty()
        };
        let found: Vec<_> = Operator::ALL.into_iter().filter(accepted).collect();
        let expected: Vec<_> = Operator::ALL.into_iter().filter(|one| expected.contains(one)).collect();
        assert_eq!(found, expected, "{} of {}", evaluation.name(), value_type.name());
    }
}

#[test]
fn every_problem_is_told_together() {
    let wrong = AlertRuleSpec {
        name: " ".to_owned(),
        evaluation: Evaluation::Avg,
        window_s: None,
        operator: None,
        cooldown_s: -1,
        description: Some("x".repeat(4001)),
        ..rule()
    };
    let mut found = fields(&wrong, Some(ValueType::Double));
    found.sort();
    assert_eq!(found, ["cooldown_seconds", "description", "name", "operator", "window_seconds"]);
    let rows = [
        (AlertRuleSpec { threshold: None, ..rule() }, "threshold"),
        (AlertRuleSpec { threshold: Some(Threshold::Text("1".to_owned())), ..rule() }, "threshold"),
        (AlertRuleSpec { evaluation: Evaluation::Max, window_s: Some(86_401), ..rule() }, "window_seconds"),
        (AlertRuleSpec { channels: (0..51).map(|_| Uuid::new_v4()).collect(), ..rule() }, "channels"),
    ];
    for (spec, expected) in rows {
        assert_eq!(fields(&spec, Some(ValueType::Double)), [expected]);
    }
    assert_eq!(fields(&rule(), None), Vec::<String>::new(), "of an unknown stream only the rest is checked");
}

#[test]
fn a_rule_on_a_device_names_a_state() {
    let of = |operator, threshold: Option<Threshold>| AlertRuleSpec {
        target: RuleTarget::Device(DeviceId(3)),
        evaluation: Evaluation::DeviceState,
        window_s: Some(60),
        operator,
        threshold,
        ..rule()
    };
    let state = |name: &str| Some(Threshold::Text(name.to_owned()));
    for name in ["disabled", "connecting", "online", "degraded", "offline"] {
        for operator in [Operator::Eq, Operator::Neq] {
            assert_eq!(fields(&of(Some(operator), state(name)), None), Vec::<String>::new(), "{name}");
        }
    }
    let rows = [
        (of(None, state("offline")), vec!["operator"]),
        (of(Some(Operator::Gt), state("offline")), vec!["operator"]),
        (of(Some(Operator::Contains), None), vec!["operator", "threshold"]),
        (of(Some(Operator::Eq), state("OFFLINE")), vec!["threshold"]),
        (of(Some(Operator::Eq), Some(Threshold::Number(1.0))), vec!["threshold"]),
        (
            AlertRuleSpec { window_s: None, ..of(Some(Operator::Eq), state("offline")) },
            vec!["window_seconds"],
        ),
    ];
    for (spec, expected) in rows {
        assert_eq!(fields(&spec, None), expected);
    }
    let stored = of(Some(Operator::Eq), state("offline"));
    let text = serde_json::to_string(&stored).unwrap();
    assert!(text.contains("\"device\":3"), "{text}");
    assert_eq!(serde_json::from_str::<AlertRuleSpec>(&text).unwrap(), stored);
    assert!(
        !stored.evaluates_as(&AlertRuleSpec { target: RuleTarget::Device(DeviceId(4)), ..stored.clone() })
    );
}

#[test]
fn a_rule_that_was_stored_with_its_stream_is_read() {
    let text = serde_json::to_string(&rule()).unwrap();
    assert!(text.contains("\"stream\":1"), "as before there were rules on devices: {text}");
}

#[test]
fn what_has_no_meaning_is_not_stored() {
    let mut spec = AlertRuleSpec { window_s: Some(5), ..rule() };
    spec.normalize();
    assert_eq!(spec.window_s, None);
    let mut spec = AlertRuleSpec { evaluation: Evaluation::NoData, window_s: Some(5), ..rule() };
    spec.normalize();
    assert_eq!((spec.operator, spec.threshold, spec.window_s), (None, None, Some(5)));
    let one = Uuid::new_v4();
    let mut spec = AlertRuleSpec { channels: vec![one, one], ..rule() };
    spec.normalize();
    assert_eq!(spec.channels, [one]);
}

#[test]
fn a_rule_is_read_as_it_was_stored() {
    for threshold in [Threshold::Number(0.1), Threshold::Text("12".to_owned())] {
        let spec = AlertRuleSpec { threshold: Some(threshold), ..rule() };
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<AlertRuleSpec>(&text).unwrap(), spec, "{text}");
    }
}

#[test]
fn messages_say_what_was_compared() {
    let of = |evaluation, operator, threshold, value: Value| {
        let spec = AlertRuleSpec { evaluation, operator, threshold, window_s: Some(60), ..rule() };
        spec.message(&value)
    };
    let (number, part) = (Some(Threshold::Number(80.0)), Some(Threshold::Text("E".to_owned())));
    let rows = [
        (of(Evaluation::Value, Some(Operator::Gt), number.clone(), 85.5.into()), "hot: value 85.5 (GT 80)"),
        (of(Evaluation::Avg, Some(Operator::Lt), number, 85.5.into()), "hot: mean of 60 s 85.5 (LT 80)"),
        (of(Evaluation::Value, Some(Operator::IsTrue), None, true.into()), "hot: value true (IS_TRUE)"),
        (of(Evaluation::NoData, None, None, Value::Null), "hot: no data for 60 s"),
        (
            of(Evaluation::Value, Some(Operator::Contains), part, "E1\0".into()),
            "hot: value \"E1\u{fffd}\" (CONTAINS \"E\")",
        ),
    ];
    for (found, expected) in rows {
        assert_eq!(found, expected);
    }
}

#[test]
fn an_evaluation_watches_the_device_or_the_stream_and_an_absent_one_is_unknown() {
    let (stream, device) = (Some(StreamId(1)), Some(DeviceId(2)));
    let rows = [
        (Evaluation::Value, stream, device, RuleTarget::Stream(StreamId(1))),
        (Evaluation::DeviceState, stream, device, RuleTarget::Device(DeviceId(2))),
        (Evaluation::NoData, None, device, RuleTarget::UNKNOWN_STREAM),
        (Evaluation::DeviceState, stream, None, RuleTarget::UNKNOWN_DEVICE),
    ];
    for (evaluation, stream, device, expected) in rows {
        let target = evaluation.target(stream, device);
        assert_eq!(target, expected, "{}", evaluation.name());
        let is_unknown = [RuleTarget::UNKNOWN_STREAM, RuleTarget::UNKNOWN_DEVICE].contains(&expected);
        assert_eq!(target.is_known(), !is_unknown, "{}", evaluation.name());
    }
    assert!(!AlertRuleSpec::blank().target.is_known(), "a blank rule watches nothing");
}
