//! Connection pagination of in-memory lists: stable order, and opaque cursors that stay valid when the list changes.

use async_graphql::connection::{
    Connection, CursorType, DefaultConnectionName, DefaultEdgeName, Edge, EmptyFields,
};
use async_graphql::{OutputType, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::enums::ListOrder;
use crate::domain::{Error, Micros, Result};

/// Default and maximum number of nodes in a page.
pub const DEFAULT_PAGE_SIZE: usize = 100;
/// Maximum number of nodes in a page.
pub const MAX_PAGE_SIZE: usize = 1000;

/// Position of a node in a list: ordered by sort key (empty if the list is ordered by row), then by row number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    /// Name of the node, or empty.
    pub sort_key: String,
    /// Row number of the node.
    pub row: i32,
}

impl ListCursor {
    /// Returns the cursor of a row in a list of the given order.
    pub fn for_row(row: i32, name: &str, order: ListOrder) -> ListCursor {
        let by = if order == ListOrder::Name { name.to_owned() } else { String::new() };
        ListCursor { sort_key: by, row }
    }
}

impl CursorType for ListCursor {
    type Error = Error;

    fn decode_cursor(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("this is not a cursor of this list");
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or_else(wrong)?;
        let (row, by) = decoded.split_once(' ').ok_or_else(wrong)?;
        Ok(ListCursor { sort_key: by.to_owned(), row: row.parse().map_err(|_| wrong())? })
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.row, self.sort_key))
    }
}

/// Cursor of a row of one stream: its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeCursor(pub Micros);

impl CursorType for TimeCursor {
    type Error = Error;

    fn decode_cursor(text: &str) -> Result<Self> {
        let wrong = || Error::field("after", "is not a cursor of this list");
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let micros = decoded.and_then(|text| text.strip_prefix('@')?.parse().ok());
        micros.map(|ts| TimeCursor(Micros(ts))).ok_or_else(wrong)
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("@{}", self.0.0))
    }
}

/// Additional fields of every connection.
#[derive(Debug, SimpleObject)]
pub struct Total {
    /// Number of nodes in the whole list that the caller may read.
    pub total_count: i32,
}

/// A page of an in-memory list.
pub type NodeConnection<N> =
    Connection<ListCursor, N, Total, EmptyFields, DefaultConnectionName, DefaultEdgeName>;

/// Pagination arguments: the `first` nodes after a cursor, or the `last` nodes before one.
#[derive(Debug, Clone, Default)]
pub struct ConnectionArgs {
    /// Number of nodes from the start or after `after`, 0 to `MAX_PAGE_SIZE`.
    pub first: Option<i32>,
    /// Cursor of the node before the page.
    pub after: Option<String>,
    /// Number of nodes from the end or before `before`; not together with `first`.
    pub last: Option<i32>,
    /// Cursor of the node after the page.
    pub before: Option<String>,
}

/// Sorts the nodes of a list, given in any order, and returns the requested page.
///
/// # Errors
/// `Invalid` naming the argument: not a cursor, a number that is negative or too large, or both `first` and `last`.
pub fn paginate<T, N: OutputType>(
    all: Vec<T>,
    page: ConnectionArgs,
    place: impl Fn(&T) -> ListCursor,
    node: impl Fn(T) -> N,
) -> Result<NodeConnection<N>> {
    let mut placed: Vec<(ListCursor, T)> = all.into_iter().map(|one| (place(&one), one)).collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total_count = i32::try_from(placed.len()).unwrap_or(i32::MAX);
    let bound = |name: &'static str, cursor: Option<&str>| -> Result<Option<ListCursor>> {
        let wrong = || Error::field(name, "is not a cursor of this list");
        let parsed = cursor.map(ListCursor::decode_cursor).transpose().map_err(|_| wrong())?;
        if parsed.as_ref().is_some_and(|cursor| is_of_other_order(cursor, &placed)) {
            return Err(wrong());
        }
        Ok(parsed)
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
        (first, None) => (start, (start + first.unwrap_or(DEFAULT_PAGE_SIZE)).min(end)),
    };
    let mut listed =
        NodeConnection::with_additional_fields(from > 0, to < placed.len(), Total { total_count });
    let page = placed.into_iter().skip(from).take(to - from);
    listed.edges.extend(page.map(|(place, one)| Edge::new(place, node(one))));
    Ok(listed)
}

/// Whether a cursor is of a list in another order than this sorted one: its place there says nothing here.
fn is_of_other_order<T>(cursor: &ListCursor, placed: &[(ListCursor, T)]) -> bool {
    let (Some((least, _)), Some((greatest, _))) = (placed.first(), placed.last()) else { return false };
    match cursor.sort_key.is_empty() {
        true => !least.sort_key.is_empty(),
        false => greatest.sort_key.is_empty(),
    }
}

/// Validates a number of nodes, at most `MAX_PAGE_SIZE`.
pub fn count(name: &'static str, count: Option<i32>) -> Result<Option<usize>> {
    count_up_to(name, count, MAX_PAGE_SIZE)
}

/// Validates a number of nodes, at most `most`.
pub fn count_up_to(name: &'static str, requested: Option<i32>, most: usize) -> Result<Option<usize>> {
    let Some(requested) = requested else { return Ok(None) };
    let count = usize::try_from(requested).ok().filter(|count| *count <= most);
    count.map(Some).ok_or_else(|| Error::field(name, format!("must be from 0 to {most}")))
}

/// Returns the complexity of a page whose nodes cost `each`.
pub fn cost(first: Option<i32>, last: Option<i32>, each: usize) -> usize {
    cost_of(first.or(last).map_or(DEFAULT_PAGE_SIZE, |count| usize::try_from(count).unwrap_or(0)), each)
}

/// Returns the complexity of `nodes` nodes that cost `each`.
pub fn cost_of(nodes: usize, each: usize) -> usize {
    nodes.saturating_mul(each).saturating_add(1)
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
