//! Estimated memory of catalog rows by organization: the mirror keeps every row in memory permanently.

use serde_json::{Map, Value};

use crate::domain::OrgId;
use crate::domain::alert::rule::{AlertRule, AlertRuleSpec};
use crate::domain::client::{Client, ClientSpec};
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::document::{Document, DocumentSpec};
use crate::domain::group::{Group, GroupSpec};
use crate::domain::key::{Key, KeySpec};
use crate::domain::org::{Org, User};
use crate::domain::product::{Product, ProductSpec, StreamTemplate};
use crate::domain::stream::{Stream, StreamSpec};

/// Index overhead per row: its index entries, and a second copy of its name.
const INDEX_BYTES: usize = 192;
/// Overhead per entry of an ordered map or set.
const ENTRY_BYTES: usize = 16;

/// A row of the mirror whose memory is accounted to an organization.
pub(super) trait AccountedRow {
    fn org(&self) -> OrgId;

    /// Estimated bytes, computed from the row's contents alone: a row counts the same when removed as when added.
    fn memory_bytes(&self) -> usize;
}

impl AccountedRow for Org {
    fn org(&self) -> OrgId {
        self.id
    }

    fn memory_bytes(&self) -> usize {
        row::<Org>(&[&self.slug, &self.slug, &self.name])
    }
}

impl AccountedRow for User {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        row::<User>(&[&self.name, &self.name, &self.password_hash])
    }
}

impl AccountedRow for Device {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_device(&self.spec) + self.topology.heap_bytes()
    }
}

impl AccountedRow for Stream {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_stream(&self.spec)
    }
}

impl AccountedRow for Group {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_group(&self.spec)
    }
}

impl AccountedRow for Key {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_key(&self.spec)
    }
}

impl AccountedRow for Product {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_product(&self.spec)
    }
}

impl AccountedRow for Document {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_document(&self.spec)
    }
}

impl AccountedRow for Client {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        of_client(&self.spec)
    }
}

/// The key has nine characters, and the external id is as long as the name or little longer.
pub(super) fn of_device(spec: &DeviceSpec) -> usize {
    row::<Device>(&[&spec.name, &spec.name, &spec.name, &spec.host, &spec.username, &spec.password])
        + spec.owner.as_ref().map_or(0, String::len)
        + of_object(&spec.metadata)
}

pub(super) fn of_product(spec: &ProductSpec) -> usize {
    let template = |template: &StreamTemplate| {
        let texts = template.name.len() + template.unit.len() + template.kind.len();
        let label = template.label.as_ref().map_or(0, String::len);
        size_of::<StreamTemplate>() + texts + label + of_object(&template.metadata)
    };
    let templates = spec.templates.iter().map(template).sum::<usize>();
    row::<Product>(&[&spec.name, &spec.name]) + of_object(&spec.metadata) + templates
}

/// Its fields take about twice what they take as JSON, and its name is kept three times.
pub(super) fn of_document(spec: &DocumentSpec) -> usize {
    let json = serde_json::to_vec(spec).map_or(0, |json| json.len());
    let name = spec.unique_name();
    let secret = spec.secret().map_or(0, |secret| secret.expose().len());
    row::<Document>(&[&name, &name, &name]) + 2 * json + secret
}

/// Its name is kept twice; beside its texts it has one list of ids.
pub(super) fn of_alert_rule(spec: &AlertRuleSpec) -> usize {
    let json = serde_json::to_vec(spec).map_or(0, |json| json.len());
    row::<AlertRule>(&[&spec.name, &spec.name]) + json
}

/// The public id is kept twice; it has at most 100 characters.
pub(super) fn of_client(spec: &ClientSpec) -> usize {
    row::<Client>(&[&spec.name]) + 200
}

pub(super) fn of_stream(spec: &StreamSpec) -> usize {
    row::<Stream>(&[&spec.name, &spec.name, &spec.path, &spec.unit])
        + spec.label.as_ref().map_or(0, String::len)
        + of_object(&spec.metadata)
}

pub(super) fn of_group(spec: &GroupSpec) -> usize {
    row::<Group>(&[&spec.name, &spec.name, &spec.description])
}

pub(super) fn of_key(spec: &KeySpec) -> usize {
    let listed = spec.devices.as_ref().map_or(0, |ids| ids.len())
        + spec.streams.as_ref().map_or(0, |ids| ids.len())
        + spec.dashboards.as_ref().map_or(0, |ids| ids.len());
    row::<Key>(&[&spec.name]) + listed * (size_of::<i32>() + ENTRY_BYTES)
}

fn row<R>(texts: &[&String]) -> usize {
    size_of::<R>() + INDEX_BYTES + texts.iter().map(|text| text.len()).sum::<usize>()
}

fn of_object(object: &Map<String, Value>) -> usize {
    let entry = size_of::<(String, Value)>() + ENTRY_BYTES;
    object.iter().map(|(name, value)| entry + name.len() + heap_bytes(value)).sum()
}

/// Heap bytes of a value.
fn heap_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| size_of::<Value>() + heap_bytes(item)).sum(),
        Value::Object(object) => of_object(object),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::device::Protocol;

    #[test]
    fn many_small_values_count_as_what_they_take() {
        let with = |metadata: Value| DeviceSpec {
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            ..DeviceSpec::new("d", Protocol::Virtual)
        };
        let empty = of_device(&with(json!({})));
        let rows = [
            ("a_text", json!({ "a": "x".repeat(60_000) }), 60_000, 70_000),
            // 20,000 bytes as text.
            (
                "zeros",
                json!({ "a": vec![0; 10_000] }),
                10_000 * size_of::<Value>(),
                11_000 * size_of::<Value>(),
            ),
            ("nested", json!({ "a": vec![json!({ "b": "c" }); 100] }), 100 * 80, 100 * 200),
        ];
        for (name, metadata, least, most) in rows {
            let grown = of_device(&with(metadata)) - empty;
            assert!((least..most).contains(&grown), "{name}: {grown}");
        }
    }
}
