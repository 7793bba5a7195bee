//! Browsing an OPC UA server: a node, the tree below it, and the values of its variables. Works level by level in few
//! calls, bounded in depth and number of nodes; the address space is a graph with cycles, so each node is shown once.

use std::collections::{HashMap, HashSet};

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataValue, ExpandedNodeId, NodeClass, NodeId,
    ReadValueId, ReferenceDescription, ReferenceTypeId, Variant, VariantScalarTypeId as Type,
};
use serde_json::Value as Json;
use tokio::time::timeout;

use super::browse_accumulator::{BrowseAccumulator, ChildReference};
use super::client::OpcuaClient;
use super::node::NodePath;
use super::{memory_size, refused, status};
use crate::collect::fault::DeviceFault;
use crate::domain::address_space::{
    BrowseNode, BrowseTree, MAX_BROWSE_DEPTH, MAX_BROWSE_NODES, VariableAttributes,
};

/// The Objects folder of every server, under which it puts its own nodes.
pub const OBJECTS: &str = "i=85";

/// Objects and variables, of which a plant is made.
const NODE_CLASS_MASK: u32 = 1 | 2;
/// Requests every field of a reference description.
const RESULT_MASK_ALL: u32 = 63;

/// Memory limit for the names and values of one answer. A thousand nodes take some hundred kilobytes.
const MAX_BROWSE_BYTES: usize = 16 * 1024 * 1024;
/// Time limit for all steps together, as a multiple of one step's: the poller and others wait for the connection.
const MAX_TIMEOUT_FACTOR: u32 = 10;

/// A node found by browsing, not yet attached to its parent.
struct BrowsedNode {
    id: NodeId,
    parent: usize,
    node: BrowseNode,
}

/// Browses `depth` levels below a node, in bounded time and memory whatever the server answers.
pub async fn browse(
    client: &mut OpcuaClient,
    start: &NodePath,
    depth: usize,
) -> Result<BrowseTree, DeviceFault> {
    let longest = client.timeout() * MAX_TIMEOUT_FACTOR;
    let late = client.no_answer_within(longest);
    timeout(longest, look(client, start, depth)).await.unwrap_or(Err(late))
}

async fn look(client: &mut OpcuaClient, start: &NodePath, depth: usize) -> Result<BrowseTree, DeviceFault> {
    client.refresh_namespaces(&[start]).await;
    let id = client.resolve(start).map_err(|words| DeviceFault::Unsupported { field: "node", words })?;
    let mut found = vec![root(client, &id).await?];
    let mut seen = HashSet::from([id]);
    let (mut level, mut gathering) = (0..1, BrowseAccumulator::new(MAX_BROWSE_BYTES));
    for _ in 0..depth.min(MAX_BROWSE_DEPTH) {
        let ids: Vec<NodeId> = found[level.clone()].iter().map(|found| found.id.clone()).collect();
        let first = found.len();
        for (offset, reference) in references(client, &ids, &mut gathering).await? {
            let Some(id) = local(client, &reference.node_id) else { continue };
            if seen.contains(&id) {
                continue;
            }
            if found.len() >= MAX_BROWSE_NODES {
                gathering.is_truncated = true;
                break;
            }
            seen.insert(id.clone());
            found.push(BrowsedNode { node: node(&id, &reference), id, parent: level.start + offset });
        }
        level = first..found.len();
        if level.is_empty() {
            break;
        }
    }
    describe(client, &mut found, &mut gathering).await?;
    Ok(BrowseTree { root: build_tree(found), is_truncated: gathering.is_truncated })
}

async fn root(client: &mut OpcuaClient, id: &NodeId) -> Result<BrowsedNode, DeviceFault> {
    let attributes = [AttributeId::NodeClass, AttributeId::BrowseName, AttributeId::DisplayName];
    let answers = client.read_attributes(&attributes.map(|of| ReadValueId::new(id.clone(), of))).await?;
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
    let node = BrowseNode {
        id: NodePath::from(id).to_string(),
        browse_name,
        display_name,
        class: class_name(class),
        variable: None,
        children: Vec::new(),
    };
    Ok(BrowsedNode { id: id.clone(), parent: 0, node })
}

