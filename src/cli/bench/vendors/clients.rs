//! Credentials of the vendors' APIs, and the devices that are asked about.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cli::bench::dataset::Dataset;
use crate::cli::bench::http::HttpConnection;
use crate::cli::bench::server::BenchServer;
use crate::domain::{Error, Result};

/// Calls one server with tokens of all three vendors.
#[derive(Clone)]
pub struct VendorClient {
    pub address: String,
    /// Lines of a head.
    pub native: String,
    pub blynk: String,
    pub instathings: String,
    /// Token of the Instathings cloud.
    pub token: String,
    /// Slug of the organization.
    pub project: String,
    /// Keys of the devices, in the order of `devices`.
    pub keys: Vec<String>,
    pub devices: Vec<i32>,
    pub streams_each: usize,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudDevice {
    id: String,
    project_id: String,
}

impl VendorClient {
    /// Creates clients on the server and gets their tokens.
    pub async fn connect(server: &BenchServer, plant: &Dataset) -> Result<VendorClient> {
        let (id, secret) = server.create_client("instathings").await?;
        let body = json!({"clientId": id, "clientSecret": secret});
        let url = server.url("/authentication/v1/oauth/token");
        let Token { access_token: token } = receive(server.client.post(url).json(&body)).await?;
        let (id, secret) = server.create_client("blynk").await?;
        let url = server.url("/oauth2/token?grant_type=client_credentials");
        let blynk: Token = receive(server.client.post(url).basic_auth(id, Some(secret))).await?;
        let known = server.client.get(server.url("/device/v1/devices")).bearer_auth(&token);
        let known: Vec<CloudDevice> = receive(known).await?;
        let devices = server.ids("SELECT id FROM devices ORDER BY id").await?;
        let project = known.first().map(|device| device.project_id.clone());
        Ok(VendorClient {
            address: server.address.clone(),
            native: format!("X-API-Key: {}", server.key),
            blynk: format!("Authorization: Bearer {}", blynk.access_token),
            instathings: format!("Authorization: Bearer {token}"),
            token,
            project: project.ok_or_else(|| Error::internal("the plant has no device"))?,
            keys: known.into_iter().map(|device| device.id).collect(),
            devices,
            streams_each: plant.plant.streams / plant.plant.devices,
        })
    }

    /// Opens a new connection to the server; every request on it names its own credential.
    pub fn connection(&self) -> Result<HttpConnection> {
        HttpConnection::open(&self.address)
    }

    /// Key of another device each round.
    pub fn key(&self, round: usize) -> &str {
        &self.keys[round * 37 % self.keys.len()]
    }

    /// Id of another device each round.
    pub fn device(&self, round: usize) -> i32 {
        self.devices[round * 37 % self.devices.len()]
    }
}

async fn receive<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T> {
    let refused = |e| Error::unavailable("the bench's server refused a vendor's client").with_source(e);
    let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(refused)?;
    answer.json().await.map_err(refused)
}
