//! Alert rules: which readings of which stream, or which state of which device, raise an alert.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Severity;
use super::target::RuleTarget;
use crate::domain::device::DeviceState;
use crate::domain::document::ValueType;
use crate::domain::document::rules::{MAX_NAME, MAX_TEXT, check_optional, check_required};
use crate::domain::named_enum::named_enum;
use crate::domain::{AlertRuleId, DeviceId, FieldError, Micros, OrgId, StreamId};

/// Windows of rules, seconds.
pub const WINDOWS_S: std::ops::RangeInclusive<i64> = 1..=86_400;
/// Pauses between two alerts of a rule, seconds.
pub const COOLDOWNS_S: std::ops::RangeInclusive<i64> = 0..=604_800;
/// Pause of a rule that names none, seconds.
pub const DEFAULT_COOLDOWN_S: i64 = 300;
/// Most characters of a text that readings are compared with.
pub const MAX_THRESHOLD_CHARS: usize = 1000;
/// Most notification channels of a rule.
pub const MAX_CHANNELS: usize = 50;

named_enum! {
    /// Aspect of the readings that is compared.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Evaluation {
        /// Each value.
        #[default]
        Value = "VALUE",
        /// The mean of the values of the window that ends with the reading.
        Avg = "AVG",
        /// Their minimum.
        Min = "MIN",
        /// Their maximum.
        Max = "MAX",
        /// Their number.
        Count = "COUNT",
        /// Nothing: the rule watches for a stream without readings for the length of the window.
        NoData = "NO_DATA",
        /// The state of a device: the rule watches for one that lasts for the length of the window.
        DeviceState = "DEVICE_STATE",
    }
    field "evaluation";
}

impl Evaluation {
    /// Whether the rule has a window.
    pub fn needs_window(self) -> bool {
        self != Evaluation::Value
    }

    /// Target of a rule: the device for [`Evaluation::DeviceState`], else the stream. One that is absent is unknown.
    pub fn target(self, stream: Option<StreamId>, device: Option<DeviceId>) -> RuleTarget {
        match self {
            Evaluation::DeviceState => device.map_or(RuleTarget::UNKNOWN_DEVICE, RuleTarget::Device),
            _ => stream.map_or(RuleTarget::UNKNOWN_STREAM, RuleTarget::Stream),
        }
    }

    /// Value that the operator compares for a stream of a type; `None` where the evaluation has no meaning.
    fn operand(self, value_type: ValueType) -> Option<Operand> {
        match (self, value_type) {
            (Evaluation::NoData, _) => Some(Operand::Nothing),
            (Evaluation::DeviceState, _) => None,
            (Evaluation::Count, _) => Some(Operand::Number),
            (Evaluation::Value, ValueType::Double | ValueType::Bigint) => Some(Operand::Number),
            (Evaluation::Value, ValueType::Boolean) => Some(Operand::Boolean),
            (Evaluation::Value, ValueType::Text) => Some(Operand::Text),
            (Evaluation::Avg | Evaluation::Min | Evaluation::Max, ValueType::Text) => None,
            (Evaluation::Avg | Evaluation::Min | Evaluation::Max, _) => Some(Operand::Number),
        }
    }
}

/// Kind of value that an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    Number,
    Boolean,
    Text,
    Nothing,
}

impl Operand {
    fn operators(self) -> &'static [Operator] {
        use Operator::{Contains, Eq, Gt, Gte, IsFalse, IsTrue, Lt, Lte, Neq};
        match self {
            Operand::Number => &[Gt, Gte, Lt, Lte, Eq, Neq],
            Operand::Boolean => &[IsTrue, IsFalse],
            Operand::Text => &[Contains, Eq],
            Operand::Nothing => &[],
        }
    }
}

named_enum! {
    /// How a value is compared with the threshold.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Operator {
        /// Greater than the threshold.
        Gt = "GT",
        /// Greater than the threshold or equal to it.
        Gte = "GTE",
        /// Less than the threshold.
        Lt = "LT",
        /// Less than the threshold or equal to it.
        Lte = "LTE",
        /// Equal to the threshold: of numbers the same 64-bit number, of texts the same characters.
        Eq = "EQ",
        /// Another number than the threshold.
        Neq = "NEQ",
        /// True; without threshold.
        IsTrue = "IS_TRUE",
        /// False; without threshold.
        IsFalse = "IS_FALSE",
        /// A text in which the threshold occurs.
        Contains = "CONTAINS",
    }
    field "operator";
}

impl Operator {
    /// Whether it compares with a threshold.
    pub fn needs_threshold(self) -> bool {
        !matches!(self, Operator::IsTrue | Operator::IsFalse)
    }
}

