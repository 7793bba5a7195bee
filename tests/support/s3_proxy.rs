//! A proxy before the object store of the tests: it makes the store's conditional puts atomic, and fails where a case says so.
//!
//! moto looks whether an object exists and then writes it, so that of two conditional puts at once both can win. The proxy lets one at a time
//! through for each key. It passes requests on as they came, Host included: moto checks no signatures, and clients use the proxy's address.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONNECTION, CONTENT_LENGTH, IF_NONE_MATCH, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

/// Longest delay of a request that is delayed at random, milliseconds.
const MAX_DELAY_MS: u64 = 300;
/// Share of requests that fail while they fail at random.
const FAULT_RATE: f64 = 0.3;

/// Fault of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// The store does not get it, and the answer is 503.
    Refused,
    /// The store does what it says, and the answer is 503.
    ErrorAfterSuccess,
    /// The store does what it says, and the connection ends without an answer.
    AnswerLost,
    /// The store gets it later.
    Delay(Duration),
}

impl StoreFault {
    fn random(rng: &mut StdRng) -> Option<StoreFault> {
        if !rng.random_bool(FAULT_RATE) {
            return None;
        }
        Some(match rng.random_range(0..4) {
            0 => StoreFault::Refused,
            1 => StoreFault::ErrorAfterSuccess,
            2 => StoreFault::AnswerLost,
            _ => StoreFault::Delay(Duration::from_millis(rng.random_range(1..MAX_DELAY_MS))),
        })
    }
}

/// Selects the commits of one kind to a table: conditional puts to its Delta log.
#[derive(Debug, Clone, Copy)]
pub struct CommitFilter {
    pub table: &'static str,
    /// As Delta calls it: `WRITE`, `OPTIMIZE` or `DELETE`.
    pub operation: &'static str,
}

impl CommitFilter {
    fn selects(&self, head: &Parts, body: &[u8]) -> bool {
        let operation = format!("\"operation\":\"{}\"", self.operation);
        is_conditional_put(head)
            && head.uri.path().contains(&format!("/{}/_delta_log/", self.table))
            && body.windows(operation.len()).any(|bytes| bytes == operation.as_bytes())
    }
}

fn is_conditional_put(head: &Parts) -> bool {
    head.method == Method::PUT && head.headers.get(IF_NONE_MATCH).is_some_and(|value| value == "*")
}

