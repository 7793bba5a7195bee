//! Admission of Flight calls: authenticates a call and accounts its messages before any of them is read.
//!
//! The gRPC library allocates a message as soon as its length has arrived. Therefore this service authenticates a call
//! by its headers, and reserves memory by the length prefixes of its messages, in the budget of all request bodies.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use futures::StreamExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tower::Service;

use super::error::to_status;
use super::{MAX_MESSAGE_BYTES, credentials};
use crate::api::grpc_connection::GrpcPeer;
use crate::api::payload;
use crate::app::App;
use crate::app::body_memory::BodyMemoryReservation;
use crate::domain::{Error, Principal};

/// Maximum bytes of all messages of one call: a statement, or a schema and one row of parameters.
const MAX_CALL_BYTES: usize = 2 * MAX_MESSAGE_BYTES;
/// Length of a gRPC message prefix: compression flag and message length.
const PREFIX_BYTES: usize = 5;

/// The caller of an admitted call.
#[derive(Debug, Clone)]
pub struct AuthenticatedCaller(pub Principal);

/// Reservation for a call's messages, held until the response ends.
#[derive(Clone)]
struct CallMemory {
    _held: Arc<Mutex<BodyMemoryReservation>>,
}

/// Service wrapper that admits only authenticated calls.
#[derive(Clone)]
pub struct AdmissionService<S> {
    inner: S,
    app: Arc<App>,
    allow_plaintext: bool,
}

impl<S> AdmissionService<S> {
    /// Wraps the service `inner`. With `allow_plaintext`, keys are accepted without TLS from other machines too.
    pub fn new(inner: S, app: Arc<App>, allow_plaintext: bool) -> Self {
        Self { inner, app, allow_plaintext }
    }

    async fn admit(
        app: &Arc<App>,
        allow_plaintext: bool,
        request: Request<Body>,
    ) -> Result<Request<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let peer = parts.extensions.get::<GrpcPeer>().cloned();
        let peer = peer.ok_or_else(|| Status::internal("the connection is not known"))?;
        let metadata = MetadataMap::from_headers(parts.headers.clone());
        app.node.cluster.catch_up_catalog().await.map_err(|e| to_status(&e))?;
        let known = credentials::authenticate(app, allow_plaintext, &peer, &metadata);
        let principal = known.map_err(|e| to_status(&e))?;
        let key = credentials::api_key(&metadata).map_err(|e| to_status(&e))?;
        let reservation =
            Arc::new(Mutex::new(BodyMemoryReservation::empty(payload::holder_for_secret(&key))));
        parts.extensions.insert(AuthenticatedCaller(principal));
        parts.extensions.insert(CallMemory { _held: reservation.clone() });
        let mut messages = MessageMeter::new(reservation);
        let counted = body.into_data_stream().map(move |data| {
            let data = data?;
            messages.observe(&data).map_err(|e| to_status(&e))?;
            Ok::<_, Status>(data)
        });
        Ok(Request::from_parts(parts, Body::new(axum::body::Body::from_stream(counted))))
    }
}

impl<S: NamedService> NamedService for AdmissionService<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for AdmissionService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that was polled until it was ready is the one to be called.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let (app, allow_plaintext) = (self.app.clone(), self.allow_plaintext);
        Box::pin(async move {
            match Self::admit(&app, allow_plaintext, request).await {
                Ok(request) => inner.call(request).await,
                Err(refused) => Ok(refused.into_http()),
            }
        })
    }
}

/// Accounts the messages of a call by their length prefixes.
struct MessageMeter {
    held: Arc<Mutex<BodyMemoryReservation>>,
    prefix: Vec<u8>,
    /// Bytes of the current message still to come.
    rest: usize,
    /// Bytes of all messages so far.
    bytes: usize,
}

impl MessageMeter {
    fn new(reservation: Arc<Mutex<BodyMemoryReservation>>) -> Self {
        Self { held: reservation, prefix: Vec::with_capacity(PREFIX_BYTES), rest: 0, bytes: 0 }
    }

    /// Observes the next bytes of the call, and reserves memory for each message that begins in them: once for the
    /// received and once for the decoded message.
    fn observe(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while !data.is_empty() {
            let wanted = if self.rest > 0 { self.rest } else { PREFIX_BYTES - self.prefix.len() };
            let (taken, after) = data.split_at(wanted.min(data.len()));
            data = after;
            if self.rest > 0 {
                self.rest -= taken.len();
                continue;
            }
            self.prefix.extend_from_slice(taken);
            if let [_, length @ ..] = &self.prefix[..]
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.rest = u32::from_be_bytes(length) as usize;
                self.bytes = self.bytes.saturating_add(self.rest);
                self.prefix.clear();
                self.reserve()?;
            }
        }
        Ok(())
    }

    fn reserve(&self) -> Result<(), Error> {
        if self.bytes > MAX_CALL_BYTES {
            return Err(Error::too_large(format!(
                "the messages of a call have at most {} MiB",
                MAX_CALL_BYTES >> 20
            )));
        }
        self.held.lock().try_grow_to(2 * self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::body_memory::MemoryHolder;
    use crate::domain::Kind;

    fn message(length: u32) -> Vec<u8> {
        let mut bytes = [&[0], &length.to_be_bytes()[..]].concat();
        bytes.resize(PREFIX_BYTES + length as usize, 7);
        bytes
    }

    #[test]
    fn messages_are_counted_by_what_they_say() {
        let sent = [message(3), message(0), message(1000)].concat();
        for piece in [1, 2, 3, 7, 100, 5000] {
            let reservation = Arc::new(Mutex::new(BodyMemoryReservation::empty(MemoryHolder::Caller(1))));
            let mut messages = MessageMeter::new(reservation.clone());
            for data in sent.chunks(piece) {
                messages.observe(data).unwrap();
            }
            assert_eq!(
                (messages.bytes, messages.rest, reservation.lock().bytes()),
                (1003, 0, 2006),
                "{piece}"
            );
        }
    }

    #[test]
    fn no_call_says_more_than_it_may() {
        let reservation = Arc::new(Mutex::new(BodyMemoryReservation::empty(MemoryHolder::Caller(2))));
        let mut messages = MessageMeter::new(reservation.clone());
        let error = messages.observe(&[0, 0xff, 0, 0, 0]);
        assert_eq!(error.unwrap_err().kind, Kind::TooLarge);
        assert_eq!(reservation.lock().bytes(), 0);
    }
}
