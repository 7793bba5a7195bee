//! HTTP client for a server: the one that has this directory open (by its local token), or another machine's (by an
//! API key).

use std::path::Path;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Map, Value, json};

use super::progress::ProgressReporter;
use super::server_file::ServerFile;
use crate::api::{control, pinned_certificate};
use crate::app::control::{Command, CommandMessage, CommandOutcome};
use crate::app::sql::SqlResult;
use crate::domain::{Error, Kind, Result};

const ARROW_MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// Client of one server, with its credentials.
pub struct RemoteClient {
    client: Client,
    base: Url,
}

impl RemoteClient {
    /// Connects to the server on this directory, acting in an organization.
    pub fn connect_local(running: &ServerFile, data_dir: &Path, org: Option<&str>) -> Result<RemoteClient> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, secret(&format!("Local {}", running.token))?);
        if let Some(slug) = org {
            let value = HeaderValue::from_str(slug)
                .map_err(|e| Error::field("org", format!("`{slug}` is not a slug")).with_source(e))?;
            headers.insert("x-basalt-org", value);
        }
        // Two processes of one machine must not talk through a proxy of the environment.
        let client = Client::builder().no_proxy();
        let client = match &running.certificate {
            Some(pem) => {
                let data_dir = data_dir.to_owned();
                let published = move || ServerFile::read(&data_dir)?.certificate;
                let config = pinned_certificate::client_config_trusting(pem, Box::new(published))?;
                client.use_preconfigured_tls(config)
            }
            // Reading the machine's certificates costs more than most commands.
            None => client.tls_built_in_root_certs(false),
        };
        RemoteClient::new(&running.url, headers, client)
    }

    /// Connects to another machine's server.
    pub fn connect_with_key(url: &str, key: &str) -> Result<RemoteClient> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, secret(&format!("ApiKey {key}"))?)]);
        RemoteClient::new(url, headers, Client::builder())
    }

    fn new(url: &str, headers: HeaderMap, client: reqwest::ClientBuilder) -> Result<RemoteClient> {
        let base = Url::parse(url).ok().filter(|u| u.has_host() && matches!(u.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| {
            Error::field("url", format!("`{url}` is not a server: use one such as http://plant:8000"))
        })?;
        let client = client
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(10))
            // Credentials go only to the server that was named.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| Error::internal("the HTTP client cannot be set up").with_source(e))?;
        Ok(RemoteClient { client, base })
    }

    /// Runs a command in the server and shows its progress.
    pub async fn run(&self, command: &Command) -> Result<CommandOutcome> {
        let answer = self.send(self.client.post(self.endpoint(control::PATH)).json(command)).await?;
        let mut shown = ProgressReporter::new("", 0);
        // Only the new part of a long line is searched.
        let (mut parts, mut text, mut seen) = (answer.bytes_stream(), Vec::new(), 0);
        while let Some(part) = parts.next().await {
            text.extend_from_slice(&part.map_err(|e| self.unreachable(e))?);
            while let Some(end) = text[seen..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=seen + end).collect();
                seen = 0;
                let reply = serde_json::from_slice(&line);
                match reply
                    .map_err(|e| Error::internal("the server sent an unexpected answer").with_source(e))?
                {
                    CommandMessage::Progress(step) => shown.show_step(&step),
                    CommandMessage::Failed { kind, message } => return Err(Error::new(kind, message)),
                    CommandMessage::Done(outcome) => {
                        shown.finish();
                        return Ok(outcome);
                    }
                }
            }
            seen = text.len();
        }
        Err(Error::unavailable("the server ended before the command did"))
    }

    /// Runs a query with the rights of the key; the rows are decoded while they arrive.
    pub async fn sql(&self, query: &str) -> Result<SqlResult> {
        self.post_query(self.endpoint("/sql"), &json!({ "query": query })).await
    }

    /// Runs a named query with parameters by name.
    pub async fn named_query(&self, name: &str, params: &Map<String, Value>) -> Result<SqlResult> {
        let mut url = self.endpoint("/sql/queries");
        url.path_segments_mut().expect("it has a host").push(name);
        self.post_query(url, &json!({ "params": params })).await
    }

    /// Requests Arrow whatever the output format: one format to decode, and types arrive unchanged.
    async fn post_query(&self, url: Url, request: &Value) -> Result<SqlResult> {
        let answer = self.send(self.client.post(url).header(ACCEPT, ARROW_MEDIA_TYPE).json(request)).await?;
        let cut_short = |e: reqwest::Error| Error::unavailable("the answer was cut short").with_source(e);
        decode(answer.bytes_stream().map(move |part| part.map_err(cut_short)).boxed()).await
    }

    /// Posts one Arrow stream; returns the number of rows written.
    pub async fn ingest(&self, arrow_stream: Vec<u8>) -> Result<u64> {
        let request = self
            .client
            .post(self.endpoint("/ingest"))
            .header(CONTENT_TYPE, ARROW_MEDIA_TYPE)
            .body(arrow_stream);
        let answer: Value = self.send(request).await?.json().await.map_err(|e| self.unreachable(e))?;
        answer["rows"].as_u64().ok_or_else(|| Error::internal("the server did not say how many rows it took"))
    }

    /// Returns the rows of a DataStone list.
    pub async fn list(&self, path: &str, filter: &[(&str, &str)]) -> Result<Vec<Value>> {
        let answer = self.send(self.client.get(self.endpoint(path)).query(filter)).await?;
        answer.json().await.map_err(|e| self.unreachable(e))
    }

    /// Returns the version of the server.
    pub async fn version(&self) -> Result<String> {
        let answer = self.send(self.client.get(self.endpoint("/api/system/"))).await?;
        let status: Value = answer.json().await.map_err(|e| self.unreachable(e))?;
        let version = status["version"].as_str().map(str::to_owned);
        version.ok_or_else(|| Error::internal("the server did not say its version"))
    }

    /// Creates a DataStone row and returns it.
    pub async fn create(&self, path: &str, row: &Value) -> Result<Value> {
        let answer = self.send(self.client.post(self.endpoint(path)).json(row)).await?;
        answer.json().await.map_err(|e| self.unreachable(e))
    }

    /// Changes a DataStone row and returns it.
    pub async fn update(&self, path: &str, change: &Value) -> Result<Value> {
        let answer = self.send(self.client.patch(self.endpoint(path)).json(change)).await?;
        answer.json().await.map_err(|e| self.unreachable(e))
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = request.send().await.map_err(|e| self.unreachable(e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.text().await.unwrap_or_default();
        Err(Error::new(error_kind(status), error_message(status, &body)))
    }

    fn unreachable(&self, cause: reqwest::Error) -> Error {
        let mut deepest: &dyn std::error::Error = &cause;
        while let Some(inner) = deepest.source() {
            deepest = inner;
        }
        Error::unavailable(format!("{} did not answer: {deepest}", self.base))
    }
}

fn secret(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::field("key", "an API key has only visible ASCII characters"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn error_kind(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        410 => Kind::Gone,
        413 => Kind::TooLarge,
        408 | 504 => Kind::Timeout,
        429 | 503 => Kind::Busy,
        400..500 => Kind::Invalid,
        502 => Kind::DeviceFault,
        _ => Kind::Internal,
    }
}

/// Returns the server's message: `detail` or `error`, else the messages by field, else the body.
pub(super) fn error_message(status: StatusCode, body: &str) -> String {
    let Ok(Value::Object(body)) = serde_json::from_str(body) else {
        let first = body.lines().next().unwrap_or_default().trim();
        return format!("the server answered {status} {first}").trim_end().to_owned();
    };
    if let Some(text) = body.get("detail").or(body.get("error")).and_then(Value::as_str) {
        return text.to_owned();
    }
    let of_field = |(field, messages): (&String, &Value)| match messages.as_array() {
        Some(all) => {
            format!("{field}: {}", all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        None => format!("{field}: {messages}"),
    };
    body.iter().map(of_field).collect::<Vec<_>>().join("; ")
}

struct BatchDecoder {
    parts: BoxStream<'static, Result<bytes::Bytes>>,
    decoder: StreamDecoder,
    buffer: Buffer,
}

impl BatchDecoder {
    /// Returns the next batch, or `None` at the end; waits for bytes as needed.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let garbled = |e: arrow::error::ArrowError| Error::internal("the answer is not Arrow").with_source(e);
        loop {
            if let Some(batch) = self.decoder.decode(&mut self.buffer).map_err(garbled)? {
                return Ok(Some(batch));
            }
            match self.parts.next().await.transpose()? {
                Some(part) => self.buffer = Buffer::from(part),
                None => {
                    self.decoder.finish().map_err(garbled)?;
                    return Ok(None);
                }
            }
        }
    }
}

async fn decode(parts: BoxStream<'static, Result<bytes::Bytes>>) -> Result<SqlResult> {
    let mut incoming = BatchDecoder { parts, decoder: StreamDecoder::new(), buffer: Buffer::default() };
    // The schema arrives with or before the first batch, or alone when there are no rows.
    let first = incoming.next().await?;
    let schema = incoming.decoder.schema().ok_or_else(|| Error::internal("the answer has no columns"))?;
    let rest = stream::try_unfold(incoming, |mut incoming| async move {
        Ok(incoming.next().await?.map(|batch| (batch, incoming)))
    });
    Ok(SqlResult { schema, batches: stream::iter(first.map(Ok)).chain(rest).boxed() })
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
