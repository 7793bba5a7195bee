//! The Instathings cloud: REST and the WebSocket of a server, with clients of two organizations.

mod certificates;
mod control;
mod curl;
mod data;
mod devices;
mod rate;
mod refusals;
mod socket;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Server};

/// The client that the server is started with.
const CLIENT: &str = "cloud";
const SECRET: &str = "cloud-secret-0123456789";
/// 2026-04-28T12:00:00Z, in seconds.
const NOON_S: i64 = 1_777_377_600;
/// More requests than any test makes.
const NO_LIMIT: (&str, &str) = ("BASALT_INSTATHINGS__RATE", "1000000/s");

/// A server and a token of the project `default`.
struct Project {
    server: Server,
    token: String,
}

impl Project {
    async fn start() -> Project {
        Project::start_with(&[]).await
    }

    /// Starts one with a gateway and a device below it; the keys of both.
    async fn with_gateway() -> (Project, String, String) {
        let project = Project::start().await;
        let (gateway, sub) = project.gateway().await;
        (project, gateway, sub)
    }

    async fn start_with(env: &[(&str, &str)]) -> Project {
        let preset = format!("{CLIENT}:{SECRET}");
        let env = [&[("BASALT_BOOTSTRAP_INSTATHINGS", preset.as_str()), NO_LIMIT], env].concat();
        let server = Server::start(&env).await;
        let token = token(&server.client(), CLIENT, SECRET).await;
        Project { server, token }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        call(&self.server.client(), &self.token, method, path, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null).await
    }

    /// Creates a device; returns it.
    async fn device(&self, body: Value) -> Value {
        self.call("POST", "/device/v1/devices", &body).await.created()
    }

    /// Creates a gateway with a device below it; returns the keys of both.
    async fn gateway(&self) -> (String, String) {
        let gateway = self.device(json!({"name": "gateway", "isGateway": true})).await;
        let sub = self.device(json!({"name": "sensor", "parentDevice": gateway["id"]})).await;
        (text(&gateway["id"]), text(&sub["id"]))
    }

    /// Id of a device in the native API.
    async fn native_id(&self, key: &str) -> Value {
        let devices = self.server.client().get("/api/device/").await.body;
        let rows = devices.as_array().expect("a list");
        let found = rows.iter().find(|device| device["key"] == key);
        found.unwrap_or_else(|| panic!("{key} in {devices}"))["id"].clone()
    }

    /// Reports something about a device, as its gateway does.
    async fn report(&self, key: &str, what: &str, body: &Value) {
        let path = format!("/api/device/{}/{what}/", self.native_id(key).await);
        self.server.client().post(&path, body).await.expect(202);
    }

    /// A token of another organization, whose slug and name are given.
    async fn foreign_token(&self, org: &str) -> String {
        self.server.basalt(&["org", "create", org]).await.expect_success();
        let args = ["client", "create", "--api", "instathings", "--name", "x", "--org", org];
        let printed = self.server.basalt(&args).await.expect_success();
        let line = |name: &str| {
            let found = printed.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            found.unwrap_or_else(|| panic!("{name} in {printed}")).to_owned()
        };
        token(&self.server.client(), &line("clientId"), &line("clientSecret")).await
    }
}

/// Sends a request with a token. A body that is null is none.
pub async fn call(client: &Client, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.without_key().send(method, path, &headers, body).await
}

/// Asks for a token.
pub async fn token(client: &Client, id: &str, secret: &str) -> String {
    let body = json!({"clientId": id, "clientSecret": secret});
    let answer = client.without_key().post("/authentication/v1/oauth/token", &body).await.ok();
    assert_eq!(answer.as_object().map(|members| members.len()), Some(1), "{answer}");
    text(&answer["access_token"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn message(text: &str) -> Value {
    json!({ "message": text })
}
