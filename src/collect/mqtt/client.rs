//! MQTT client of one broker: subscribes, publishes, and hands out the inbox of its connection.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::endpoint::MqttEndpoint;
use super::inbox::Inbox;
use super::seen_topics::SeenTopics;
use super::session::{DepartureMessages, Request, Session};
use super::wire::OutgoingMessage;
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;

/// Filters in one SUBSCRIBE: brokers limit its size.
const MAX_FILTERS_PER_REQUEST: usize = 50;
/// Topic and payload of a message that is published: other clients have limits too.
const MAX_SENT_BYTES: usize = 1024 * 1024;
/// Longest wait for the orderly end of a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open connection to a broker. Dropping it ends the connection with a DISCONNECT.
pub struct MqttClient {
    endpoint: MqttEndpoint,
    requests: mpsc::Sender<Request>,
    inbox: Arc<Inbox>,
    driver: JoinHandle<()>,
    /// Number of the source that subscribed last.
    subscriber: Option<u64>,
    /// The filters subscribed to.
    granted: BTreeMap<String, GrantedFilter>,
    /// Which streams had messages of which topics on this connection.
    seen: Arc<SeenTopics>,
    pub(super) has_sent: bool,
}

/// A filter that a subscriber wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFilter {
    pub filter: String,
    /// Changes with the streams that read its messages. A filter is subscribed to again then, because a new reader wants
    /// what the broker has retained.
    pub readers: u64,
}

impl WantedFilter {
    /// A filter without readers that could change.
    pub fn new(filter: &str) -> WantedFilter {
        WantedFilter { filter: filter.to_owned(), readers: 0 }
    }
}

/// How a filter was subscribed to.
struct GrantedFilter {
    /// Whether the broker grants it, and keeps it.
    is_granted: bool,
    readers: u64,
    is_acknowledged: bool,
}

impl MqttClient {
    /// Connects and logs in. Each step may take the endpoint's timeout.
    pub async fn connect(
        endpoint: &MqttEndpoint,
        context: &ConnectContext,
    ) -> Result<MqttClient, DeviceFault> {
        MqttClient::connect_with(endpoint, None, context).await
    }

    /// Connects with messages for the end of the connection.
    pub async fn connect_with(
        endpoint: &MqttEndpoint,
        departure: Option<DepartureMessages>,
        context: &ConnectContext,
    ) -> Result<MqttClient, DeviceFault> {
        let (requests, receiver) = mpsc::channel(1);
        let session = Session::open(endpoint, departure, context, receiver).await?;
        let inbox = session.inbox();
        Ok(MqttClient {
            endpoint: endpoint.clone(),
            requests,
            inbox,
            driver: tokio::spawn(session.run()),
            subscriber: None,
            granted: BTreeMap::new(),
            seen: Arc::default(),
            has_sent: true,
        })
    }

    /// Messages received on this connection, whose acknowledgements go back by it.
    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Which streams had messages of which topics on this connection.
    pub fn seen(&self) -> &Arc<SeenTopics> {
        &self.seen
    }

    /// Whether the connection has not ended; `Inbox::ended` has the reason once it has.
    pub fn is_open(&self) -> bool {
        self.inbox.ended().is_none()
    }

    /// The filters that the broker refused.
    pub fn refused(&self) -> Vec<String> {
        self.granted.iter().filter(|(_, known)| !known.is_granted).map(|(filter, _)| filter.clone()).collect()
    }

