//! Connections: pages of lists that are in memory, in a stable order, with opaque cursors that survive changes of the list.

use async_graphql::connection::{
    Connection, CursorType, DefaultConnectionName, DefaultEdgeName, Edge, EmptyFields,
};
use async_graphql::{OutputType, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::enums::ListOrder;
use crate::domain::{Error, Micros, Result};

/// Nodes of a page unless asked otherwise, and at most.
pub const USUAL: usize = 100;
pub const MOST: usize = 1000;

/// Where a node stands: by a text first if the list is ordered by one, then by its row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub by: String,
    pub row: i32,
}

impl Place {
    /// Of a named row in a list of this order.
    pub fn of(row: i32, name: &str, order: ListOrder) -> Place {
        let by = if order == ListOrder::Name { name.to_owned() } else { String::new() };
        Place { by, row }
    }
}

impl CursorType for Place {
    type Error = Error;

    fn decode_cursor(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("this is not a cursor of this list");
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or_else(wrong)?;
        let (row, by) = decoded.split_once(' ').ok_or_else(wrong)?;
        Ok(Place { by: by.to_owned(), row: row.parse().map_err(|_| wrong())? })
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.row, self.by))
    }
}

/// A time as a cursor, for rows of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At(pub Micros);

impl CursorType for At {
    type Error = Error;

    fn decode_cursor(text: &str) -> Result<Self> {
        let wrong = || Error::field("after", "is not a cursor of this list");
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let micros = decoded.and_then(|text| text.strip_prefix('@')?.parse().ok());
        micros.map(|ts| At(Micros(ts))).ok_or_else(wrong)
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("@{}", self.0.0))
    }
}

/// What every connection tells beside its page.
#[derive(Debug, SimpleObject)]
pub struct Total {
    /// Nodes of the whole list, as the caller sees it.
    pub total_count: i32,
}

/// A page of a list that is in memory.
pub type Listed<N> = Connection<Place, N, Total, EmptyFields, DefaultConnectionName, DefaultEdgeName>;

/// Which page of a list: the `first` nodes after a cursor, or the `last` before one.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

/// Cuts a page out of all nodes of a list, which come in any order.
///
/// # Errors
/// `Invalid` naming the argument: no cursor, a negative or too large number, or both ends at once.
pub fn cut<T, N: OutputType>(
    all: Vec<T>,
    page: Page,
    place: impl Fn(&T) -> Place,
    node: impl Fn(T) -> N,
) -> Result<Listed<N>> {
    let mut placed: Vec<(Place, T)> = all.into_iter().map(|one| (place(&one), one)).collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total_count = i32::try_from(placed.len()).unwrap_or(i32::MAX);
    let bound = |name: &'static str, cursor: Option<&str>| -> Result<Option<Place>> {
        let parsed = cursor.map(Place::decode_cursor).transpose();
        parsed.map_err(|_| Error::field(name, "is not a cursor of this list"))
    };
    let start = match bound("after", page.after.as_deref())? {
        Some(after) => placed.partition_point(|(place, _)| *place <= after),
        None => 0,
    };
    let end = match bound("before", page.before.as_deref())? {
        Some(before) => placed.partition_point(|(place, _)| *place < before),
        None => placed.len(),
    };
    let (first, last) = (count("first", page.first)?, count("last", page.last)?);
    let end = end.max(start);
    let (from, to) = match (first, last) {
        (Some(_), Some(_)) => return Err(Error::field("last", "give either first or last")),
        (None, Some(last)) => (end.saturating_sub(last).max(start), end),
        (first, None) => (start, (start + first.unwrap_or(USUAL)).min(end)),
    };
    let mut listed = Listed::with_additional_fields(from > 0, to < placed.len(), Total { total_count });
    let page = placed.into_iter().skip(from).take(to - from);
    listed.edges.extend(page.map(|(place, one)| Edge::new(place, node(one))));
    Ok(listed)
}

/// A number of nodes as asked for.
pub fn count(name: &'static str, asked: Option<i32>) -> Result<Option<usize>> {
    count_up_to(name, asked, MOST)
}

/// The same with another bound.
pub fn count_up_to(name: &'static str, asked: Option<i32>, most: usize) -> Result<Option<usize>> {
    let Some(asked) = asked else { return Ok(None) };
    let count = usize::try_from(asked).ok().filter(|count| *count <= most);
    count.map(Some).ok_or_else(|| Error::field(name, format!("must be from 0 to {most}")))
}

/// What a page costs when each of its nodes costs so much: for the limit on complexity.
pub fn cost(first: Option<i32>, last: Option<i32>, each: usize) -> usize {
    cost_of(first.or(last).map_or(USUAL, |asked| usize::try_from(asked).unwrap_or(0)), each)
}

/// What so many nodes cost.
pub fn cost_of(nodes: usize, each: usize) -> usize {
    nodes.saturating_mul(each).saturating_add(1)
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
