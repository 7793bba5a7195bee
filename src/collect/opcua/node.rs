//! Node ids as text, with the namespace's index or URI. Pure; a URI becomes an index once the server's list of
//! namespaces is known.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::{ByteString, Guid, Identifier, NodeId};
use uuid::Uuid;

/// Form of a node id, for error messages.
pub const FORM: &str = "write i=NUMBER, s=TEXT, g=GUID or b=BASE64, before it ns=INDEX; or nsu=URI; where the namespace \
                        is not 0, for example ns=2;s=Line1.Temp";

/// Path of a node on a server.
///
/// Namespace indexes may differ after every start of a server, their URIs never do: `nsu=` is the form that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodePath {
    namespace: Namespace,
    identifier: Identifier,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Namespace {
    Index(u16),
    Uri(String),
}

/// Why a text is no node id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no node id ({why}): {FORM}")]
pub struct InvalidNodeId {
    given: String,
    why: &'static str,
}

impl NodePath {
    /// Returns the id on a server with these namespaces, given in the server's order.
    ///
    /// # Errors
    /// A message, when the server has no namespace of this URI.
    pub fn resolve(&self, namespaces: &[String]) -> Result<NodeId, String> {
        let namespace = match &self.namespace {
            Namespace::Index(index) => *index,
            Namespace::Uri(uri) => {
                let index = namespaces.iter().position(|known| known == uri);
                let index = index.and_then(|index| u16::try_from(index).ok());
                index.ok_or_else(|| format!("the server has no namespace {uri}"))?
            }
        };
        Ok(NodeId { namespace, identifier: self.identifier.clone() })
    }
}

impl From<&NodeId> for NodePath {
    fn from(id: &NodeId) -> Self {
        NodePath { namespace: Namespace::Index(id.namespace), identifier: id.identifier.clone() }
    }
}

impl FromStr for NodePath {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        parse(text).map_err(|why| InvalidNodeId { given: text.to_owned(), why })
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Namespace::Index(0) => {}
            Namespace::Index(index) => write!(f, "ns={index};")?,
            Namespace::Uri(uri) => write!(f, "nsu={};", uri.replace('%', "%25").replace(';', "%3B"))?,
        }
        match &self.identifier {
            Identifier::Numeric(number) => write!(f, "i={number}"),
            Identifier::String(text) => write!(f, "s={text}"),
            Identifier::Guid(guid) => write!(f, "g={guid}"),
            Identifier::ByteString(bytes) => write!(f, "b={}", BASE64.encode(bytes)),
        }
    }
}

/// The namespace ends at the first `;`, the type letter at the first `=`: text identifiers may contain both.
fn parse(input: &str) -> Result<NodePath, &'static str> {
    let (namespace, rest) = if let Some(rest) = input.strip_prefix("ns=") {
        let (index, rest) = rest.split_once(';').ok_or("no `;` after the namespace")?;
        (Namespace::Index(number(index).ok_or("the namespace is no number from 0 to 65535")?), rest)
    } else if let Some(rest) = input.strip_prefix("nsu=") {
        let (uri, rest) = rest.split_once(';').ok_or("no `;` after the namespace")?;
        if uri.is_empty() {
            return Err("the namespace is empty");
        }
        (Namespace::Uri(uri.replace("%3B", ";").replace("%3b", ";").replace("%25", "%")), rest)
    } else {
        (Namespace::Index(0), input)
    };
    let identifier = match rest.split_once('=') {
        Some(("i", digits)) => Identifier::Numeric(number(digits).ok_or("`i=` takes a number below 2^32")?),
        Some(("s", "")) => return Err("`s=` takes a text that is not empty"),
        Some(("s", text)) => Identifier::String(text.into()),
        Some(("g", guid)) => {
            let guid: Uuid = guid.parse().map_err(|_| "`g=` takes a GUID")?;
            Identifier::Guid(Guid::from(guid))
        }
        Some(("b", base64)) => {
            let bytes = BASE64.decode(base64).map_err(|_| "`b=` takes base64")?;
            Identifier::ByteString(ByteString::from(bytes))
        }
        _ => return Err("no `i=`, `s=`, `g=` or `b=`"),
    };
    Ok(NodePath { namespace, identifier })
}

/// Parses digits alone: no sign, no blank.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