    /// Makes these filters the subscriptions of this connection, once for each subscriber. Those that are subscribed to in
    /// the same way are left alone: the broker would send everything again that it has retained. Filters that the broker
    /// refuses are remembered and not an error.
    ///
    /// A caller may be interrupted. So a filter counts as not granted while the broker has not answered, and the next
    /// subscriber subscribes to it or from it again.
    pub async fn subscribe(
        &mut self,
        subscriber: u64,
        wanted: &[WantedFilter],
        is_acknowledged: bool,
    ) -> Result<(), DeviceFault> {
        if self.subscriber == Some(subscriber) {
            return Ok(());
        }
        let names: HashSet<&str> = wanted.iter().map(|wanted| wanted.filter.as_str()).collect();
        let mut old = Vec::new();
        for (filter, known) in &mut self.granted {
            if !names.contains(filter.as_str()) {
                known.is_granted = false;
                old.push(filter.clone());
            }
        }
        for filters in old.chunks(MAX_FILTERS_PER_REQUEST) {
            let (done, response) = oneshot::channel();
            self.request(Request::Unsubscribe { filters: filters.to_vec(), done }, response).await?;
            for filter in filters {
                self.granted.remove(filter);
            }
        }
        let is_new = |wanted: &&WantedFilter| {
            !self.granted.get(&wanted.filter).is_some_and(|known| {
                known.is_granted
                    && (known.readers, known.is_acknowledged) == (wanted.readers, is_acknowledged)
            })
        };
        let new: Vec<&WantedFilter> = wanted.iter().filter(is_new).collect();
        for wanted in new.chunks(MAX_FILTERS_PER_REQUEST) {
            let filters: Vec<String> = wanted.iter().map(|wanted| wanted.filter.clone()).collect();
            for WantedFilter { filter, readers } in wanted {
                let unanswered = GrantedFilter { is_granted: false, readers: *readers, is_acknowledged };
                self.granted.insert(filter.clone(), unanswered);
            }
            let (granted, response) = oneshot::channel();
            let request = Request::Subscribe { filters: filters.clone(), is_acknowledged, granted };
            let answer = self.request(request, response).await?;
            if answer.len() != filters.len() {
                let reason = "its SUBACK does not answer every filter".to_owned();
                return Err(DeviceFault::Malformed { address: self.endpoint.address(), reason });
            }
            for (filter, is_granted) in filters.iter().zip(answer) {
                if let Some(known) = self.granted.get_mut(filter) {
                    known.is_granted = is_granted;
                }
            }
        }
        self.subscriber = Some(subscriber);
        Ok(())
    }

    /// Publishes a message. The broker has taken one that is acknowledged when this returns; any other one has been sent
    /// then. Nothing is sent a second time.
    pub async fn publish(&mut self, message: OutgoingMessage) -> Result<(), DeviceFault> {
        self.has_sent = false;
        if message.payload.len() + message.topic.len() >= MAX_SENT_BYTES {
            let words = "The message is longer than 1 MiB.".to_owned();
            return Err(DeviceFault::Unsupported { field: "value", words });
        }
        let (done, response) = oneshot::channel();
        self.request(Request::Publish { message, done }, response).await
    }

    /// Hands a message over and awaits no acknowledgement of it.
    pub async fn post(&mut self, message: OutgoingMessage) -> Result<(), DeviceFault> {
        let (done, _) = oneshot::channel();
        let request = self.requests.send(Request::Publish { message, done });
        match timeout(self.endpoint.timeout, request).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.inbox.ended().unwrap_or_else(|| self.lost())),
            Err(_) => Err(self.no_answer()),
        }
    }

    /// Ends the connection and waits briefly until the broker was told.
    pub async fn close(self) {
        drop(self.requests);
        // The connection ends whether the broker took the packet or not.
        let _ = timeout(CLOSE_TIMEOUT, self.driver).await;
    }

    /// Hands a request to the driver and awaits its answer.
    async fn request<T>(&mut self, request: Request, answer: oneshot::Receiver<T>) -> Result<T, DeviceFault> {
        if let Some(fault) = self.inbox.ended() {
            return Err(fault);
        }
        self.has_sent = true;
        let exchange = async {
            // The driver drops both channels when the connection ends.
            self.requests.send(request).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.endpoint.timeout, exchange).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(self.inbox.ended().unwrap_or_else(|| self.lost())),
            Err(_) => Err(self.no_answer()),
        }
    }

    fn no_answer(&self) -> DeviceFault {
        DeviceFault::Timeout { address: self.endpoint.address(), after: self.endpoint.timeout }
    }

    fn lost(&self) -> DeviceFault {
        DeviceFault::Closed {
            address: self.endpoint.address(),
            reason: "the connection has ended".to_owned(),
        }
    }
}
