//! A plant whose gateways are seen by the Instathings cloud: documents, commands, certificates.

use serde_json::{Value, json};

use super::Plant;
use crate::instathings;
use crate::support::Answer;

const CLIENT: &str = "cloud";
const SECRET: &str = "cloud-secret-0123456789";

pub struct Cloud {
    pub plant: Plant,
    token: String,
}

impl Cloud {
    pub async fn start(env: &[(&str, &str)]) -> Cloud {
        let preset = format!("{CLIENT}:{SECRET}");
        let plant =
            Plant::start_with(&[&[("BASALT_BOOTSTRAP_INSTATHINGS", preset.as_str())], env].concat()).await;
        let token = instathings::token(&plant.client(), CLIENT, SECRET).await;
        Cloud { plant, token }
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        instathings::call(&self.plant.client(), &self.token, method, path, body).await
    }

    /// Has a device set something, by a body as it is written.
    pub async fn set(&self, device: &str, body: &str) {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let path = format!("/device/v1/control/{device}/set");
        self.plant.client().without_key().send("POST", &path, &headers, body.to_owned()).await.ok();
    }

    /// Creates a device; its key.
    pub async fn device(&self, body: Value) -> String {
        let device = self.call("POST", "/device/v1/devices", &body).await.created();
        device["id"].as_str().expect("an id").to_owned()
    }

    /// Creates a gateway of this name; its key.
    pub async fn gateway(&self, name: &str) -> String {
        self.device(json!({"name": name, "isGateway": true})).await
    }
}
