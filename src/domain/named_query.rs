//! Named queries: stored SELECT statements with typed parameters. Parsing of query files and of parameter values is
//! in `query/named/`.

use std::str::FromStr;

use serde_json::Value;

use super::named_enum::named_enum;

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

named_enum! {
    /// Type of a parameter.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ParamKind {
        /// A signed integer of 64 bits.
        Bigint = "bigint",
        /// A finite floating-point number of 64 bits.
        Double = "double",
        /// A string.
        Text = "text",
        /// `true` or `false`.
        Boolean = "boolean",
        /// ISO-8601, epoch seconds, `now`, or `now - 1 day`.
        Timestamp = "timestamp",
        /// Such as `15 minutes` or `PT15M`.
        Interval = "interval",
    }
    display;
}

impl FromStr for ParamKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        ParamKind::from_name(text).ok_or(())
    }
}
