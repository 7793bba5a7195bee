//! Polls a device that is a URL: one request for all streams of an interval, each of which is a value in the JSON
//! response. The `HttpClient` port decides whether the URL may be reached.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::deadband::PollResult;
use super::device_value::Sample;
use super::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};
use super::json_value;
use super::protocol::{DeviceProtocol, SourceContext};
use super::source::{DeviceSource, GroupedSource, PollSource};
use super::status_cell::DeviceStatusCell;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::device_json;
use crate::domain::http_request::{HttpError, HttpRequest, HttpResponse, check_json_pointer};
use crate::domain::ports::HttpClient;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Clock, Error, FieldError, Result, StreamId};

/// RFC 9110, section 15.
const STATUS_CODE: ErrorCodeFormat =
    ErrorCodeFormat { name: "status", hex_digits: 0, is_named_in_decimal: true };

/// Devices that are a URL.
pub struct Http;

impl DeviceProtocol for Http {
    fn protocol(&self) -> Protocol {
        Protocol::Http
    }

    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        Ok(Box::new(GroupedSource::new(HttpSource::new(device, context)?)))
    }

    /// A device without a URL posts its values itself.
    fn is_polled(&self, device: &DeviceSpec, _: &[Arc<Stream>]) -> bool {
        !device.host.is_empty()
    }

    fn check_path(&self, path: &str) -> Result<(), FieldError> {
        check_json_pointer(path)
    }
}

/// The streams of one interval.
pub struct HttpPollGroup(Vec<JsonTarget>);

struct JsonTarget {
    stream: StreamId,
    kind: StreamKind,
    /// A JSON pointer; empty for the whole document.
    pointer: String,
}

/// Polling source of an HTTP device. It keeps no connection.
pub struct HttpSource {
    request: HttpRequest,
    web: Arc<dyn HttpClient>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

impl HttpSource {
    /// Sends no request yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<HttpSource> {
        Ok(HttpSource {
            request: spec.http_request().map_err(Error::fields)?,
            web: context.web,
            status: context.status,
            clock: context.clock,
        })
    }

    /// Returns the body of a successful response.
    async fn fetch(&self) -> Result<Vec<u8>, DeviceFault> {
        let started = Instant::now();
        let answer = self.web.send(&self.request).await;
        let now = self.clock.now();
        let body = answer.map_err(|fault| self.fault(fault)).and_then(body);
        match &body {
            Ok(_) => self.status.record_response(now, started.elapsed()),
            Err(fault) => self.status.record_fault(now, fault),
        }
        body
    }

    fn parse(&self, body: &[u8]) -> Result<Json, DeviceFault> {
        let document = device_json::parse(text(body).as_bytes());
        document.map_err(|e| self.malformed(format!("its answer is no JSON: {e}"))).inspect_err(|fault| {
            self.status.record_fault(self.clock.now(), fault);
        })
    }

    fn fault(&self, fault: HttpError) -> DeviceFault {
        let address = self.request.origin().to_owned();
        match fault {
            HttpError::NotAllowed => DeviceFault::Unreachable {
                address,
                reason: "it leads to an address that is not allowed (process.allow_private opens some)"
                    .to_owned(),
            },
            HttpError::Unreachable(reason) => DeviceFault::Unreachable { address, reason },
            HttpError::Interrupted(reason) => DeviceFault::Closed { address, reason },
            HttpError::Timeout => DeviceFault::Timeout { address, after: self.request.timeout },
            HttpError::Malformed(reason) => self.malformed(reason),
        }
    }

    fn malformed(&self, reason: String) -> DeviceFault {
        DeviceFault::Malformed { address: self.request.origin().to_owned(), reason }
    }
}

#[async_trait]
impl PollSource for HttpSource {
    type Group = HttpPollGroup;

    fn is_same_endpoint(&self, other: &HttpSource) -> bool {
        self.request == other.request
    }

    fn group(&mut self, _: &DeviceSpec, streams: &[Arc<Stream>]) -> HttpPollGroup {
        let target = |stream: &Arc<Stream>| JsonTarget {
            stream: stream.id,
            kind: stream.spec.kind,
            pointer: stream.spec.path.clone(),
        };
        HttpPollGroup(streams.iter().map(target).collect())
    }

    async fn probe(&self) -> Result<(), DeviceFault> {
        match self.fetch().await {
            Err(fault) if fault.is_connection_loss() => Err(fault),
            _ => Ok(()),
        }
    }

    /// Sends one request for all streams of the group.
    async fn poll(
        &mut self,
        batch: &mut HttpPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let document = self.fetch().await.and_then(|body| self.parse(&body));
        let now = self.clock.now();
        let document = match document {
            Err(fault) if fault.is_connection_loss() => return Err(fault),
            document => document.map_err(|fault| fault.to_string()),
        };
        answers.extend(batch.0.iter().map(|target| {
            let outcome = document.as_ref().map_err(String::clone).and_then(|document| target.read(document));
            PollResult { stream: target.stream, ts: now, outcome }
        }));
        Ok(())
    }
}

impl JsonTarget {
    /// Extracts the value from a document. The error says why there is none.
    fn read(&self, document: &Json) -> Result<Sample, String> {
        check_json_pointer(&self.pointer).map_err(|problem| problem.message)?;
        let found = document.pointer(&self.pointer);
        let found = found.ok_or_else(|| format!("the answer has no `{}`", self.pointer))?;
        json_value::read_member(found, self.kind).map(Sample::from)
    }
}

/// The text of a body without a byte order mark: in UTF-8, which JSON is in, else in Latin-1, which some devices write instead.
fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    str::from_utf8(body).map_or_else(|_| body.iter().copied().map(char::from).collect(), Cow::Borrowed)
}

fn body(answer: HttpResponse) -> Result<Vec<u8>, DeviceFault> {
    let (words, meaning) = match answer.status {
        200..300 => return Ok(answer.body),
        401 => ("it wants other credentials", RefusalKind::Other),
        403 => ("it forbids this", RefusalKind::Other),
        404 | 410 => ("there is no such page", RefusalKind::NoSuchRegister),
        405 | 501 => ("it knows no such method", RefusalKind::NoSuchCommand),
        429 => ("it is asked too often", RefusalKind::Other),
        // The answer comes from a proxy, or from a server that reports that nothing is behind it.
        502..=504 => ("the device behind the server is out of reach", RefusalKind::DeviceUnreachable),
        500..600 => ("the server failed", RefusalKind::Other),
        _ => ("the server declined", RefusalKind::Other),
    };
    let code = DeviceErrorCode { number: answer.status.into(), format: STATUS_CODE };
    Err(DeviceFault::Refused { code, words, meaning })
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
