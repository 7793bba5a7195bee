//! Pages of lists, as Spring makes them: `page`, `size`, `sort`.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::problem::MkError;
use super::query::Query;
use crate::app::fields::shown::ShownValue;
use crate::domain::Micros;

const DEFAULT_SIZE: usize = 20;
const MAX_SIZE: usize = 1000;
/// Property that lists are sorted by unless another is asked for, the newest first.
const CREATED_AT: &str = "createdAt";

/// The part of a list that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of the page, from 0.
    pub number: usize,
    /// Rows of a page, 1..=1000.
    pub size: usize,
    /// Properties, the first being the most significant.
    pub sort: Vec<SortOrder>,
}

/// A property and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortOrder {
    pub property: &'static str,
    pub is_descending: bool,
}

/// Key to compare rows by. Null is the smallest.
#[derive(Debug, Clone, PartialEq)]
pub enum SortKey {
    Null,
    Text(String),
    Whole(i64),
}

/// A page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    pub content: Vec<T>,
    pub page: PageInfo,
}

/// Which page of how many it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    pub size: usize,
    pub number: usize,
    pub total_elements: usize,
    pub total_pages: usize,
}

impl Query {
    /// `page`, `size` and `sort`; `sortable` are the properties that a list can be sorted by.
    pub fn page(&self, sortable: &[&'static str]) -> Result<PageRequest, MkError> {
        PageRequest::parse(self, sortable)
    }
}

impl PageRequest {
    /// Reads `page`, `size` and `sort`.
    ///
    /// # Errors
    /// 400 when `sort` names no property of `sortable` or no direction.
    pub(super) fn parse(query: &Query, sortable: &[&'static str]) -> Result<PageRequest, MkError> {
        let number = |name| query.text(name).and_then(|text| text.parse::<i64>().ok());
        let at_least = |least: i64, found: Option<i64>| {
            found.filter(|number| *number >= least).and_then(|number| usize::try_from(number).ok())
        };
        let size = at_least(1, number("size")).unwrap_or(DEFAULT_SIZE).min(MAX_SIZE);
        let mut sort = Vec::new();
        for text in query.all("sort") {
            sort.push(SortOrder::parse(text, sortable).ok_or_else(|| MkError::invalid_parameter("sort"))?);
        }
        if sort.is_empty() {
            sort.push(SortOrder { property: CREATED_AT, is_descending: true });
        }
        Ok(PageRequest { number: at_least(0, number("page")).unwrap_or(0), size, sort })
    }

    /// Number of rows before the page.
    pub fn offset(&self) -> usize {
        self.number.saturating_mul(self.size)
    }

    /// Sorts rows and cuts the page out of them. `key` is a row's value of a property, and `id` decides ties.
    pub fn of<T>(&self, rows: Vec<T>, key: impl Fn(&T, &str) -> SortKey, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let total = rows.len();
        let keys = |row: &T| self.sort.iter().map(|order| key(row, order.property)).collect::<Vec<_>>();
        let mut keyed: Vec<_> = rows.into_iter().map(|row| (keys(&row), id(&row), row)).collect();
        keyed.sort_by(|a, b| self.compare(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        let content = keyed.into_iter().skip(self.offset()).take(self.size).map(|(_, _, row)| row).collect();
        self.page(content, total)
    }

    /// The page of a list that was cut elsewhere; `total` are all rows of the list.
    pub fn page<T>(&self, content: Vec<T>, total: usize) -> Page<T> {
        let Self { number, size, .. } = *self;
        let page = PageInfo { size, number, total_elements: total, total_pages: total.div_ceil(size) };
        Page { content, page }
    }

    fn compare(&self, a: &[SortKey], b: &[SortKey]) -> Ordering {
        let mut orders = self.sort.iter().zip(a.iter().zip(b)).map(|(order, (a, b))| {
            let ordering = a.compare(b);
            if order.is_descending { ordering.reverse() } else { ordering }
        });
        orders.find(|ordering| *ordering != Ordering::Equal).unwrap_or(Ordering::Equal)
    }
}

impl SortOrder {
    fn parse(text: &str, sortable: &[&'static str]) -> Option<SortOrder> {
        let (name, direction) = text.split_once(',').unwrap_or((text, "asc"));
        let property = sortable.iter().copied().find(|property| *property == name.trim())?;
        let direction = direction.trim();
        let is_descending = direction.eq_ignore_ascii_case("desc");
        (is_descending || direction.eq_ignore_ascii_case("asc"))
            .then_some(SortOrder { property, is_descending })
    }
}

impl SortKey {
    fn compare(&self, other: &SortKey) -> Ordering {
        match (self, other) {
            (SortKey::Text(a), SortKey::Text(b)) => a.cmp(b),
            (SortKey::Whole(a), SortKey::Whole(b)) => a.cmp(b),
            // A property has one type, so these are nulls.
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            SortKey::Null => 0,
            SortKey::Whole(_) => 1,
            SortKey::Text(_) => 2,
        }
    }
}

impl<T> Page<T> {
    /// Converts the rows of the page.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { content: self.content.into_iter().map(convert).collect(), page: self.page }
    }
}

impl From<&str> for SortKey {
    fn from(text: &str) -> Self {
        SortKey::Text(text.to_owned())
    }
}

impl<T: Into<SortKey>> From<Option<T>> for SortKey {
    fn from(value: Option<T>) -> Self {
        value.map_or(SortKey::Null, Into::into)
    }
}

impl From<Uuid> for SortKey {
    fn from(id: Uuid) -> Self {
        SortKey::Text(id.to_string())
    }
}

impl From<Micros> for SortKey {
    fn from(time: Micros) -> Self {
        SortKey::Whole(time.0)
    }
}

/// A plain value is compared by its type; lists, objects and numbers with a fraction are not compared.
impl From<ShownValue> for SortKey {
    fn from(shown: ShownValue) -> Self {
        match Value::from(shown) {
            Value::String(text) => SortKey::Text(text),
            Value::Number(number) => number.as_i64().map_or(SortKey::Null, SortKey::Whole),
            Value::Bool(value) => SortKey::Whole(value.into()),
            Value::Null | Value::Array(_) | Value::Object(_) => SortKey::Null,
        }
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
