//! A server with credentials for every vocabulary, and devices that were created by four of them.

use serde_json::{Value, json};

use super::content::Kind;
use super::facts;
use super::model::{Device, Model, SECOND, Stream};
use crate::blynk::{self, TokenClient};
use crate::support::{Answer, Client, Server};
use crate::{graphql, instathings, opensynaptic};

/// 2026-04-28T12:00:00Z, in microseconds.
pub const NOON: i64 = 1_777_377_600 * SECOND;
/// Client of Blynk, and client of Instathings: id and secret.
const BLYNK: &str = "plant:0123456789abcdef0123456789abcdef";
const CLOUD: (&str, &str) = ("cloud", "cloud-secret-0123456789");

/// Streams of a device with their units. The first three are those of the small device.
const STREAMS: [(&str, Kind, &str); 9] = [
    ("Motor RPM", Kind::Fp64, "rpm"),
    ("Count", Kind::Int32, ""),
    ("Note", Kind::Text, ""),
    ("Total", Kind::Uint64, "kWh"),
    ("Running", Kind::Bit, ""),
    ("Mode", Kind::Enum, ""),
    ("Place", Kind::Location, ""),
    ("Config", Kind::Json, ""),
    ("Level", Kind::Fp64, "%"),
];
/// The stream whose values Blynk bounds, and its bounds.
const BOUNDED: (&str, (f64, f64)) = ("Level", (0.0, 100.0));

pub struct Plant {
    pub server: Server,
    /// A client of the native interfaces that may do everything.
    pub client: Client,
    pub blynk: TokenClient,
    /// The pair of tokens that `blynk` has the access token of.
    pub pair: Value,
    /// A token of Instathings.
    pub cloud: String,
}

impl Plant {
    /// Starts a server and creates the devices. Commands outlast the test.
    pub async fn start() -> (Plant, Model) {
        let cloud = format!("{}:{}", CLOUD.0, CLOUD.1);
        let env = [
            ("BASALT_BOOTSTRAP_BLYNK", BLYNK),
            ("BASALT_BOOTSTRAP_INSTATHINGS", cloud.as_str()),
            ("BASALT_INSTATHINGS__RATE", "1000000/s"),
            ("BASALT_ONPREMISE__ENABLED", "true"),
            ("BASALT_ONPREMISE__PORT", "0"),
            ("BASALT_COMMAND__TTL", "3600s"),
        ];
        let (server, client) = Server::with_client(&env).await;
        let pair = blynk::request_token(&client, BLYNK, "grant_type=client_credentials").await.ok();
        let blynk = TokenClient::new(&client, text(&pair["access_token"]));
        let cloud = instathings::token(&client, CLOUD.0, CLOUD.1).await;
        let plant = Plant { server, client, blynk, pair, cloud };
        let model = plant.devices().await;
        (plant, model)
    }

    /// Exchanges the refresh token of the pair.
    pub async fn refresh(&self) -> Answer {
        let refresh = text(&self.pair["refresh_token"]);
        let query = format!("grant_type=refresh_token&refresh_token={refresh}");
        blynk::request_token(&self.client, BLYNK, &query).await
    }

    /// Sends a request of the Instathings cloud.
    pub async fn cloud(&self, method: &str, path: &str, body: &Value) -> Answer {
        instathings::call(&self.client, &self.cloud, method, path, body).await
    }

    /// A client of the on-premise interface, whose address differs after a restart.
    pub fn onpremise(&self) -> Client {
        Client::new(&format!("http://{}", self.server.onpremise_address()), "").without_key()
    }

    /// A client without credentials, as OpenSynaptic takes it.
    pub fn stranger(&self) -> Client {
        self.client.without_key()
    }

    /// Reads something that has to be there.
    pub async fn get(&self, path: &str) -> Value {
        self.client.get(path).await.ok()
    }

    /// Creates something over REST.
    async fn create(&self, path: &str, body: &Value) -> Value {
        self.client.post(path, body).await.created()
    }