/// Threshold that values are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Threshold {
    /// A finite number.
    Number(f64),
    /// 1..=1000 characters.
    Text(String),
}

impl Threshold {
    /// As APIs show it.
    pub fn to_json(&self) -> Value {
        match self {
            Threshold::Number(number) => Value::from(*number),
            Threshold::Text(text) => Value::from(text.as_str()),
        }
    }
}

/// Settable fields of an alert rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRuleSpec {
    /// 1..=255 characters, unique in the organization.
    pub name: String,
    /// Target that is watched: a device for [`Evaluation::DeviceState`] alone.
    #[serde(flatten)]
    pub target: RuleTarget,
    /// Aspect of its readings that is compared.
    pub evaluation: Evaluation,
    /// Length of the window, 1..=86400 s; `None` for [`Evaluation::Value`] alone.
    pub window_s: Option<i64>,
    /// Comparison; `None` for [`Evaluation::NoData`] alone.
    pub operator: Option<Operator>,
    /// `None` where the operator needs none.
    pub threshold: Option<Threshold>,
    /// Severity of the alerts.
    pub severity: Severity,
    /// Shortest time from one alert to the next, 0..=604800 s of the time of the alerts. It keeps a value that flaps
    /// around the threshold from raising one alert after another; comparisons have no hysteresis.
    pub cooldown_s: i64,
    /// Whether an open alert is resolved when the condition ends.
    pub auto_resolve: bool,
    /// Whether the rule is evaluated. Nothing else silences it: there is no snooze and no maintenance window.
    pub enabled: bool,
    /// Notification channels that are told of an alert.
    pub channels: Vec<Uuid>,
    /// At most 4000 characters.
    pub description: Option<String>,
}

impl AlertRuleSpec {
    /// A rule with every field at its default, which watches nothing.
    pub fn blank() -> Self {
        AlertRuleSpec {
            name: String::new(),
            target: RuleTarget::UNKNOWN_STREAM,
            evaluation: Evaluation::default(),
            window_s: None,
            operator: None,
            threshold: None,
            severity: Severity::default(),
            cooldown_s: DEFAULT_COOLDOWN_S,
            auto_resolve: false,
            enabled: true,
            channels: Vec::new(),
            description: None,
        }
    }

