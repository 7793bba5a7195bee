//! Parameters of the lists, read as the vendor's server reads them: what is no number is ignored.

use url::form_urlencoded;

use crate::app::opensynaptic::{PacketFilter, PacketPaging};
use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;

/// Maximum rows of a page.
const MAX_LIMIT: i128 = 500;

/// A time that the vendor's database cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundTooLarge;

/// The parameters of a request: of repeated ones the first, without those that are blank.
pub struct ListParameters(Vec<(String, String)>);

impl ListParameters {
    /// Reads a query string. A sequence that is no UTF-8 is read with replacement characters.
    pub fn parse(query: Option<&str>) -> ListParameters {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs = pairs.filter(|(_, value)| !value.is_empty());
        ListParameters(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Returns a text without the blanks around it; `None` when nothing is left.
    pub fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Returns `limit` from 1 to 500, and `offset` from 0 to the largest signed 64-bit integer.
    pub fn paging(&self, default_limit: u32) -> PacketPaging {
        let limit = self.integer("limit").map(|limit| limit.clamp(1, MAX_LIMIT));
        let offset = self.integer("offset").map(|offset| offset.clamp(0, i128::from(i64::MAX)));
        PacketPaging {
            offset: offset.and_then(|offset| u64::try_from(offset).ok()).unwrap_or_default(),
            limit: limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(default_limit),
        }
    }

    /// Returns `device_id`, `since` and `until`. The last second is included as a whole, because times are compared
    /// without their fraction.
    ///
    /// # Errors
    /// A time past 64 bits.
    pub fn filter(&self) -> Result<PacketFilter, BoundTooLarge> {
        let bound = |name, within: i64| -> Result<Option<Micros>, BoundTooLarge> {
            let Some(seconds) = self.integer(name) else { return Ok(None) };
            let seconds = i64::try_from(seconds).map_err(|_| BoundTooLarge)?;
            Ok(Some(Micros(seconds.saturating_mul(MICROS_PER_SECOND).saturating_add(within))))
        };
        Ok(PacketFilter {
            device: self.text("device_id"),
            from: bound("since", 0)?,
            to: bound("until", MICROS_PER_SECOND - 1)?,
        })
    }

    fn integer(&self, name: &str) -> Option<i128> {
        whole_number(&self.text(name)?)
    }
}

/// Reads an integer as Python does: with an optional sign, and with single underscores between digits. One that is too
/// large counts as the largest.
fn whole_number(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_group) {
        return None;
    }
    let number = digits.replace('_', "").parse().unwrap_or(i128::MAX);
    Some(if text.starts_with('-') { -number } else { number })
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
