//! JSON of the on-premise REST interface.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::app::onpremise::{DeviceMessage, DeviceMessagePage};
use crate::domain::Micros;

/// A page of messages.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageView<'a> {
    data: Vec<MessageView<'a>>,
    total_items: u64,
}

/// One message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageView<'a> {
    /// 24 hexadecimal digits.
    #[serde(rename = "_id")]
    id: String,
    data: &'a RawValue,
    device_id: &'a str,
    /// ISO-8601 with milliseconds.
    ts: String,
}

impl<'a> From<&'a DeviceMessagePage> for PageView<'a> {
    fn from(page: &'a DeviceMessagePage) -> Self {
        let view = |message: &'a DeviceMessage| MessageView {
            id: hex::encode(message.short_id()),
            data: &message.payload,
            device_id: &message.device_key,
            ts: iso_millis(message.ts),
        };
        PageView { data: page.messages.iter().map(view).collect(), total_items: page.total }
    }
}

/// ISO-8601 with exactly three fraction digits, in UTC; microseconds are cut off.
pub fn iso_millis(ts: Micros) -> String {
    let millis = ts.0.rem_euclid(1_000_000) / 1000;
    let seconds = Micros(ts.0 - ts.0.rem_euclid(1_000_000)).to_iso();
    format!("{}.{millis:03}Z", seconds.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds() {
        let rows = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_589_963_995_955_000, "2020-05-20T08:39:55.955Z"),
            (1_589_963_995_955_999, "2020-05-20T08:39:55.955Z"),
            (1_589_963_995_000_000, "2020-05-20T08:39:55.000Z"),
        ];
        for (ts, expected) in rows {
            assert_eq!(iso_millis(Micros(ts)), expected);
        }
    }
}
