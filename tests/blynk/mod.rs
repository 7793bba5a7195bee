//! Blynk's organization API over a real socket: each test a table of requests and answers.

mod access;
mod batch_update;
mod examples;
mod import;
mod property;
mod reads;
mod token;
mod updates;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, rows};

/// The preset client of every server here.
const CLIENT: &str = "plant:0123456789abcdef0123456789abcdef";

/// 2026-04-28T12:00:00Z, in milliseconds.
const NOON: i64 = 1_777_377_600_000;

pub const DATASTREAMS: &str = "/api/v2/organization/device/datastreams";
pub const BATCH: &str = "/api/v1/organization/device/datastreams/batch";
pub const HISTORY: &str = "/api/v1/organization/device/datastream/history";
pub const UPDATE: &str = "/api/v1/organization/device/datastream";
pub const UPDATE_MANY: &str = "/api/v1/organization/device/datastreams";
pub const BATCH_UPDATE: &str = "/api/v1/organization/product/devices/batch-update";
pub const IMPORT: &str = "/api/v1/organization/device/import/batch";
const PROPERTY: &str = "/api/v1/organization/device/datastream/property";

/// A server with a device and a stream, as in the worked examples: `Press 1` with `Motor RPM`, its first stream.
struct Plant {
    server: Server,
    /// The key of the server.
    client: Client,
    /// A token of the preset client.
    blynk: TokenClient,
    device: i64,
    stream: i64,
}

impl Plant {
    async fn start() -> Plant {
        Plant::start_with(&[]).await
    }

    /// Starts one with these variables as well.
    async fn start_with(env: &[(&str, &str)]) -> Plant {
        let env = [&[("BASALT_BOOTSTRAP_BLYNK", CLIENT)], env].concat();
        let (server, client) = Server::with_client(&env).await;
        let device = device(&client, json!({"name": "Press 1"})).await;
        let stream = stream(&client, json!({"name": "Motor RPM", "device": device})).await;
        let blynk = TokenClient::of(&client, CLIENT).await;
        Plant { server, client, blynk, device, stream }
    }

    /// Posts a value over DataStone, so many milliseconds after noon, less than a second.
    async fn post(&self, stream: i64, ms: i64, value: Value) {
        let timestamp = format!("2026-04-28T12:00:00.{ms:03}Z");
        let path = format!("/api/data/{stream}/value/");
        let answer = self.client.post(&path, &json!({"timestamp": timestamp, "value": value})).await;
        answer.expect_one_of(&[201, 200]);
    }

    /// The values of a stream as DataStone lists them, the oldest first.
    async fn values(&self, stream: i64) -> Vec<Value> {
        self.client.get(&format!("/api/data/{stream}/value/?from=0")).await.column("value")
    }

    /// The current value of a datastream; null before the first.
    async fn current(&self, device: i64, datastream: i64) -> Value {
        let path = format!("{DATASTREAMS}?deviceId={device}&dataStreamIds={datastream}");
        self.blynk.get(&path).await.ok()[0]["value"].clone()
    }

    /// Creates a client with these arguments besides API and name; its id and secret.
    async fn issue(&self, args: &[&str]) -> String {
        let args = [&["client", "create", "--api", "blynk", "--name", "test"], args].concat();
        let printed = self.server.basalt(&args).await.expect_success();
        let part = |name: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {printed}")).to_owned()
        };
        format!("{}:{}", part("client_id="), part("client_secret="))
    }

    /// A token of `ann` by a client with this role.
    async fn of_role(&self, role: &str) -> TokenClient {
        let client = self.issue(&["--role", role]).await;
        let query = "grant_type=password&username=ann&password=correct%20horse";
        let pair = request_token(&self.client, &client, query).await.about(&role).ok();
        TokenClient::new(&self.client, pair["access_token"].as_str().unwrap())
    }
}

/// Creates a virtual device.
async fn device(client: &Client, mut body: Value) -> i64 {
    body["protocol"] = json!("virtual");
    client.create("/api/device/", &body).await
}

async fn stream(client: &Client, body: Value) -> i64 {
    client.create("/api/data/", &body).await
}

/// Asks for a token with HTTP Basic; `credentials` are `id:secret`.
pub async fn request_token(client: &Client, credentials: &str, query: &str) -> Answer {
    let basic = format!("Basic {}", BASE64.encode(credentials));
    let path = format!("/oauth2/token?{query}");
    client.without_key().send("POST", &path, &[("authorization", &basic)], "").await
}

/// A client with a bearer token, or without one.
#[derive(Clone)]
pub struct TokenClient {
    client: Client,
    authorization: Option<String>,
}

impl TokenClient {
    pub fn new(client: &Client, token: &str) -> TokenClient {
        TokenClient { client: client.without_key(), authorization: Some(format!("Bearer {token}")) }
    }

    /// One without credentials.
    fn anonymous(client: &Client) -> TokenClient {
        TokenClient { client: client.without_key(), authorization: None }
    }

    /// One with a token of the client `id:secret` itself.
    pub async fn of(client: &Client, credentials: &str) -> TokenClient {
        let pair = request_token(client, credentials, "grant_type=client_credentials").await.ok();
        TokenClient::new(client, pair["access_token"].as_str().unwrap())
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
        self.client.send(method, path, &headers, body.to_owned()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string()).await
    }

    /// Runs the requests in order and compares status and body; null as body of a request is a GET.
    async fn check(&self, rows: Vec<(String, Value, u16, Value)>) {
        for (path, body, status, expected) in rows {
            let answer = match body {
                Value::Null => self.get(&path).await,
                _ => self.post(&path, &body).await,
            };
            answer.is(status, &expected);
        }
    }
}

/// The body of an error.
fn error(message: &str) -> Value {
    json!({"error": {"message": message}})
}

fn no_device(id: i64) -> Value {
    error(&format!("Device with identifier {id} is not found or belong to another organization."))
}

fn no_datastream(id: &str) -> Value {
    error(&format!("Data stream with identifier {id} is not found!"))
}

/// A good request to every endpoint about this device and its first datastream: path, and the body of a POST.
fn good_requests(device: i64) -> [(String, Value); 8] {
    rows![
        format!("{DATASTREAMS}?deviceId={device}"), Value::Null;
        format!("{BATCH}?deviceIds={device}"), Value::Null;
        format!("{HISTORY}?deviceId={device}&dataStreamId=1&from=0&to={NOON}"), Value::Null;
        UPDATE.to_owned(), json!({"deviceId": device, "dataStreamId": 1, "value": 5});
        UPDATE_MANY.to_owned(), json!({"deviceId": device, "dataStreams": [{"dataStreamId": 1, "value": 5}]});
        BATCH_UPDATE.to_owned(), json!({"fields": ["deviceId", "Motor_RPM"], "updates": [[device, 5]]});
        IMPORT.to_owned(), json!({"deviceId": device, "dataStreamId": 1, "values": [{"value": 5, "ts": NOON}]});
        PROPERTY.to_owned(), json!({"deviceId": device, "dataStreamId": 1, "property": "color", "value": "#FF0000"});
    ]
}
