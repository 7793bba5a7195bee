//! A reading statement with a name, and the parameters it takes. How one is read from a file, and what its parameters
//! accept, is in query/named/.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A statement that is asked for by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    pub description: String,
    /// In the order in which they were declared.
    pub params: Vec<Param>,
    /// The whole text, header included, for people.
    pub text: String,
    /// What runs: the text in which parameters have their declared types.
    pub statement: String,
}

/// A parameter: `$name` in the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub name: String,
    pub kind: ParamKind,
    /// What holds when nothing is given; without one the parameter is required. A default of null may also be given.
    pub default: Option<Value>,
}

impl Param {
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

/// What a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    Bigint,
    Double,
    Text,
    Boolean,
    /// ISO-8601, epoch seconds, `now`, or `now - 1 day`.
    Timestamp,
    /// Such as `15 minutes` or `PT15M`.
    Interval,
}

impl ParamKind {
    pub const ALL: [ParamKind; 6] = [
        ParamKind::Bigint,
        ParamKind::Double,
        ParamKind::Text,
        ParamKind::Boolean,
        ParamKind::Timestamp,
        ParamKind::Interval,
    ];

    /// As a file declares it.
    pub fn name(self) -> &'static str {
        match self {
            ParamKind::Bigint => "bigint",
            ParamKind::Double => "double",
            ParamKind::Text => "text",
            ParamKind::Boolean => "boolean",
            ParamKind::Timestamp => "timestamp",
            ParamKind::Interval => "interval",
        }
    }
}

impl fmt::Display for ParamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ParamKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        ParamKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}
