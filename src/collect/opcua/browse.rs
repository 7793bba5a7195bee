//! What a server has: a node, what lies under it, and what its variables hold. Level by level, in few calls, bounded in
//! depth and number; the address space is a graph with circles, so each node is shown once.

use std::collections::{HashMap, HashSet};

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataValue, ExpandedNodeId, NodeClass, NodeId,
    ReadValueId, ReferenceDescription, ReferenceTypeId, Variant, VariantScalarTypeId as Type,
};
use serde_json::Value as Json;
use tokio::time::timeout;

use super::client::Client;
use super::gather::{Gathering, Under};
use super::node::NodePath;
use super::{refused, status, weight};
use crate::collect::fault::Fault;
use crate::domain::address_space::{DEPTH, NODES, Node, Tree, Variable};

/// Objects and variables: what a plant is made of.
const CLASSES: u32 = 1 | 2;
/// All that a reference says of its node.
const EVERYTHING: u32 = 63;

/// Memory of the names and values of one answer. A thousand nodes take some hundred kilobytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// All steps together may take this many times what one step may: the poller and others wait for the connection.
const MAX_TIMEOUTS: u32 = 10;

/// A node as found, not yet hung under its parent.
struct Found {
    id: NodeId,
    parent: usize,
    node: Node,
}

/// Looks `depth` levels below a node. It takes a bounded time and memory, whatever the server answers.
pub async fn browse(client: &mut Client, start: &NodePath, depth: usize) -> Result<Tree, Fault> {
    let longest = client.timeout() * MAX_TIMEOUTS;
    let late = client.no_answer_within(longest);
    timeout(longest, look(client, start, depth)).await.unwrap_or(Err(late))
}

async fn look(client: &mut Client, start: &NodePath, depth: usize) -> Result<Tree, Fault> {
    let id = client.resolve(start).map_err(|words| Fault::Unfit { field: "node", words })?;
    let mut found = vec![root(client, &id).await?];
    let mut seen = HashSet::from([id]);
    let (mut level, mut gathering) = (0..1, Gathering::new(MAX_BYTES));
    for _ in 0..depth.min(DEPTH) {
        let ids: Vec<NodeId> = found[level.clone()].iter().map(|found| found.id.clone()).collect();
        let first = found.len();
        for (offset, reference) in references(client, &ids, &mut gathering).await? {
            let Some(id) = local(client, &reference.node_id) else { continue };
            if seen.contains(&id) {
                continue;
            }
            if found.len() >= NODES {
                gathering.is_truncated = true;
                break;
            }
            seen.insert(id.clone());
            found.push(Found { node: node(&id, &reference), id, parent: level.start + offset });
        }
        level = first..found.len();
        if level.is_empty() {
            break;
        }
    }
    describe(client, &mut found, &mut gathering).await?;
    Ok(Tree { root: hang(found), is_truncated: gathering.is_truncated })
}

async fn root(client: &mut Client, id: &NodeId) -> Result<Found, Fault> {
    let asked = [AttributeId::NodeClass, AttributeId::BrowseName, AttributeId::DisplayName];
    let answers = client.attributes(&asked.map(|of| ReadValueId::new(id.clone(), of))).await?;
    let [class, browse_name, display_name] = answers.as_slice() else {
        return Err(client.malformed("the answer has not one value for each attribute"));
    };
    if let Some(status) = class.status.filter(|status| status.is_bad()) {
        return Err(refused(status));
    }
    let class = match class.value {
        Some(Variant::Int32(class)) => NodeClass::try_from(class).unwrap_or(NodeClass::Unspecified),
        _ => NodeClass::Unspecified,
    };
    let browse_name = match &browse_name.value {
        Some(Variant::QualifiedName(name)) => format!("{}:{}", name.namespace_index, name.name),
        _ => String::new(),
    };
    let display_name = match &display_name.value {
        Some(Variant::LocalizedText(text)) => text.to_string(),
        _ => String::new(),
    };
    let node = Node {
        id: NodePath::from(id).to_string(),
        browse_name,
        display_name,
        class: class_name(class),
        variable: None,
        children: Vec::new(),
    };
    Ok(Found { id: id.clone(), parent: 0, node })
}

