//! Evaluation of one reading by a rule: what its operator compares, and whether the condition holds. Pure.

use serde_json::Value;

use super::rule::{AlertRuleSpec, Evaluation, Operator, Threshold};
use super::sample::Sample;
use super::waiting::WaitingContent;

/// Most characters of a text that an alert shows.
const MAX_SHOWN_CHARS: usize = 1000;

/// Content of a reading for a rule.
pub(super) enum Content<'a> {
    /// It is compared itself.
    Value(ComparedValue<'a>),
    /// It enters the window.
    OfWindow(f64),
}

/// `None` when the reading has no such value as the rule compares.
pub(super) fn of_reading<'a>(rule: &AlertRuleSpec, sample: Sample<'a>) -> Option<Content<'a>> {
    let number = || sample.number.or_else(|| sample.text?.parse().ok()).filter(|n: &f64| n.is_finite());
    let compared = |value| ComparedValue::Number { value, digits: sample.text };
    match rule.evaluation {
        Evaluation::NoData | Evaluation::DeviceState => None,
        Evaluation::Value => Some(Content::Value(match (rule.operator?, &rule.threshold) {
            (Operator::IsTrue | Operator::IsFalse, _) => ComparedValue::Boolean(number()? != 0.0),
            (_, Some(Threshold::Text(_))) => ComparedValue::Text(sample.text?),
            _ => compared(number()?),
        })),
        Evaluation::Count => Some(Content::OfWindow(0.0)),
        Evaluation::Avg | Evaluation::Min | Evaluation::Max => number().map(Content::OfWindow),
    }
}

pub(super) fn waiting_content(rule: &AlertRuleSpec, sample: Sample<'_>) -> Option<WaitingContent> {
    Some(match of_reading(rule, sample)? {
        Content::OfWindow(number) => WaitingContent::Number(number),
        Content::Value(compared) => {
            WaitingContent::Verdict(holds(rule, &compared).then(|| compared.to_json()))
        }
    })
}

/// Value that an operator compares with the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ComparedValue<'a> {
    Number {
        value: f64,
        /// The digits of a whole number that `value` may not hold exactly.
        digits: Option<&'a str>,
    },
    Boolean(bool),
    Text(&'a str),
}

impl ComparedValue<'_> {
    pub(super) fn to_json(self) -> Value {
        match self {
            ComparedValue::Number { value, digits } => {
                let exact = digits.and_then(|digits| serde_json::from_str(digits).ok());
                exact.map_or_else(|| Value::from(value), Value::Number)
            }
            ComparedValue::Boolean(is_true) => Value::from(is_true),
            ComparedValue::Text(text) => Value::from(text.chars().take(MAX_SHOWN_CHARS).collect::<String>()),
        }
    }
}

/// Whether the condition of the rule holds. Numbers are compared as they are, without a tolerance.
pub(super) fn holds(rule: &AlertRuleSpec, compared: &ComparedValue<'_>) -> bool {
    let Some(operator) = rule.operator else { return false };
    match (compared, operator, &rule.threshold) {
        (ComparedValue::Boolean(is_true), Operator::IsTrue, _) => *is_true,
        (ComparedValue::Boolean(is_true), Operator::IsFalse, _) => !*is_true,
        (ComparedValue::Text(text), Operator::Contains, Some(Threshold::Text(part))) => {
            text.contains(part.as_str())
        }
        (ComparedValue::Text(text), Operator::Eq, Some(Threshold::Text(whole))) => text == whole,
        (ComparedValue::Number { value: number, .. }, _, Some(Threshold::Number(limit))) => match operator {
            Operator::Gt => number > limit,
            Operator::Gte => number >= limit,
            Operator::Lt => number < limit,
            Operator::Lte => number <= limit,
            Operator::Eq => number == limit,
            Operator::Neq => number != limit,
            Operator::IsTrue | Operator::IsFalse | Operator::Contains => false,
        },
        _ => false,
    }
}
