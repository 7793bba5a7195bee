//! Before anything of a call is read: who calls, and memory for what they send.
//!
//! The library reads and allocates a message as soon as its length is there. So a call passes here first, by its headers,
//! and its messages are counted by the lengths before them, in the account of all bodies.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use futures::StreamExt;
use futures::future::Either;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tower::Service;

use super::connection::Peer;
use super::error::status;
use super::{MAX_MESSAGE, credentials};
use crate::api::payload;
use crate::app::App;
use crate::app::body_memory::Held;
use crate::domain::{Error, Principal};

/// All messages of one call: a statement, or a schema and one row of parameters.
const MAX_CALL: usize = 2 * MAX_MESSAGE;
/// What stands before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// The caller of a call that has passed.
#[derive(Debug, Clone)]
pub struct Known(pub Principal);

/// The memory of a call's messages, for as long as the call is being answered.
#[derive(Clone)]
struct Memory {
    _held: Arc<Mutex<Held>>,
}

/// A service whose callers are known.
#[derive(Clone)]
pub struct Admission<S> {
    inner: S,
    app: Arc<App>,
    allow_plaintext: bool,
}

impl<S> Admission<S> {
    pub fn new(inner: S, app: Arc<App>, allow_plaintext: bool) -> Self {
        Self { inner, app, allow_plaintext }
    }

    fn admit(&self, request: Request<Body>) -> Result<Request<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().cloned();
        let peer = peer.ok_or_else(|| Status::internal("the connection is not known"))?;
        let metadata = MetadataMap::from_headers(parts.headers.clone());
        let known = credentials::caller(&self.app, self.allow_plaintext, &peer, &metadata);
        let principal = known.map_err(|e| status(&e))?;
        let key = credentials::key(&metadata).map_err(|e| status(&e))?;
        let held = Arc::new(Mutex::new(Held::nothing(payload::holder_of(&key))));
        parts.extensions.insert(Known(principal));
        parts.extensions.insert(Memory { _held: held.clone() });
        let mut messages = Messages::new(held);
        let counted = body.into_data_stream().map(move |data| {
            let data = data?;
            messages.see(&data).map_err(|e| status(&e))?;
            Ok::<_, Status>(data)
        });
        Ok(Request::from_parts(parts, Body::new(axum::body::Body::from_stream(counted))))
    }
}

impl<S: NamedService> NamedService for Admission<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Admission<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<Body>, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.admit(request) {
            Ok(request) => Either::Right(self.inner.call(request)),
            Err(refused) => Either::Left(ready(Ok(refused.into_http()))),
        }
    }
}

/// The messages of a call, by their lengths.
struct Messages {
    held: Arc<Mutex<Held>>,
    prefix: Vec<u8>,
    /// What is still to come of a message.
    rest: usize,
    /// Of all messages so far.
    bytes: usize,
}

impl Messages {
    fn new(held: Arc<Mutex<Held>>) -> Self {
        Self { held, prefix: Vec::with_capacity(PREFIX_BYTES), rest: 0, bytes: 0 }
    }

    /// Takes the next bytes of the call, and memory for each message that begins in them: once as it comes and once as
    /// it is decoded.
    fn see(&mut self, mut data: &[u8]) -> Result<(), Error> {
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
                self.take()?;
            }
        }
        Ok(())
    }

    fn take(&self) -> Result<(), Error> {
        if self.bytes > MAX_CALL {
            return Err(Error::too_large(format!(
                "the messages of a call have at most {} MiB",
                MAX_CALL >> 20
            )));
        }
        self.held.lock().cover(2 * self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::body_memory::Holder;
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
            let held = Arc::new(Mutex::new(Held::nothing(Holder::Caller(1))));
            let mut messages = Messages::new(held.clone());
            for data in sent.chunks(piece) {
                messages.see(data).unwrap();
            }
            assert_eq!((messages.bytes, messages.rest, held.lock().bytes()), (1003, 0, 2006), "{piece}");
        }
    }

    #[test]
    fn no_call_says_more_than_it_may() {
        let held = Arc::new(Mutex::new(Held::nothing(Holder::Caller(2))));
        let mut messages = Messages::new(held.clone());
        let error = messages.see(&[0, 0xff, 0, 0, 0]);
        assert_eq!(error.unwrap_err().kind, Kind::TooLarge);
        assert_eq!(held.lock().bytes(), 0);
    }
}
