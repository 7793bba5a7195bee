//! Query of `GET /device/v1/devices/{deviceId}/data`: values and mistakes as the vendor's gateway has them.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::api::instathings::number::whole_number;
use crate::app::onpremise::{MessageListQuery, MessageSort, SortKey};
use crate::domain::Micros;

/// Messages on a page unless the caller says otherwise, and at most.
const DEFAULT_PER_PAGE: i64 = 10;
const MAX_PER_PAGE: i64 = 100;
/// Characters that a device key has.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 7..=14;

/// Reads the query. The last of repeated parameters counts; an empty one is absent, but for numbers of pages, where it is a mistake.
///
/// # Errors
/// All mistakes, as the items of `errors` in the response.
pub fn parse(device_key: &str, query: &str) -> Result<MessageListQuery, Vec<Value>> {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let values = |name: &'static str| {
        pairs.iter().rev().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    };
    let last = |name: &'static str| values(name).find(|value| !value.is_empty());
    let mut mistakes = Vec::new();
    let mut wrong_key = || mistakes.push(mistake(device_key, "Invalid value", "deviceId", "params"));
    if !device_key.is_ascii() {
        wrong_key();
    }
    if !KEY_LENGTH.contains(&device_key.chars().count()) {
        wrong_key();
    }
    let mut integer = |name: &'static str| {
        let text = values(name).next()?;
        let value = whole_number(text);
        if value.is_none() {
            mistakes.push(mistake(text, &format!("`{name}` must be an integer value"), name, "query"));
        }
        value
    };
    let (page, per_page) = (integer("page"), integer("perPage"));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let per_page = per_page.filter(|n| *n > 0).unwrap_or(DEFAULT_PER_PAGE).min(MAX_PER_PAGE);
    let page = page.unwrap_or(1).max(1);
    let millis = |name| last(name).and_then(leading_integer);
    Ok(MessageListQuery {
        device_key: device_key.to_owned(),
        from: millis("start").map(|ms| Micros(ms.saturating_mul(1000))),
        // Times are shown in milliseconds, so the last one is included as a whole.
        to: millis("end").map(|ms| Micros(ms.saturating_mul(1000).saturating_add(999))),
        sort: sort(last("sort").unwrap_or("ts")),
        offset: (page - 1).saturating_mul(per_page).unsigned_abs(),
        limit: u32::try_from(per_page).unwrap_or(1),
    })
}

fn mistake(value: &str, message: &str, parameter: &str, location: &str) -> Value {
    json!({"value": value, "msg": message, "param": parameter, "location": location})
}

/// Reads the whole number at the beginning of a text, after blanks; `None` if there is none.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let signed = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = signed.bytes().take_while(u8::is_ascii_digit).count();
    whole_number(&text[..text.len() - signed.len() + digits])
}

/// Reads `[+|-]key`. A plus sign arrives as a blank; an unknown key leaves the order in which messages were stored.
fn sort(text: &str) -> MessageSort {
    let is_descending = text.starts_with('-');
    let key = match text.strip_prefix(['+', '-', ' ']).unwrap_or(text) {
        "_id" => SortKey::Id,
        "ts" => SortKey::Time,
        "deviceId" => SortKey::Device,
        other => match other.strip_prefix("data.") {
            Some(path) if !path.is_empty() => SortKey::Payload(path.split('.').map(str::to_owned).collect()),
            _ => SortKey::Insertion,
        },
    };
    MessageSort { key, is_descending }
}

#[cfg(test)]
#[path = "list_query_tests.rs"]
mod tests;