/// What lies under each of the nodes, with its place in their list. Stops, and says so, once there are more than can be
/// shown.
async fn references(
    client: &mut Client,
    nodes: &[NodeId],
    gathering: &mut Gathering,
) -> Result<Vec<Under>, Fault> {
    for (part, ids) in nodes.chunks(client.limits.browse).enumerate() {
        if gathering.is_full() {
            gathering.is_truncated = true;
            break;
        }
        let first = part * client.limits.browse;
        let wanted: Vec<BrowseDescription> = ids.iter().map(downwards).collect();
        let library = client.session.library.clone();
        let results = client.session.ask(library.browse(&wanted, NODES as u32, None)).await?;
        gathering.browsed(first, ids.len(), results).map_err(|words| client.malformed(words))?;
        while let Some(next) = gathering.ask_next() {
            // Also when there is enough: the server may forget the rest.
            let results = client.session.ask(library.browse_next(next.is_release, &next.points)).await?;
            gathering.continued(results).map_err(|words| client.malformed(words))?;
        }
    }
    Ok(gathering.end_level())
}

fn downwards(id: &NodeId) -> BrowseDescription {
    BrowseDescription {
        node_id: id.clone(),
        browse_direction: BrowseDirection::Forward,
        reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
        include_subtypes: true,
        node_class_mask: CLASSES,
        result_mask: EVERYTHING,
    }
}

/// The node on this very server; `None` for one elsewhere.
fn local(client: &Client, id: &ExpandedNodeId) -> Option<NodeId> {
    if id.server_index != 0 {
        return None;
    }
    match id.namespace_uri.as_ref() {
        "" => Some(id.node_id.clone()),
        uri => client.namespace(uri).map(|namespace| NodeId { namespace, ..id.node_id.clone() }),
    }
}

fn node(id: &NodeId, reference: &ReferenceDescription) -> Node {
    Node {
        id: NodePath::from(id).to_string(),
        browse_name: format!("{}:{}", reference.browse_name.namespace_index, reference.browse_name.name),
        display_name: reference.display_name.to_string(),
        class: class_name(reference.node_class),
        variable: None,
        children: Vec::new(),
    }
}

fn class_name(class: NodeClass) -> &'static str {
    match class {
        NodeClass::Object => "Object",
        NodeClass::Variable => "Variable",
        NodeClass::Method => "Method",
        NodeClass::ObjectType => "ObjectType",
        NodeClass::VariableType => "VariableType",
        NodeClass::ReferenceType => "ReferenceType",
        NodeClass::DataType => "DataType",
        NodeClass::View => "View",
        NodeClass::Unspecified => "Unspecified",
    }
}

/// What is asked of every variable.
const ASKED: [AttributeId; 3] = [AttributeId::DataType, AttributeId::Value, AttributeId::UserAccessLevel];

/// Asks what all variables hold, and what the data types of theirs are called. Those that there is no room for hold
/// nothing.
async fn describe(client: &mut Client, found: &mut [Found], gathering: &mut Gathering) -> Result<(), Fault> {
    let variables: Vec<usize> = (0..found.len()).filter(|at| found[*at].node.class == "Variable").collect();
    let mut names = HashMap::new();
    for part in variables.chunks((client.limits.read / ASKED.len()).max(1)) {
        let answers = match gathering.bytes_left {
            0 => Vec::new(),
            _ => {
                let asked: Vec<ReadValueId> = part
                    .iter()
                    .flat_map(|at| ASKED.map(|of| ReadValueId::new(found[*at].id.clone(), of)))
                    .collect();
                client.attributes(&asked).await?
            }
        };
        gathering.is_truncated |= answers.is_empty();
        let weight = answers.iter().map(weight::of_value).sum();
        gathering.bytes_left = gathering.bytes_left.saturating_sub(weight);
        name_types(client, &answers, &mut names).await?;
        let mut answers = answers.chunks_exact(ASKED.len());
        for at in part {
            found[*at].node.variable = Some(variable(answers.next().unwrap_or_default(), &names));
        }
    }
    Ok(())
}

