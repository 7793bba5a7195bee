//! Widget properties of a datastream: how an app shows it. They are kept in the member `widget` of the stream's metadata
//! and change nothing else.

use serde_json::{Map, Value};
use url::Url;

use super::{Blynk, require_with_view};
use crate::app::token::ClientAccess;
use crate::domain::client::Permission;
use crate::domain::{DeviceId, Error, Result};

/// Member of a stream's metadata that has the properties.
const WIDGET_MEMBER: &str = "widget";

/// Format of a property's value, which is always a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PropertyFormat {
    Text,
    /// `#RRGGBB`.
    Color,
    /// `true` or `false`.
    Truth,
    /// A number from the first to the second.
    Number(f64, f64),
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// Texts with commas between them.
    List,
    /// A URL with one of these schemes: http, https, rtsp.
    Url,
}

const ANY_NUMBER: PropertyFormat = PropertyFormat::Number(f64::MIN, f64::MAX);

/// Every property with its format.
const PROPERTIES: [(&str, PropertyFormat); 23] = [
    ("label", PropertyFormat::Text),
    ("onLabel", PropertyFormat::Text),
    ("offLabel", PropertyFormat::Text),
    ("suffix", PropertyFormat::Text),
    ("color", PropertyFormat::Color),
    ("onColor", PropertyFormat::Color),
    ("offColor", PropertyFormat::Color),
    ("onBackColor", PropertyFormat::Color),
    ("offBackColor", PropertyFormat::Color),
    ("isDisabled", PropertyFormat::Truth),
    ("isHidden", PropertyFormat::Truth),
    ("isOnPlay", PropertyFormat::Truth),
    ("min", ANY_NUMBER),
    ("max", ANY_NUMBER),
    ("step", ANY_NUMBER),
    ("opacity", PropertyFormat::Number(0.0, 100.0)),
    ("scale", PropertyFormat::Number(0.0, 100.0)),
    ("rotation", PropertyFormat::Number(0.0, 360.0)),
    ("maximumFractionDigits", PropertyFormat::Integer(0, 10)),
    ("page", ANY_NUMBER),
    ("labels", PropertyFormat::List),
    ("urls", PropertyFormat::List),
    ("url", PropertyFormat::Url),
];

/// Returns the names of all properties.
pub fn property_names() -> impl Iterator<Item = &'static str> {
    PROPERTIES.iter().map(|(name, _)| *name)
}

/// A property of a widget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WidgetProperty {
    name: &'static str,
    format: PropertyFormat,
}

impl WidgetProperty {
    /// Returns the property of a name.
    ///
    /// # Errors
    /// `Invalid` when there is none.
    pub fn parse(name: &str) -> Result<Self> {
        let found = PROPERTIES.iter().find(|(known, _)| *known == name);
        let property = found.map(|&(name, format)| WidgetProperty { name, format });
        property.ok_or_else(|| Error::invalid(format!("Unknown property {name}.")))
    }

    fn accepts(self, value: &str) -> bool {
        match self.format {
            PropertyFormat::Text => true,
            PropertyFormat::Color => value
                .strip_prefix('#')
                .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit())),
            PropertyFormat::Truth => matches!(value, "true" | "false"),
            // A JSON number: no blanks, no infinity, no other spellings.
            PropertyFormat::Number(min, max) => {
                serde_json::from_str::<f64>(value).is_ok_and(|n| is_bare(value) && (min..=max).contains(&n))
            }
            PropertyFormat::Integer(min, max) => {
                serde_json::from_str::<i64>(value).is_ok_and(|n| is_bare(value) && (min..=max).contains(&n))
            }
            PropertyFormat::List => value.split(',').all(|item| !item.trim().is_empty()),
            PropertyFormat::Url => Url::parse(value)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "rtsp") && url.has_host()),
        }
    }
}

fn is_bare(value: &str) -> bool {
    value.trim().len() == value.len()
}

/// A new value of a property.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyChange {
    pub device: DeviceId,
    /// Id of the datastream, which is its channel.
    pub datastream: i32,
    pub property: WidgetProperty,
    /// 1..=200 characters.
    pub value: String,
}

impl Blynk {
    /// Sets a property of a datastream's widget.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `NotFound` for a device or a datastream that the token does not see; `Invalid`
    /// for a value in a wrong format, or when the metadata become too long.
    pub async fn set_property(&self, access: &ClientAccess, change: PropertyChange) -> Result<()> {
        require_with_view(access, Permission::OrgDevicesControl)?;
        let PropertyChange { device, datastream, property, value } = change;
        let device = self.visible_device(access, device)?;
        let stream = self.visible_datastream(access, &device, datastream)?;
        if !property.accepts(&value) {
            return Err(Error::invalid(format!("Wrong value format for property {}.", property.name)));
        }
        let set = |metadata: &mut Map<String, Value>| {
            let widget = metadata.entry(WIDGET_MEMBER).or_insert_with(|| Value::Object(Map::new()));
            if !widget.is_object() {
                *widget = Value::Object(Map::new());
            }
            widget[property.name] = Value::String(value.clone());
        };
        self.streams.update_stream(&access.principal, stream.id, |spec| set(&mut spec.metadata)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_accepts_its_values() {
        let rows: [(&str, &[&str], &[&str]); 13] = [
            ("label", &["x", "Größe, m", " "], &[]),
            ("color", &["#FF0000", "#abCDef"], &["FF0000", "#FF000", "#FF00000", "#GG0000", "red", "#ÄÄÄ"]),
            ("offBackColor", &["#000000"], &["#0000"]),
            ("isHidden", &["true", "false"], &["True", "1", "yes", " true"]),
            ("min", &["0", "-1.5", "1e3"], &["x", "1,5", "NaN", "inf", "1e999", " 1", "+1", "0x1"]),
            ("opacity", &["0", "100", "55.5"], &["-1", "100.1"]),
            ("scale", &["100"], &["101"]),
            ("rotation", &["360"], &["361", "-0.5"]),
            ("maximumFractionDigits", &["0", "10"], &["11", "-1", "1.5"]),
            ("page", &["2"], &["second"]),
            ("labels", &["a", "a,b, c"], &["a,,b", ",", "a,"]),
            ("urls", &["https://a.example/1.png,https://a.example/2.png"], &[" , "]),
            (
                "url",
                &["https://a.example/x", "http://10.0.0.1:81/", "rtsp://cam.example/1"],
                &["ftp://a.example", "a.example", "https://", "javascript:alert(1)"],
            ),
        ];
        for (name, right, wrong) in rows {
            let property = WidgetProperty::parse(name).unwrap();
            for value in right {
                assert!(property.accepts(value), "{name} {value}");
            }
            for value in wrong {
                assert!(!property.accepts(value), "{name} {value}");
            }
        }
        for name in ["", "Color", "colour", "value"] {
            let error = WidgetProperty::parse(name).unwrap_err();
            assert_eq!(error.message, format!("Unknown property {name}."));
        }
    }
}
