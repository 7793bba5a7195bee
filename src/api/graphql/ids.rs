//! Global ids: opaque, of all nouns together; and the row numbers that REST shows, which are taken wherever an id is.

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Error, Result};

/// What has a global id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    Device,
    Stream,
    Group,
    Event,
    ApiKey,
    Model,
}

impl Noun {
    const ALL: [Noun; 6] = [Noun::Device, Noun::Stream, Noun::Group, Noun::Event, Noun::ApiKey, Noun::Model];

    /// The name of its type.
    pub fn name(self) -> &'static str {
        match self {
            Noun::Device => "Device",
            Noun::Stream => "Stream",
            Noun::Group => "Group",
            Noun::Event => "Event",
            Noun::ApiKey => "ApiKey",
            Noun::Model => "Model",
        }
    }

    pub fn id(self, row: i32) -> ID {
        ID(URL_SAFE_NO_PAD.encode(format!("{}:{row}", self.name())))
    }
}

/// What a global id names.
pub fn parse(id: &str) -> Option<(Noun, i32)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let (name, row) = text.split_once(':')?;
    let noun = Noun::ALL.into_iter().find(|noun| noun.name() == name)?;
    Some((noun, row.parse().ok().filter(|row| *row > 0)?))
}

/// The row that an id of this noun names, which may be the row's number itself; `argument` is told when it names none.
pub fn row(noun: Noun, id: &ID, argument: &'static str) -> Result<i32> {
    let number = id.parse().ok().filter(|row: &i32| *row > 0);
    number.or_else(|| of_noun(noun, id)).ok_or_else(|| {
        let name = noun.name();
        Error::field(argument, format!("`{}` is neither the id of a {name} nor its row number", id.as_str()))
    })
}

/// The rows that ids name.
pub fn rows<T>(noun: Noun, ids: &[ID], argument: &'static str, make: fn(i32) -> T) -> Result<Vec<T>> {
    ids.iter().map(|id| row(noun, id, argument).map(make)).collect()
}

/// The row that one of the two arguments of a look-up names.
pub fn either(noun: Noun, id: Option<&ID>, row_id: Option<i32>) -> Result<i32> {
    match (id, row_id) {
        (Some(id), None) => row(noun, id, "id"),
        (None, Some(number)) if number > 0 => Ok(number),
        (None, Some(_)) => Err(Error::field("rowId", "must be above 0")),
        _ => Err(Error::field("id", "give either id or rowId")),
    }
}

fn of_noun(noun: Noun, id: &str) -> Option<i32> {
    parse(id).filter(|(named, _)| *named == noun).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_row_of_one_noun() {
        for noun in Noun::ALL {
            assert_eq!(parse(&noun.id(7)), Some((noun, 7)));
        }
        let stream = Noun::Stream.id(7);
        assert_eq!(row(Noun::Stream, &stream, "id").ok(), Some(7));
        assert_eq!(row(Noun::Stream, &ID::from("7"), "id").ok(), Some(7));
        for wrong in [Noun::Device.id(7), ID::from("0"), ID::from("-1"), ID::from(""), ID::from("x")] {
            assert!(row(Noun::Stream, &wrong, "id").is_err(), "{wrong:?}");
        }
        for wrong in ["", "U3RyZWFt", "U3RyZWFtOjA", "7", "\u{fc}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
