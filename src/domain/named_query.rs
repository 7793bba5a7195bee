//! Named queries: stored SELECT statements with typed parameters. Parsing of query files and of parameter values is
//! in `query/named/`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A stored statement that clients run by name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// Text for people from the file's header; may be empty.
    pub description: String,
    /// In declaration order.
    pub params: Vec<Param>,
    /// The whole file including its header, for display.
    pub text: String,
    /// The SQL that runs: parameters are cast to their declared types.
    pub statement: String,
}

/// A parameter: `$name` in the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Name without the dollar sign.
    pub name: String,
    /// Type that values are converted to.
    pub kind: ParamKind,
    /// Default value; a parameter without one is required. A parameter whose default is null also accepts null.
    pub default: Option<Value>,
}

impl Param {
    /// Whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

/// Type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// A signed integer of 64 bits.
    Bigint,
    /// A finite floating-point number of 64 bits.
    Double,
    /// A string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// ISO-8601, epoch seconds, `now`, or `now - 1 day`.
    Timestamp,
    /// Such as `15 minutes` or `PT15M`.
    Interval,
}

impl ParamKind {
    /// Every kind.
    pub const ALL: [ParamKind; 6] = [
        ParamKind::Bigint,
        ParamKind::Double,
        ParamKind::Text,
        ParamKind::Boolean,
        ParamKind::Timestamp,
        ParamKind::Interval,
    ];

    /// Name used in query files.
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
