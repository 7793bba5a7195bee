//! What an OPC UA server has, as people look at it (OPC UA part 3, address space model).

use serde_json::Value;

/// Nodes shown at most.
pub const NODES: usize = 1000;
/// Levels shown at most.
pub const DEPTH: usize = 5;

/// A node and what was found under it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// As it is written everywhere, such as `ns=2;s=Line1.Temp`.
    pub id: String,
    /// Namespace index, a colon, the name.
    pub browse_name: String,
    pub display_name: String,
    pub class: &'static str,
    /// What a variable has beside.
    pub variable: Option<Variable>,
    pub children: Vec<Node>,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    pub data_type: String,
    /// Null when it cannot be read now.
    pub value: Value,
    /// `rw`, `r`, `w`, or nothing.
    pub access: &'static str,
}

/// What a browse found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    pub root: Node,
    /// Whether there is more than is shown.
    pub is_truncated: bool,
}