    /// Checks every rule that needs no other row. `value_type` is that of the stream, where it exists.
    pub fn problems(&self, value_type: Option<ValueType>) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        check_optional(&mut found, "description", self.description.as_deref().unwrap_or_default(), MAX_TEXT);
        if !COOLDOWNS_S.contains(&self.cooldown_s) {
            found.push(FieldError::new("cooldown_seconds", "must be between 0 and 604800"));
        }
        match self.window_s {
            Some(seconds) if !WINDOWS_S.contains(&seconds) => {
                found.push(FieldError::new("window_seconds", "must be between 1 and 86400"));
            }
            None if self.evaluation.needs_window() => {
                found.push(FieldError::new("window_seconds", "must not be null"));
            }
            _ => {}
        }
        if self.channels.len() > MAX_CHANNELS {
            let message = format!("size must be between 0 and {MAX_CHANNELS}");
            found.push(FieldError::new("channels", message));
        }
        found.extend(self.comparison_problems(value_type));
        found
    }

    fn comparison_problems(&self, value_type: Option<ValueType>) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.evaluation == Evaluation::NoData {
            return found;
        }
        if self.evaluation == Evaluation::DeviceState {
            return self.state_problems();
        }
        let Some(operator) = self.operator else {
            found.push(FieldError::new("operator", "must not be null"));
            return found;
        };
        if let Some(value_type) = value_type {
            match self.evaluation.operand(value_type) {
                None => {
                    let message =
                        format!("must be one of VALUE, COUNT, NO_DATA for a {} sensor", value_type.name());
                    found.push(FieldError::new("evaluation", message));
                }
                Some(operand) if !operand.operators().contains(&operator) => {
                    let names: Vec<_> = operand.operators().iter().map(|one| one.name()).collect();
                    let (evaluation, kind) = (self.evaluation.name(), value_type.name());
                    let message =
                        format!("must be one of {} for {evaluation} of a {kind} sensor", names.join(", "));
                    found.push(FieldError::new("operator", message));
                }
                Some(operand) => found.extend(self.threshold_problem(operator, Some(operand))),
            }
            return found;
        }
        found.extend(self.threshold_problem(operator, None));
        found
    }

    /// Problems of a rule on the state of a device: the operator compares its name.
    fn state_problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        match self.operator {
            None => found.push(FieldError::new("operator", "must not be null")),
            Some(Operator::Eq | Operator::Neq) => {}
            Some(_) => found.push(FieldError::new("operator", "must be one of EQ, NEQ for DEVICE_STATE")),
        }
        let names = DeviceState::ALL.map(DeviceState::name);
        let is_state = |text: &String| names.contains(&text.as_str());
        match &self.threshold {
            None => found.push(FieldError::new("threshold", "must not be null")),
            Some(Threshold::Text(text)) if is_state(text) => {}
            Some(_) => {
                let message = format!("must be one of {} for DEVICE_STATE", names.join(", "));
                found.push(FieldError::new("threshold", message));
            }
        }
        found
    }

    fn threshold_problem(&self, operator: Operator, operand: Option<Operand>) -> Option<FieldError> {
        if !operator.needs_threshold() {
            return None;
        }
        let message = match (&self.threshold, operand) {
            (None, _) => "must not be null".to_owned(),
            (Some(Threshold::Text(_)), Some(Operand::Number)) => "must be a number".to_owned(),
            (Some(Threshold::Number(_)), Some(Operand::Text)) => "must be a text".to_owned(),
            (Some(Threshold::Number(number)), _) if !number.is_finite() => {
                "must be a finite number".to_owned()
            }
            (Some(Threshold::Text(text)), _)
                if text.is_empty() || text.chars().count() > MAX_THRESHOLD_CHARS =>
            {
                format!("size must be between 1 and {MAX_THRESHOLD_CHARS}")
            }
            (Some(Threshold::Text(text)), _) if text.contains('\0') => {
                "must not contain null characters".to_owned()
            }
            _ => return None,
        };
        Some(FieldError::new("threshold", message))
    }

    /// Removes what has no meaning for the evaluation and the operator, so that equal rules are stored alike.
    pub fn normalize(&mut self) {
        if !self.evaluation.needs_window() {
            self.window_s = None;
        }
        if self.evaluation == Evaluation::NoData {
            (self.operator, self.threshold) = (None, None);
        }
        if self.operator.is_some_and(|operator| !operator.needs_threshold()) {
            self.threshold = None;
        }
        let mut seen = std::collections::HashSet::new();
        self.channels.retain(|channel| seen.insert(*channel));
    }

    /// Whether the rule is evaluated alike: then what was kept of earlier readings and states stays valid.
    pub fn evaluates_as(&self, other: &AlertRuleSpec) -> bool {
        self.target == other.target
            && self.evaluation == other.evaluation
            && self.window_s == other.window_s
            && self.operator == other.operator
            && self.threshold == other.threshold
            && self.enabled == other.enabled
    }

    /// Text of an alert of the rule for people, at most 4000 characters. `value` is what raised it.
    pub fn message(&self, value: &Value) -> String {
        // PostgreSQL's texts hold no NUL, with which texts of controllers end.
        let visible = |c: char| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c };
        let shown = match value {
            Value::String(text) => format!("\"{}\"", text.chars().take(200).map(visible).collect::<String>()),
            other => other.to_string(),
        };
        let window = self.window_s.unwrap_or_default();
        let subject = match self.evaluation {
            Evaluation::NoData => return format!("{}: no data for {window} s", self.name),
            Evaluation::Value => format!("value {shown}"),
            Evaluation::Avg => format!("mean of {window} s {shown}"),
            Evaluation::Min => format!("minimum of {window} s {shown}"),
            Evaluation::Max => format!("maximum of {window} s {shown}"),
            Evaluation::Count => format!("{shown} readings in {window} s"),
            Evaluation::DeviceState => format!("state {shown} for {window} s"),
        };
        let threshold = match &self.threshold {
            None => String::new(),
            Some(Threshold::Number(number)) => format!(" {number}"),
            Some(Threshold::Text(text)) => format!(" \"{}\"", text.chars().take(200).collect::<String>()),
        };
        format!("{}: {subject} ({}{threshold})", self.name, self.operator.map_or("", Operator::name))
    }
}

/// An alert rule as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRule {
    /// Row id.
    pub id: AlertRuleId,
    /// Organization that owns the rule.
    pub org: OrgId,
    /// Id in APIs.
    pub uuid: Uuid,
    /// Current fields.
    pub spec: AlertRuleSpec,
    /// Number of the first record of the log whose readings the rule evaluates. A change of what is evaluated sets it
    /// anew, so it also tells the states of a rule from those of its former forms.
    pub first_seq: u64,
    /// Counts the changes, from 1.
    pub version: i32,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change.
    pub updated_at: Micros,
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
