//! The MK platform's REST API over a real socket: each test a table of requests and answers.

mod access;
mod alerts;
mod alerts_crash;
mod alerts_devices;
mod annotations;
mod billing;
mod commands;
mod configuration;
mod dashboards;
mod devices;
mod documents;
mod events;
mod export_jobs;
mod exports;
mod firmware;
mod lists;
mod mail_sink;
mod media;
mod media_real;
mod media_support;
mod mqtt;
mod notifications;
mod object_bucket;
mod packs;
mod provisioning;
mod quarantine;
mod readings;
mod roles;
mod round_trips;
mod surfaces;
mod validation;
mod webhook_receiver;

use std::fmt::Debug;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::{Answer, Client, DataDir, Server};

/// The preset key of every server here, of an administrator.
const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef0123456789a";

/// Secret of the users' tokens.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An id that nobody has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// So many requests that tests meet no limit.
const NO_RATE: (&str, &str) = ("BASALT_MK__RATE", "1000000/s");

/// A server, and callers of its platform.
struct Platform {
    server: Server,
    client: Client,
    /// UUID of the organization.
    org: String,
    admin: Caller,
}

/// A caller with a bearer token, or without one.
#[derive(Clone)]
struct Caller {
    client: Client,
    authorization: Option<String>,
}

impl Platform {
    async fn start() -> Platform {
        Platform::start_with(&[NO_RATE]).await
    }

    /// Starts one, with the caller that may do everything.
    async fn with_admin() -> (Platform, Caller) {
        let platform = Platform::start().await;
        let admin = platform.admin.clone();
        (platform, admin)
    }

    /// Starts one with these variables as well.
    async fn start_with(env: &[(&str, &str)]) -> Platform {
        Platform::start_in(Arc::new(DataDir::new()), env).await
    }

    /// Starts one on a directory that may have been used before.
    async fn start_in(home: Arc<DataDir>, env: &[(&str, &str)]) -> Platform {
        let env = [&[("BASALT_BOOTSTRAP_MK", KEY), ("BASALT_MK__JWT_SECRET", SECRET)], env].concat();
        let server = Server::start_in(home, &env).await;
        let client = server.client();
        let admin = Caller::new(&client, KEY);
        let org = admin.get("/api/v1/organization").await.ok();
        let org = org["id"].as_str().unwrap().to_owned();
        Platform { server, client, org, admin }
    }

    /// A caller with a new key of this role.
    async fn key_of(&self, role: &str) -> Caller {
        let made = self.admin.create("/api/v1/api-keys", json!({"name": role, "role": role})).await;
        Caller::new(&self.client, made["key"].as_str().unwrap())
    }

    /// A caller of each role, and what the case says of the role: owner, admin, member, readonly.
    async fn callers<T>(&self, [owner, admin, member, readonly]: [T; 4]) -> [(&'static str, Caller, T); 4] {
        [
            ("owner", self.user(&self.org, "owner"), owner),
            ("admin", self.admin.clone(), admin),
            ("member", self.key_of("member").await, member),
            ("readonly", self.key_of("readonly").await, readonly),
        ]
    }

    /// A user of this role in an organization.
    fn user(&self, org: &str, role: &str) -> Caller {
        let claims = json!({"sub": "user_8f2c", "org": org, "role": role, "exp": 4_000_000_000_i64});
        Caller::new(&self.client, &token(&claims))
    }

    /// The administrator of another organization.
    async fn stranger(&self) -> Caller {
        self.server.basalt(&["org", "create", "other"]).await.expect_success();
        let args = ["client", "create", "--api", "mk", "--name", "theirs", "--org", "other"];
        let printed = self.server.basalt(&args).await.expect_success();
        // Its public id is the beginning of the key.
        let keys = printed.split_whitespace().filter_map(|word| word.find("sk_live_").map(|at| &word[at..]));
        let key = keys.max_by_key(|key| key.len());
        Caller::new(&self.client, key.unwrap_or_else(|| panic!("no key in {printed}")))
    }
}

/// A JSON web token of the users' issuer.
fn token(claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", BASE64.encode(tag))
}

impl Caller {
    fn new(client: &Client, token: &str) -> Caller {
        Caller { client: client.without_key(), authorization: Some(format!("Bearer {token}")) }
    }

    fn anonymous(client: &Client) -> Caller {
        Caller { client: client.without_key(), authorization: None }
    }

    /// Sends a request with more headers; a null body is none.
    async fn send_with(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = more.to_vec();
        let text = if body.is_null() { String::new() } else { body.to_string() };
        if !text.is_empty() && !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
        self.client.send(method, path, &headers, text).await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, &[], body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null).await
    }

    /// Creates a row and returns it.
    async fn create(&self, path: &str, body: Value) -> Value {
        self.send("POST", path, &body).await.created_in(path)
    }

    /// Creates a row of a noun, such as `devices`; its id.
    async fn make(&self, noun: &str, body: Value) -> String {
        id(&self.create(&format!("/api/v1/{noun}"), body).await)
    }

    /// Deletes a row, which is there once.
    async fn delete_once(&self, path: &str) {
        for expected in [204, 404] {
            self.send("DELETE", path, &Value::Null).await.expect(expected);
        }
    }

    /// Returns the status of a request.
    async fn status(&self, method: &str, path: &str, body: &Value) -> u16 {
        self.send(method, path, body).await.status
    }
}

impl Answer {
    /// The row that was created; the answer says where it is in its collection.
    #[track_caller]
    fn created_in(self, collection: &str) -> Value {
        let row = self.clone().created();
        self.with_header("location", &format!("{collection}/{}", id(&row)));
        row
    }

    /// Expects a refusal with exactly these field errors, which are in the order of the fields.
    #[track_caller]
    fn has_field_errors<T>(self, status: u16, expected: &[T]) -> Value
    where
        String: PartialEq<T>,
        T: Debug,
    {
        let is_same = self.status == status && field_errors(&self.body) == *expected;
        assert!(is_same, "{self}\n  expected {status} {expected:?}");
        self.body
    }
}

/// The id of a row.
fn id(row: &Value) -> String {
    row["id"].as_str().unwrap_or_else(|| panic!("no id: {row}")).to_owned()
}

/// A problem without field errors.
fn problem(status: u16, title: &str, detail: &str, instance: &str) -> Value {
    json!({"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": instance})
}

/// The field errors of a problem, as `field: message`, in the order of the fields.
fn field_errors(problem: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let mut lines: Vec<_> = errors
        .iter()
        .map(|error| format!("{}: {}", text(&error["field"]), text(&error["message"])))
        .collect();
    lines.sort();
    lines
}