/// A commit that waits in the proxy. The store gets it once it is released, or dropped here, whether or not its sender still waits.
pub struct CommitGate {
    arrival: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl CommitGate {
    /// Waits until the commit is in the proxy.
    pub async fn wait_for_arrival(&mut self) {
        (&mut self.arrival).await.expect("the proxy runs");
    }

    /// Sends the commit on to the store.
    pub fn release(self) {
        self.release.send(()).expect("the commit waits");
    }
}

/// Obstacle that a request has to go through.
enum Obstacle {
    Fault(StoreFault),
    Gate { arrival: oneshot::Sender<()>, release: oneshot::Receiver<()> },
}

/// Faults planned for requests.
#[derive(Default)]
struct FaultPlan {
    /// Each for the next commit that is selected.
    commits: Vec<(CommitFilter, Obstacle)>,
    /// While requests fail at random.
    rng: Option<StdRng>,
}

impl FaultPlan {
    fn next(&mut self, head: &Parts, body: &[u8]) -> Option<Obstacle> {
        let place = self.commits.iter().position(|(filter, _)| filter.selects(head, body));
        if let Some(place) = place {
            return Some(self.commits.remove(place).1);
        }
        StoreFault::random(self.rng.as_mut()?).map(Obstacle::Fault)
    }
}

/// The object store, with a lock for each key that conditional puts create.
struct LockedStore {
    url: String,
    http: reqwest::Client,
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl LockedStore {
    /// Passes a request on.
    async fn send(&self, head: Parts, body: Bytes) -> io::Result<Response<Full<Bytes>>> {
        let lock = is_conditional_put(&head)
            .then(|| self.locks.lock().entry(head.uri.path().to_owned()).or_default().clone());
        let _guard = match &lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        let (is_head, mut headers) = (head.method == Method::HEAD, head.headers);
        headers.remove(CONNECTION);
        headers.remove(TRANSFER_ENCODING);
        let request = self.http.request(head.method, format!("{}{}", self.url, head.uri));
        let answer = request.headers(headers).body(body).send().await.map_err(io::Error::other)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(Full::new(answer.bytes().await.map_err(io::Error::other)?));
        headers.remove(CONNECTION);
        headers.remove(TRANSFER_ENCODING);
        // Of a HEAD it is the length of the object, not of what is sent.
        if !is_head {
            headers.remove(CONTENT_LENGTH);
        }
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Sends a request through what stands in its way. An error ends the connection.
    async fn send_through(
        &self,
        obstacle: Option<Obstacle>,
        head: Parts,
        body: Bytes,
    ) -> io::Result<Response<Full<Bytes>>> {
        match obstacle {
            None => self.send(head, body).await,
            Some(Obstacle::Gate { arrival, release }) => {
                arrival.send(()).unwrap_or(());
                release.await.unwrap_or(());
                self.send(head, body).await
            }
            Some(Obstacle::Fault(StoreFault::Refused)) => Ok(unavailable()),
            Some(Obstacle::Fault(StoreFault::Delay(time))) => {
                tokio::time::sleep(time).await;
                self.send(head, body).await
            }
            Some(Obstacle::Fault(StoreFault::ErrorAfterSuccess)) => {
                self.send(head, body).await?;
                Ok(unavailable())
            }
            Some(Obstacle::Fault(StoreFault::AnswerLost)) => {
                self.send(head, body).await?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }
}

fn unavailable() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("<Error><Code>ServiceUnavailable</Code></Error>"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// A proxy. Dropping it closes its port.
pub struct S3Proxy {
    pub url: String,
    store: Arc<LockedStore>,
    plan: Arc<Mutex<FaultPlan>>,
    _listener: AbortOnDropHandle<()>,
}

impl S3Proxy {
    /// Starts one before the object store with this URL.
    pub async fn start(store_url: &str) -> S3Proxy {
        // A connection that moto has closed meanwhile would be an error of the proxy.
        let http = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false);
        let http = http.redirect(Policy::none()).pool_max_idle_per_host(0).build().expect("a client");
        let store = LockedStore { url: store_url.to_owned(), http, locks: Mutex::default() };
        S3Proxy::listen(Arc::new(store)).await
    }

    /// Starts another one with the same locks, whose requests fail by themselves.
    pub async fn beside(&self) -> S3Proxy {
        S3Proxy::listen(self.store.clone()).await
    }

    async fn listen(store: Arc<LockedStore>) -> S3Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let plan = Arc::<Mutex<FaultPlan>>::default();
        let (shared, planned) = (store.clone(), plan.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (store, plan) = (shared.clone(), planned.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    answer(store.clone(), plan.clone(), request)
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        S3Proxy { url, store, plan, _listener: AbortOnDropHandle::new(accepting) }
    }

    /// Breaks the next commit that is selected.
    pub fn break_next(&self, filter: CommitFilter, fault: StoreFault) {
        self.plan.lock().commits.push((filter, Obstacle::Fault(fault)));
    }

    /// Stops the next commit that is selected.
    pub fn stop_next(&self, filter: CommitFilter) -> CommitGate {
        let ((arrived, arrival), (release, released)) = (oneshot::channel(), oneshot::channel());
        self.plan.lock().commits.push((filter, Obstacle::Gate { arrival: arrived, release: released }));
        CommitGate { arrival, release }
    }

    /// How many commits will still be broken or stopped.
    pub fn planned(&self) -> usize {
        self.plan.lock().commits.len()
    }

    /// Fails some of all requests, each in a way of its own, until `heal`.
    pub fn fail_at_random(&self, seed: u64) {
        self.plan.lock().rng = Some(StdRng::seed_from_u64(seed));
    }

    /// Lets requests through again.
    pub fn heal(&self) {
        self.plan.lock().rng = None;
    }
}

async fn answer(
    store: Arc<LockedStore>,
    plan: Arc<Mutex<FaultPlan>>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let obstacle = plan.lock().next(&head, &body);
    // What was sent arrives, also when its sender has gone meanwhile.
    let sending = tokio::spawn(async move { store.send_through(obstacle, head, body).await });
    sending.await.map_err(io::Error::other)?
}