/// A variable by the answers to `ASKED`.
fn variable(answers: &[DataValue], names: &HashMap<NodeId, String>) -> Variable {
    let [data_type, value, level] = answers else {
        return Variable { data_type: String::new(), value: Json::Null, access: "" };
    };
    Variable {
        data_type: type_of(data_type).and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
        value: status::sample(value).map_or(Json::Null, |sample| sample.content.to_json()),
        access: access(level),
    }
}

fn type_of(answer: &DataValue) -> Option<NodeId> {
    match &answer.value {
        Some(Variant::NodeId(id)) => Some((**id).clone()),
        _ => None,
    }
}

/// Built-in types by their own names, others by what the server calls them.
async fn name_types(
    client: &mut Client,
    answers: &[DataValue],
    names: &mut HashMap<NodeId, String>,
) -> Result<(), Fault> {
    let mut unknown = Vec::new();
    let types: HashSet<NodeId> = answers.iter().step_by(ASKED.len()).filter_map(type_of).collect();
    for id in types.into_iter().filter(|id| !names.contains_key(id)).collect::<Vec<_>>() {
        let built_in =
            id.as_u32().filter(|_| id.namespace == 0).and_then(|number| Type::try_from(number).ok());
        match built_in {
            Some(built_in) => drop(names.insert(id, built_in.to_string())),
            None => unknown.push(id),
        }
    }
    let asked: Vec<_> =
        unknown.iter().map(|id| ReadValueId::new(id.clone(), AttributeId::BrowseName)).collect();
    let answers = client.attributes(&asked).await?;
    for (id, answer) in unknown.into_iter().zip(answers) {
        let name = match answer.value {
            Some(Variant::QualifiedName(name)) => name.name.to_string(),
            _ => id.to_string(),
        };
        names.insert(id, name);
    }
    Ok(())
}

fn access(answer: &DataValue) -> &'static str {
    match answer.value {
        Some(Variant::Byte(level)) => match level & 3 {
            3 => "rw",
            2 => "w",
            1 => "r",
            _ => "",
        },
        _ => "",
    }
}

/// Every node under its parent, in the order in which the server told them. A parent is always found before its children.
fn hang(mut found: Vec<Found>) -> Node {
    while found.len() > 1 {
        let Some(last) = found.pop() else { break };
        found[last.parent].node.children.insert(0, last.node);
    }
    found.remove(0).node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, parent: usize) -> Found {
        let id = NodeId::new(1, name);
        let reference = ReferenceDescription { display_name: name.into(), ..ReferenceDescription::default() };
        Found { node: node(&id, &reference), id, parent }
    }

    fn shape(node: &Node) -> String {
        let children: Vec<_> = node.children.iter().map(shape).collect();
        format!("{}({})", node.display_name, children.join(" "))
    }

    #[test]
    fn nodes_are_hung_under_their_parents_in_order() {
        let list = [("a", 0), ("b", 0), ("c", 0), ("d", 1), ("e", 2), ("f", 1), ("g", 4)];
        let tree = hang(list.map(|(name, parent)| found(name, parent)).into());
        assert_eq!(shape(&tree), "a(b(d() f()) c(e(g())))");
        assert_eq!(shape(&hang(vec![found("a", 0)])), "a()");
    }

    #[test]
    fn access_is_two_bits() {
        for (level, expected) in [(0u8, ""), (1, "r"), (2, "w"), (3, "rw"), (0xFC, ""), (0xFF, "rw")] {
            let answer = DataValue { value: Some(Variant::Byte(level)), ..DataValue::null() };
            assert_eq!(access(&answer), expected, "{level}");
        }
        assert_eq!(access(&DataValue::null()), "");
    }
}
