//! A small HTTP client: a method, a path, perhaps a body; back come status, headers and body.

use std::time::Duration;

use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};

use super::Answer;

/// Maximum duration of a request unless `with_timeout` sets another; a response that takes longer is a failure.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes of a request's body that messages show.
const MOST_SHOWN: usize = 4096;

/// Asks one server, with one key or none.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
    timeout: Duration,
}

impl Client {
    pub fn new(url: &str, key: &str) -> Client {
        // A proxy of the environment has no business here. Reading the machine's certificates takes a debug build some 30 ms,
        // for every client.
        let http = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false);
        let http = http.build().expect("a client");
        Client { http, url: url.to_owned(), key: Some(key.to_owned()), timeout: REQUEST_TIMEOUT }
    }

    pub fn with_key(&self, key: &str) -> Client {
        Client { key: Some(key.to_owned()), ..self.clone() }
    }

    pub fn without_key(&self) -> Client {
        Client { key: None, ..self.clone() }
    }

    /// Returns a client for which a request that takes longer than `timeout`, its body included, is a failure.
    pub fn with_timeout(&self, timeout: Duration) -> Client {
        Client { timeout, ..self.clone() }
    }

    /// Host and port, for requests made by hand.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PUT", path, body).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PATCH", path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "").await
    }

    /// Creates a row, which must succeed; its number.
    pub async fn create(&self, path: &str, body: &Value) -> i64 {
        let row = self.post(path, body).await.created();
        row["id"].as_i64().unwrap_or_else(|| panic!("no id: {row}"))
    }

    /// Posts rows to /ingest in the given media type.
    pub async fn ingest(&self, media: &str, body: impl Into<Body>) -> Answer {
        self.send("POST", "/ingest", &[("content-type", media)], body).await
    }

    /// The rows a query answers, which it must.
    pub async fn sql(&self, query: &str) -> Vec<Value> {
        match self.try_sql(query).await {
            Answer { status: 200, body: Value::Array(rows), .. } => rows,
            other => panic!("{other}"),
        }
    }

    /// Asks a query, whatever comes of it.
    pub async fn try_sql(&self, query: &str) -> Answer {
        self.post("/sql", &json!({ "query": query })).await
    }

    pub async fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.send_bytes(method, path, headers, body).await.map(|bytes| read_body(&bytes))
    }

    /// Sends a request; the body of the answer is as it came.
    pub async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer<Vec<u8>> {
        let answer = self.try_send_bytes(method, path, headers, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path} was not answered: {error:?}"))
    }

    /// Sends a request; an error is a connection that failed or was cut, as when the server is killed meanwhile.
    pub async fn try_send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> reqwest::Result<Answer<Vec<u8>>> {
        let builder =
            headers.iter().fold(self.request(method, path), |r, (name, value)| r.header(*name, *value));
        let body = body.into();
        let request = format!("{method} {path} {}", show_sent(&body));
        let answer = builder.body(body).send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { request, status, headers, body: answer.bytes().await?.to_vec() })
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.url)).timeout(self.timeout);
        match &self.key {
            Some(key) => request.header("authorization", format!("ApiKey {key}")),
            None => request,
        }
    }
}

/// The beginning of the body of a request, for messages.
fn show_sent(body: &Body) -> String {
    let bytes = body.as_bytes().unwrap_or_default();
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_SHOWN)]).into_owned()
}

fn read_body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
}