    /// Creates a device over DataStone, Instathings, GraphQL and by a fact each.
    async fn devices(&self) -> Model {
        let mut model = Model::default();
        let press = self.create("/api/device/", &json!({"name": "Press 1", "protocol": "virtual"})).await;
        self.add_device(&mut model, &press["id"]).await;
        let gateway = json!({"name": "gateway", "isGateway": true});
        let gateway = self.cloud("POST", "/device/v1/devices", &gateway).await.created();
        let devices = self.get("/api/device/").await;
        let mut rows = devices.as_array().expect("a list").iter();
        let gateway = rows.find(|row| row["key"] == gateway["id"]).expect("it is seen at once");
        self.add_device(&mut model, &gateway["id"]).await;
        for device in 0..2 {
            for (name, kind, unit) in STREAMS {
                let mut row = json!({"name": name, "device": model.devices[device].id, "type": kind.name(), "unit": unit});
                if name == BOUNDED.0 {
                    row["metadata"] = json!({"min": BOUNDED.1.0, "max": BOUNDED.1.1});
                }
                self.create("/api/data/", &row).await;
                self.add_stream(&mut model, device, name, (kind, unit)).await;
            }
        }
        let small: Vec<_> = STREAMS[..3].iter().map(|(name, kind, _)| (*name, kind.name())).collect();
        let (node, _) = graphql::plant(&self.client, "node", &small).await;
        self.add_device(&mut model, &json!(node)).await;
        for (name, kind, _) in &STREAMS[..3] {
            self.add_stream(&mut model, 2, name, (*kind, "")).await;
        }
        self.device_of_a_fact(&mut model).await;
        model
    }

    /// A fact creates its device and stream.
    async fn device_of_a_fact(&self, model: &mut Model) {
        let fact = json!({
            "id": "sensor-9", "s": "ONLINE", "t": NOON / SECOND,
            "s1_id": "Motor RPM", "s1_s": "OK", "s1_u": "1/min", "s1_v": 1.5
        });
        let ids = opensynaptic::ingest(&self.client, &fact).await;
        let devices = self.get("/api/device/").await;
        let mut rows = devices.as_array().expect("a list").iter();
        let device = rows.find(|row| row["external_id"] == "sensor-9").expect("it is seen at once");
        self.add_device(model, &device["id"]).await;
        let stream = self.add_stream(model, 3, "Motor RPM", (Kind::Fp64, "1/min")).await;
        model.write(stream, NOON, &json!(1.5));
        model.stored.push(facts::message(3, NOON, (0, ids[0].clone()), &fact));
    }

    async fn add_device(&self, model: &mut Model, id: &Value) {
        let row = self.get(&format!("/api/device/{id}/")).await;
        model.devices.push(Device {
            id: row["id"].as_i64().expect("an id"),
            key: text(&row["key"]).to_owned(),
            external_id: text(&row["external_id"]).to_owned(),
        });
    }

    /// Adds a stream that is there, which has to be as it was created and the last of its device.
    pub async fn add_stream(
        &self,
        model: &mut Model,
        device: usize,
        name: &str,
        (kind, unit): (Kind, &str),
    ) -> usize {
        let rows = self.get(&format!("/api/data/?device={}", model.devices[device].id)).await;
        let mut rows = rows.as_array().expect("a list").iter();
        let row = rows.find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name} is not there"));
        let channel = 1 + model.streams.iter().filter(|stream| stream.device == device).count();
        let found = (&row["type"], &row["unit"], &row["channel"]);
        assert_eq!(found, (&json!(kind.name()), &json!(unit), &json!(channel)), "{row}");
        model.streams.push(Stream {
            id: row["id"].as_i64().expect("an id"),
            device,
            channel: channel as i64,
            name: name.to_owned(),
            kind,
            unit: unit.to_owned(),
            bounds: row["metadata"].get("min").map(|_| BOUNDED.1),
        });
        model.streams.len() - 1
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
