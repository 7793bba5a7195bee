//! `basalt browse`, `basalt read opc.tcp://…` and `basalt opcua`: list nodes, read values and manage trusted
//! certificates. They need no Basalt server, and the data directory only for certificates.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Browse, DataDirArgs, OpcuaSubcommand};
use super::timeout::parse_timeout;
use super::{print, target};
use crate::app::collector_ports;
use crate::collect::opcua::one_shot::{self, NodeRead};
use crate::collect::opcua::pki::{Pki, StoredCertificate};
use crate::collect::{AllowedNetworks, AllowedSerialPorts, ConnectContext};
use crate::domain::Result;
use crate::domain::address_space::{BrowseNode, BrowseTree, MAX_BROWSE_NODES};
use crate::domain::time::SystemClock;

/// Returns the connection settings besides the address: the certificates of the installation.
pub fn connect_context(place: &DataDirArgs) -> Result<ConnectContext> {
    Ok(ConnectContext {
        pki: pki(place)?,
        clock: Arc::new(SystemClock),
        networks: AllowedNetworks::default(),
        serial_ports: AllowedSerialPorts::AnyTerminal,
        org: None,
        silence: Arc::default(),
    })
}

/// Lists the nodes of an OPC UA server.
pub async fn browse(args: Browse) -> Result<()> {
    let (timeout, means) = (parse_timeout(args.timeout)?, connect_context(&args.place)?);
    let tree = one_shot::browse(&args.address, usize::from(args.depth), timeout, &means).await?;
    print_tree(&tree, "name a node with ?node=")
}

/// Prints a tree; `advice` says how to see the rest of one that was cut.
pub fn print_tree(tree: &BrowseTree, advice: &str) -> Result<()> {
    print::line(&draw(tree))?;
    if tree.is_truncated {
        eprintln!("only the first {MAX_BROWSE_NODES} nodes are shown: {advice}");
    }
    Ok(())
}

/// Reads the node of an `opc.tcp://` address and prints its value.
pub async fn read(address: &str, timeout: Duration, means: &ConnectContext) -> Result<()> {
    print::line(&describe(&one_shot::read(address, timeout, means).await?))
}

/// Lists, trusts or rejects certificates.
pub fn run(command: &OpcuaSubcommand) -> Result<()> {
    match command {
        OpcuaSubcommand::Certificates { place } => {
            let known = pki(place)?.list()?;
            let rows: Vec<_> = known.into_iter().map(to_row).collect();
            print::table(["STANDING", "THUMBPRINT", "SUBJECT", "FILE"], &rows)
        }
        OpcuaSubcommand::Trust { thumbprint, place } => {
            let known = pki(place)?.trust(thumbprint)?;
            print::line(&format!("trusted: {} {}", known.thumbprint, known.subject))
        }
        OpcuaSubcommand::Reject { thumbprint, place } => {
            let known = pki(place)?.reject(thumbprint)?;
            print::line(&format!("rejected: {} {}", known.thumbprint, known.subject))
        }
    }
}

fn pki(place: &DataDirArgs) -> Result<Pki> {
    Ok(collector_ports::pki(&target::load_config(place)?.data_dir))
}

fn to_row(known: StoredCertificate) -> [String; 4] {
    let file = known.path.file_name().map(Path::new).unwrap_or(&known.path);
    [known.status.name().to_owned(), known.thumbprint, known.subject, file.display().to_string()]
}

fn describe(read: &NodeRead) -> String {
    let bytes: Vec<_> = read.raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let time =
        |time: Option<crate::domain::Micros>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let lines = [
        ("node", read.node.to_string()),
        ("type", read.data_type.clone()),
        ("value", read.value.to_string()),
        ("status", read.status.clone()),
        ("source", time(read.source_time)),
        ("server", time(read.server_time)),
        ("raw", bytes.join(" ")),
    ];
    lines.map(|(name, text)| format!("{name:<9} {text}")).join("\n")
}

/// Formats one node per line, children indented by two columns: id, name, and a variable's type, access and value.
fn draw(tree: &BrowseTree) -> String {
    let mut lines = Vec::new();
    draw_node(&tree.root, 0, &mut lines);
    lines.join("\n")
}

fn draw_node(node: &BrowseNode, level: usize, lines: &mut Vec<String>) {
    let beside = match &node.variable {
        Some(variable) => format!("  {} {} {}", variable.data_type, variable.access, variable.value),
        None => String::new(),
    };
    lines.push(format!("{:indent$}{}  {}{beside}", "", node.id, node.display_name, indent = 2 * level));
    node.children.iter().for_each(|child| draw_node(child, level + 1, lines));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::collect::device_value::DeviceValue;
    use crate::collect::numeric_value::NumericValue;
    use crate::domain::Micros;
    use crate::domain::address_space::VariableAttributes;

    fn node(id: &str, name: &str, children: Vec<BrowseNode>) -> BrowseNode {
        BrowseNode {
            id: id.to_owned(),
            browse_name: format!("2:{name}"),
            display_name: name.to_owned(),
            class: "Object",
            variable: None,
            children,
        }
    }

    #[test]
    fn a_tree_is_drawn_a_node_a_line() {
        let mut temp = node("ns=2;s=Temp", "Temp", Vec::new());
        temp.variable =
            Some(VariableAttributes { data_type: "Double".into(), value: json!(23.5), access: "rw" });
        let root = node(
            "i=85",
            "Objects",
            vec![node("ns=2;i=1", "Kiln", vec![temp]), node("i=2253", "Server", vec![])],
        );
        let expected = "\
i=85  Objects
  ns=2;i=1  Kiln
    ns=2;s=Temp  Temp  Double rw 23.5
  i=2253  Server";
        assert_eq!(draw(&BrowseTree { root, is_truncated: false }), expected);
    }

    #[test]
    fn a_node_is_read_with_all_that_its_server_says() {
        let read = NodeRead {
            node: "ns=2;s=Temp".parse().unwrap(),
            data_type: "Int16".into(),
            value: DeviceValue::Number(NumericValue::Int(-2)),
            status: "Good".into(),
            source_time: Some(Micros(1_777_377_600_000_000)),
            server_time: None,
            raw: vec![4, 0xFE, 0xFF],
        };
        let expected = "\
node      ns=2;s=Temp
type      Int16
value     -2
status    Good
source    2026-04-28T12:00:00Z
server    -
raw       04 fe ff";
        assert_eq!(describe(&read), expected);
    }
}
