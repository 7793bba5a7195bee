//! Browse results of an OPC UA address space (OPC UA part 3), as shown to users.

use serde_json::Value;

/// Maximum number of nodes in one result.
pub const MAX_BROWSE_NODES: usize = 1000;
/// Maximum depth of one result.
pub const MAX_BROWSE_DEPTH: usize = 5;

/// A node with the children that were found.
#[derive(Debug, Clone, PartialEq)]
pub struct BrowseNode {
    /// Node id in its text form, such as `ns=2;s=Line1.Temp`.
    pub id: String,
    /// Namespace index, a colon, the name.
    pub browse_name: String,
    /// Name for people, as the server localises it; may be empty.
    pub display_name: String,
    /// Node class of OPC UA part 3, such as `Object`, `Variable` or `Method`.
    pub class: &'static str,
    /// Set for variables only.
    pub variable: Option<VariableAttributes>,
    /// Nodes that hierarchical references lead to; empty below the requested depth.
    pub children: Vec<BrowseNode>,
}

/// Attributes of a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableAttributes {
    /// Browse name of the data type, such as `Double`; empty when it cannot be read.
    pub data_type: String,
    /// Null when it cannot be read now.
    pub value: Value,
    /// `rw`, `r`, `w`, or empty.
    pub access: &'static str,
}

/// Result of a browse.
#[derive(Debug, Clone, PartialEq)]
pub struct BrowseTree {
    /// The node from which the browse began.
    pub root: BrowseNode,
    /// Whether a limit cut the result short.
    pub is_truncated: bool,
}
