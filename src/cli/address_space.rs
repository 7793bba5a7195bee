//! `basalt browse`, `basalt read opc.tcp://…` and `basalt opcua`: what an OPC UA server has and holds, and which servers
//! are trusted. Needs no server of ours; the data directory only for certificates.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Browse, Opcua, Place};
use super::patience::patience;
use super::{door, print};
use crate::app::plant;
use crate::collect::opcua::direct::{self, NodeRead};
use crate::collect::opcua::pki::{Known, Pki};
use crate::collect::{Means, Networks};
use crate::domain::Result;
use crate::domain::address_space::{NODES, Node, Tree};
use crate::domain::time::SystemClock;

/// What connections take besides their address: the certificates of the installation.
pub fn means(place: &Place) -> Result<Means> {
    Ok(Means { pki: pki(place)?, clock: Arc::new(SystemClock), networks: Networks::default() })
}

pub async fn browse(args: Browse) -> Result<()> {
    let (timeout, means) = (patience(args.timeout)?, means(&args.place)?);
    let tree = direct::browse(&args.address, usize::from(args.depth), timeout, &means).await?;
    print::line(&draw(&tree))?;
    if tree.is_truncated {
        eprintln!("only the first {NODES} nodes are shown: name a node with ?node=");
    }
    Ok(())
}

/// `read` of an `opc.tcp://` address.
pub async fn read(address: &str, timeout: Duration, means: &Means) -> Result<()> {
    print::line(&describe(&direct::read(address, timeout, means).await?))
}

/// Certificates: what there is, and what is trusted.
pub fn run(command: &Opcua) -> Result<()> {
    match command {
        Opcua::Certificates { place } => {
            let known = pki(place)?.list()?;
            let rows: Vec<_> = known.into_iter().map(cells).collect();
            print::table(["STANDING", "THUMBPRINT", "SUBJECT", "FILE"], &rows)
        }
        Opcua::Trust { thumbprint, place } => {
            let known = pki(place)?.trust(thumbprint)?;
            print::line(&format!("trusted: {} {}", known.thumbprint, known.subject))
        }
        Opcua::Reject { thumbprint, place } => {
            let known = pki(place)?.reject(thumbprint)?;
            print::line(&format!("rejected: {} {}", known.thumbprint, known.subject))
        }
    }
}

fn pki(place: &Place) -> Result<Pki> {
    Ok(plant::pki(&door::configuration(place)?.data_dir))
}

fn cells(known: Known) -> [String; 4] {
    let file = known.path.file_name().map(Path::new).unwrap_or(&known.path);
    [known.standing.name().to_owned(), known.thumbprint, known.subject, file.display().to_string()]
}

fn describe(read: &NodeRead) -> String {
    let bytes: Vec<_> = read.raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let time =
        |time: Option<crate::domain::Micros>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let lines = [
        ("node", read.node.to_string()),
        ("type", read.data_type.clone()),
        ("value", read.content.to_string()),
        ("status", read.status.clone()),
        ("source", time(read.source_time)),
        ("server", time(read.server_time)),
        ("raw", bytes.join(" ")),
    ];
    lines.map(|(name, text)| format!("{name:<9} {text}")).join("\n")
}

/// One node a line, children two columns further in: id, name, and of a variable its type, access and value.
fn draw(tree: &Tree) -> String {
    let mut lines = Vec::new();
    draw_node(&tree.root, 0, &mut lines);
    lines.join("\n")
}

fn draw_node(node: &Node, level: usize, lines: &mut Vec<String>) {
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
    use crate::collect::content::Content;
    use crate::collect::value::Value;
    use crate::domain::Micros;
    use crate::domain::address_space::Variable;

    fn node(id: &str, name: &str, children: Vec<Node>) -> Node {
        Node {
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
        temp.variable = Some(Variable { data_type: "Double".into(), value: json!(23.5), access: "rw" });
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
        assert_eq!(draw(&Tree { root, is_truncated: false }), expected);
    }

    #[test]
    fn a_node_is_read_with_all_that_its_server_says() {
        let read = NodeRead {
            node: "ns=2;s=Temp".parse().unwrap(),
            data_type: "Int16".into(),
            content: Content::Number(Value::Int(-2)),
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
