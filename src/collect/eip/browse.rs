//! Browsing a controller: its tags and programs, the tags of a program, and the values of those that have one. Bounded in
//! nodes and time. Members of structures and elements of arrays are not listed.

use serde_json::Value as Json;
use tokio::time::timeout;

use super::batch::{self, ReadSize};
use super::client::EipClient;
use super::data_type::TagType;
use super::status::{self, refused};
use super::symbol::{self, Symbol};
use super::tag::{InvalidTagPath, TagPath};
use super::value::TagData;
use crate::collect::fault::DeviceFault;
use crate::domain::address_space::{BrowseNode, BrowseTree, MAX_BROWSE_NODES, VariableAttributes};

/// The controller, as the node to begin with.
pub const CONTROLLER: &str = "/";
/// Time limit for all steps together, as a multiple of one step's: the poller and others wait for the connection.
const MAX_TIMEOUT_FACTOR: u32 = 10;
/// BOOLs of an array that lie in one DWORD.
const BOOLS_PER_DWORD: u32 = 32;

/// Browses `depth` levels below the controller, a program or a tag.
pub async fn browse(client: &mut EipClient, node: &str, depth: usize) -> Result<BrowseTree, DeviceFault> {
    let longest = client.time_for(MAX_TIMEOUT_FACTOR);
    let late = client.no_answer_within(longest);
    timeout(longest, look(client, node, depth)).await.unwrap_or(Err(late))
}

async fn look(client: &mut EipClient, node: &str, depth: usize) -> Result<BrowseTree, DeviceFault> {
    let mut tree = BrowseTree { root: object(node), is_truncated: false };
    if !is_list(node) {
        let path: Result<TagPath, InvalidTagPath> = node.parse();
        let path = path.map_err(|bad| DeviceFault::Unsupported { field: "node", words: bad.to_string() })?;
        let data = client.read_tag(&path).await?;
        tree.root = tag_node(node, data.data_type, String::new());
        tree.root.variable = Some(described(&path, &data));
        return Ok(tree);
    }
    let mut left = MAX_BROWSE_NODES - 1;
    let program = (node != CONTROLLER).then_some(node);
    let (children, programs) =
        if depth > 0 { list(client, program, &mut left, &mut tree).await? } else { Default::default() };
    tree.root.children = children;
    for name in programs {
        if left == 0 {
            tree.is_truncated = true;
            break;
        }
        left -= 1;
        let mut below = object(&name);
        if depth > 1 {
            below.children = list(client, Some(&name), &mut left, &mut tree).await?.0;
        }
        tree.root.children.push(below);
    }
    Ok(tree)
}

/// Whether the node is the controller or a program, which have tags.
fn is_list(node: &str) -> bool {
    node == CONTROLLER || node.len() > 8 && node[..].starts_with("Program:") && !node.contains(['.', '['])
}

/// The tags of the controller or of a program with their values, at most `left`, and the names of its programs.
async fn list(
    client: &mut EipClient,
    program: Option<&str>,
    left: &mut usize,
    tree: &mut BrowseTree,
) -> Result<(Vec<BrowseNode>, Vec<String>), DeviceFault> {
    let (mut nodes, mut programs, mut scalars) = (Vec::new(), Vec::new(), Vec::new());
    let mut instance = 0;
    loop {
        let reply = client.call(&symbol::list_request(program, instance)).await?;
        if reply.status != 0 && reply.status != status::PARTIAL {
            return Err(refused(&reply));
        }
        let symbols = symbol::parse_list(&reply.data);
        let symbols = symbols.ok_or_else(|| client.malformed("the answer is no list of tags"))?;
        let last = symbols.last().map(|symbol| symbol.instance);
        for symbol in symbols {
            if let Some(name) = symbol.program().filter(|_| program.is_none()) {
                programs.push(name.to_owned());
            } else if symbol.is_tag() && *left > 0 {
                *left -= 1;
                if symbol.dimensions.is_empty() && symbol.data_type.kind().is_some() {
                    scalars.push(nodes.len());
                }
                let path = full_name(program, &symbol.name);
                nodes.push(tag_node(&path, symbol.data_type, type_name(&symbol)));
            } else if symbol.is_tag() {
                tree.is_truncated = true;
            }
        }
        if reply.status == 0 || tree.is_truncated {
            break;
        }
        let next = last.filter(|last| *last >= instance).and_then(|last| last.checked_add(1));
        instance = next.ok_or_else(|| client.malformed("the list of tags does not go on"))?;
    }
    read_values(client, &mut nodes, &scalars).await?;
    Ok((nodes, programs))
}

/// Reads the values of these nodes; one that cannot be read stays without a value.
async fn read_values(
    client: &mut EipClient,
    nodes: &mut [BrowseNode],
    which: &[usize],
) -> Result<(), DeviceFault> {
    let paths = which.iter().filter_map(|index| Some((*index, nodes[*index].id.parse::<TagPath>().ok()?)));
    let paths: Vec<(usize, TagPath)> = paths.collect();
    let sizes: Vec<ReadSize> =
        paths.iter().map(|(_, path)| ReadSize::new(path, batch::UNKNOWN_VALUE_BYTES)).collect();
    for range in batch::split(&sizes) {
        let paths = &paths[range];
        let requests: Vec<&TagPath> = paths.iter().map(|(_, path)| path).collect();
        let outcomes = client.read_tags(&requests).await?;
        for ((index, path), outcome) in paths.iter().zip(outcomes) {
            if let Ok(data) = outcome {
                nodes[*index].variable = Some(described(path, &data));
            }
        }
    }
    Ok(())
}

fn object(node: &str) -> BrowseNode {
    let display_name = if node == CONTROLLER { "Controller" } else { node.trim_start_matches("Program:") };
    BrowseNode {
        id: node.to_owned(),
        browse_name: node.to_owned(),
        display_name: display_name.to_owned(),
        class: "Object",
        variable: None,
        children: Vec::new(),
    }
}

/// A tag without a value. A structure is an object: only its members have values.
fn tag_node(path: &str, data_type: TagType, type_name: String) -> BrowseNode {
    let name = path.rsplit_once('.').filter(|_| path.starts_with("Program:")).map_or(path, |(_, name)| name);
    let class = if matches!(data_type, TagType::Structure(_)) { "Object" } else { "Variable" };
    let variable = Some(VariableAttributes { data_type: type_name, value: Json::Null, access: "" });
    BrowseNode { class, display_name: name.to_owned(), variable, ..object(path) }
}

/// Type and value of a tag. Controllers do not say here whether it can be written.
fn described(path: &TagPath, data: &TagData) -> VariableAttributes {
    let value = data.value(path.bit()).map_or(Json::Null, |value| value.to_json());
    VariableAttributes { data_type: data.data_type.name().to_owned(), value, access: "" }
}

fn full_name(program: Option<&str>, name: &str) -> String {
    program.map_or_else(|| name.to_owned(), |program| format!("{program}.{name}"))
}

/// Name of a tag's type with its dimensions, such as `DINT[10]`. An array of BOOL is listed as its DWORDs.
fn type_name(symbol: &Symbol) -> String {
    let (name, factor) = match (symbol.data_type, symbol.dimensions.is_empty()) {
        (TagType::Dword, false) => ("BOOL", BOOLS_PER_DWORD),
        (data_type, _) => (data_type.name(), 1),
    };
    let dimensions: Vec<String> =
        symbol.dimensions.iter().map(|elements| elements.saturating_mul(factor).to_string()).collect();
    if dimensions.is_empty() { name.to_owned() } else { format!("{name}[{}]", dimensions.join(",")) }
}
