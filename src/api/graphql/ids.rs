//! Global ids, opaque and unique across all types. Wherever an id is accepted, the row number shown by REST is accepted
//! too.

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::named_enum::named_enum;
use crate::domain::{Error, Result};

named_enum! {
    /// Types of objects that have a global id.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum NodeType {
        /// A device.
        Device = "Device",
        /// A stream.
        Stream = "Stream",
        /// A group of streams.
        Group = "Group",
        /// An event.
        Event = "Event",
        /// An API key.
        ApiKey = "ApiKey",
        /// An anomaly detection model.
        Model = "Model",
        /// A product: the type of a device.
        Product = "Product",
        /// A client of a vendor's API.
        Client = "Client",
        /// A person who logs in.
        User = "User",
    }
}

impl NodeType {
    /// Returns the global id of a row: base64url of `<type>:<row>`.
    pub fn id(self, row: i32) -> ID {
        ID(URL_SAFE_NO_PAD.encode(format!("{}:{row}", self.name())))
    }
}

/// Parses a global id into its type and row number.
pub fn parse(id: &str) -> Option<(NodeType, i32)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let (name, row) = text.split_once(':')?;
    let noun = NodeType::from_name(name)?;
    Some((noun, row.parse().ok().filter(|row| *row > 0)?))
}

/// Returns the row number of an id of type `noun`; the id may also be the row number itself.
///
/// # Errors
/// `Invalid` naming `argument`.
pub fn parse_row_id(noun: NodeType, id: &ID, argument: &'static str) -> Result<i32> {
    let number = id.parse().ok().filter(|row: &i32| *row > 0);
    number.or_else(|| row_of_type(noun, id)).ok_or_else(|| {
        let name = noun.name();
        Error::field(argument, format!("`{}` is neither the id of a {name} nor its row number", id.as_str()))
    })
}

/// Parses several ids of one type, as `parse_row_id` does.
pub fn parse_row_ids<T>(
    noun: NodeType,
    ids: &[ID],
    argument: &'static str,
    make: fn(i32) -> T,
) -> Result<Vec<T>> {
    ids.iter().map(|id| parse_row_id(noun, id, argument).map(make)).collect()
}

/// Returns the row number from the `id` or `rowId` argument, exactly one of which must be given.
pub fn id_or_row_id(noun: NodeType, id: Option<&ID>, row_id: Option<i32>) -> Result<i32> {
    match (id, row_id) {
        (Some(id), None) => parse_row_id(noun, id, "id"),
        (None, Some(number)) if number > 0 => Ok(number),
        (None, Some(_)) => Err(Error::field("rowId", "must be above 0")),
        _ => Err(Error::field("id", "give either id or rowId")),
    }
}

fn row_of_type(noun: NodeType, id: &str) -> Option<i32> {
    parse(id).filter(|(named, _)| *named == noun).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_row_of_one_noun() {
        for noun in NodeType::ALL {
            assert_eq!(parse(&noun.id(7)), Some((noun, 7)));
        }
        let stream = NodeType::Stream.id(7);
        assert_eq!(parse_row_id(NodeType::Stream, &stream, "id").ok(), Some(7));
        assert_eq!(parse_row_id(NodeType::Stream, &ID::from("7"), "id").ok(), Some(7));
        for wrong in [NodeType::Device.id(7), ID::from("0"), ID::from("-1"), ID::from(""), ID::from("x")] {
            assert!(parse_row_id(NodeType::Stream, &wrong, "id").is_err(), "{wrong:?}");
        }
        for wrong in ["", "U3RyZWFt", "U3RyZWFtOjA", "7", "\u{fc}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
