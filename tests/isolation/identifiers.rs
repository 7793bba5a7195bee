//! Everything by which a device and what belongs to it can be named, in every API.

use basalt::domain::command::{CommandSpec, STATUS_KIND};
use basalt::domain::message::message_id;
use basalt::domain::product::ProductSpec;
use basalt::domain::{DeviceId, Micros, Principal, StreamId};
use serde_json::{Map, Value};

use super::documents;
use super::fixture::{IsolationFixture, SECRET};
use super::jobs;
use super::platform_rows;
use crate::in_process::{MINUTE, NOW};

/// The names of a device, as placeholders of requests with their values.
#[derive(Debug, Clone)]
pub struct Identifiers {
    pub device: DeviceId,
    names: Vec<(&'static str, String)>,
}

impl Identifiers {
    /// Queues a command for the device of a stream, gives it a product, and collects its names.
    pub async fn of(
        world: &IsolationFixture,
        who: &Principal,
        stream: StreamId,
        is_secret: bool,
    ) -> Identifiers {
        let (catalog, app) = (&world.env.catalog, world.db.app());
        let id = catalog.streams.stream(who, stream).unwrap().spec.device;
        let device = catalog.devices.device(who, id).unwrap();
        let word = if is_secret { SECRET } else { "own" };
        let mut params = Map::new();
        params.insert("text".to_owned(), Value::from(word));
        let spec = CommandSpec { device: id, kind: STATUS_KIND.to_owned(), params: params.into() };
        let command = app.commands.create_commands(who, vec![spec]).await.unwrap().remove(0);
        let product =
            app.products.create_product(who, ProductSpec::new(format!("{word} type {id}"))).await.unwrap();
        let given = product.id;
        app.devices.update_device(who, id, |spec| spec.product = Some(given)).await.unwrap();
        let mut names = documents::identifiers(world, who, id, word).await;
        names.extend(platform_rows::identifiers(world, who, stream, word).await);
        names.push(("{job}", jobs::newest(world, who).await));
        names.push(("{sensor}", catalog.streams.stream(who, stream).unwrap().uuid.to_string()));
        names.extend([
            ("{device}", id.to_string()),
            ("{uuid}", device.aliases.uuid.to_string()),
            ("{key}", device.aliases.key.clone()),
            ("{external}", device.aliases.external_id.clone()),
            ("{command}", command.uuid.to_string()),
            ("{request}", command.key.clone()),
            ("{message}", format!("00000000-0000-0000-0000-{:012}", id.0)),
            ("{derived}", message_id::derived(id, Micros(NOW - 100 * MINUTE)).to_string()),
            ("{product}", product.uuid.to_string()),
            ("{product_id}", product.id.to_string()),
        ]);
        Identifiers { device: id, names }
    }

    /// Names that nothing has.
    pub fn of_nothing() -> Identifiers {
        let uuid = |last: u8| format!("11111111-1111-4111-8111-1111111111{last:02}");
        let device = DeviceId(99_999);
        let mut names = documents::identifiers_of_nothing();
        names.extend([
            ("{device}", device.to_string()),
            ("{uuid}", uuid(1)),
            ("{key}", "zzzzzzzzz".to_owned()),
            ("{external}", "nobody there".to_owned()),
            ("{command}", uuid(2)),
            ("{request}", "yyyyyyyyy".to_owned()),
            ("{message}", uuid(3)),
            ("{derived}", uuid(4)),
            ("{product}", uuid(5)),
            ("{product_id}", "99998".to_owned()),
            ("{job}", "99997".to_owned()),
        ]);
        Identifiers { device, names }
    }

    /// Replaces placeholders in a path.
    pub fn in_path(&self, pattern: &str) -> String {
        let replaced =
            |text: String, (name, value): &(&str, String)| text.replace(name, &value.replace(' ', "%20"));
        self.names.iter().fold(pattern.to_owned(), replaced)
    }

    /// Replaces placeholders in a body.
    pub fn in_body(&self, pattern: &str) -> String {
        self.names.iter().fold(pattern.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// An answer in which the names that the caller has given are placeholders again, and without what differs by
    /// their length.
    pub fn erased(&self, answer: &Value) -> String {
        let mut answer = answer.clone();
        let errors = answer.get_mut("errors").and_then(Value::as_array_mut);
        for error in errors.into_iter().flatten().filter_map(Value::as_object_mut) {
            error.remove("locations");
        }
        let mut text = answer.to_string();
        for (name, value) in &self.names {
            if value.parse::<i64>().is_err() {
                text = text.replace(&value.replace(' ', "%20"), name).replace(value.as_str(), name);
                continue;
            }
            // A number is one of the request only where a text says so.
            for (before, after) in
                [("identifier ", " "), ("pk \\\"", "\\\""), ("device ", " "), ("\"value\":\"", "\"")]
            {
                let given = format!("{before}{value}{after}");
                text = text.replace(&given, &format!("{before}{{number}}{after}"));
            }
        }
        text
    }
}