/// Returns the children of the nodes, each with its parent's index in the list. Stops, and reports it, once there are
/// more than can be shown.
async fn references(
    client: &mut OpcuaClient,
    nodes: &[NodeId],
    gathering: &mut BrowseAccumulator,
) -> Result<Vec<ChildReference>, DeviceFault> {
    for (part, ids) in nodes.chunks(client.limits.browse).enumerate() {
        if gathering.is_full() {
            gathering.is_truncated = true;
            break;
        }
        let first = part * client.limits.browse;
        let wanted: Vec<BrowseDescription> = ids.iter().map(downwards).collect();
        let library = client.session.library.clone();
        let results = client.session.request(library.browse(&wanted, MAX_BROWSE_NODES as u32, None)).await?;
        gathering.add_browse(first, ids.len(), results).map_err(|words| client.malformed(words))?;
        while let Some(next) = gathering.next_request() {
            // Sent also when there is enough: the server may then free the rest.
            let results = client.session.request(library.browse_next(next.is_release, &next.points)).await?;
            gathering.add_browse_next(results).map_err(|words| client.malformed(words))?;
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
        node_class_mask: NODE_CLASS_MASK,
        result_mask: RESULT_MASK_ALL,
    }
}

/// The node on this same server; `None` for a node of another server.
fn local(client: &OpcuaClient, id: &ExpandedNodeId) -> Option<NodeId> {
    if id.server_index != 0 {
        return None;
    }
    match id.namespace_uri.as_ref() {
        "" => Some(id.node_id.clone()),
        uri => client.namespace(uri).map(|namespace| NodeId { namespace, ..id.node_id.clone() }),
    }
}

fn node(id: &NodeId, reference: &ReferenceDescription) -> BrowseNode {
    BrowseNode {
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

/// Attributes that are read of every variable.
const VARIABLE_ATTRIBUTES: [AttributeId; 3] =
    [AttributeId::DataType, AttributeId::Value, AttributeId::UserAccessLevel];

/// Reads the attributes of all variables and the names of their data types. Values beyond the memory limit are left
/// out.
async fn describe(
    client: &mut OpcuaClient,
    found: &mut [BrowsedNode],
    gathering: &mut BrowseAccumulator,
) -> Result<(), DeviceFault> {
    let variables: Vec<usize> = (0..found.len()).filter(|at| found[*at].node.class == "Variable").collect();
    let mut names = HashMap::new();
    for part in variables.chunks((client.limits.read / VARIABLE_ATTRIBUTES.len()).max(1)) {
        let answers = match gathering.bytes_left {
            0 => Vec::new(),
            _ => {
                let items: Vec<ReadValueId> = part
                    .iter()
                    .flat_map(|at| VARIABLE_ATTRIBUTES.map(|of| ReadValueId::new(found[*at].id.clone(), of)))
                    .collect();
                client.read_attributes(&items).await?
            }
        };
        gathering.is_truncated |= answers.is_empty();
        let weight = answers.iter().map(memory_size::value_bytes).sum();
        gathering.bytes_left = gathering.bytes_left.saturating_sub(weight);
        name_types(client, &answers, &mut names).await?;
        let mut answers = answers.chunks_exact(VARIABLE_ATTRIBUTES.len());
        for at in part {
            found[*at].node.variable = Some(variable(answers.next().unwrap_or_default(), &names));
        }
    }
    Ok(())
}

/// A variable from the values of `VARIABLE_ATTRIBUTES`.
fn variable(answers: &[DataValue], names: &HashMap<NodeId, String>) -> VariableAttributes {
    let [data_type, value, level] = answers else {
        return VariableAttributes { data_type: String::new(), value: Json::Null, access: "" };
    };
    VariableAttributes {
        data_type: type_of(data_type).and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
        value: status::sample(value).map_or(Json::Null, |sample| sample.value.to_json()),
        access: access(level),
    }
}

fn type_of(answer: &DataValue) -> Option<NodeId> {
    match &answer.value {
        Some(Variant::NodeId(id)) => Some((**id).clone()),
        _ => None,
    }
}

/// Names of data types: built-in types by their own names, others by the server's display names.
async fn name_types(
    client: &mut OpcuaClient,
    answers: &[DataValue],
    names: &mut HashMap<NodeId, String>,
) -> Result<(), DeviceFault> {
    let mut unknown = Vec::new();
    let types: HashSet<NodeId> =
        answers.iter().step_by(VARIABLE_ATTRIBUTES.len()).filter_map(type_of).collect();
    for id in types.into_iter().filter(|id| !names.contains_key(id)).collect::<Vec<_>>() {
        let built_in =
            id.as_u32().filter(|_| id.namespace == 0).and_then(|number| Type::try_from(number).ok());
        match built_in {
            Some(built_in) => drop(names.insert(id, built_in.to_string())),
            None => unknown.push(id),
        }
    }
    let items: Vec<_> =
        unknown.iter().map(|id| ReadValueId::new(id.clone(), AttributeId::BrowseName)).collect();
    let answers = client.read_attributes(&items).await?;
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

/// Attaches every node to its parent, in the server's order. A parent always precedes its children.
fn build_tree(mut found: Vec<BrowsedNode>) -> BrowseNode {
    while found.len() > 1 {
        let Some(last) = found.pop() else { break };
        found[last.parent].node.children.insert(0, last.node);
    }
    found.remove(0).node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, parent: usize) -> BrowsedNode {
        let id = NodeId::new(1, name);
        let reference = ReferenceDescription { display_name: name.into(), ..ReferenceDescription::default() };
        BrowsedNode { node: node(&id, &reference), id, parent }
    }

    fn shape(node: &BrowseNode) -> String {
        let children: Vec<_> = node.children.iter().map(shape).collect();
        format!("{}({})", node.display_name, children.join(" "))
    }

    #[test]
    fn nodes_are_hung_under_their_parents_in_order() {
        let list = [("a", 0), ("b", 0), ("c", 0), ("d", 1), ("e", 2), ("f", 1), ("g", 4)];
        let tree = build_tree(list.map(|(name, parent)| found(name, parent)).into());
        assert_eq!(shape(&tree), "a(b(d() f()) c(e(g())))");
        assert_eq!(shape(&build_tree(vec![found("a", 0)])), "a()");
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
