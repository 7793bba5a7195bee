//! MQTT client of one broker: subscribes, publishes, and hands out the inbox of its connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::endpoint::MqttEndpoint;
use super::inbox::Inbox;
use super::session::{DepartureMessages, Request, Session};
use super::wire::{MAX_PACKET_BYTES, OutgoingMessage};
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;

/// Filters in one SUBSCRIBE: brokers limit its size.
const MAX_FILTERS_PER_REQUEST: usize = 50;
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
    /// The filters subscribed to, and whether the broker grants them.
    granted: BTreeMap<String, bool>,
    pub(super) has_sent: bool,
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
            has_sent: true,
        })
    }

    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub fn is_open(&self) -> bool {
        self.inbox.ended().is_none()
    }

    /// The filters that the broker refused.
    pub fn refused(&self) -> Vec<String> {
        self.granted
            .iter()
            .filter(|(_, is_granted)| !**is_granted)
            .map(|(filter, _)| filter.clone())
            .collect()
    }

    /// Makes these filters the subscriptions of this connection, once for each subscriber. Filters that the broker
    /// refuses are remembered and not an error.
    pub async fn subscribe(
        &mut self,
        subscriber: u64,
        filters: &[String],
        is_acknowledged: bool,
    ) -> Result<(), DeviceFault> {
        if self.subscriber == Some(subscriber) {
            return Ok(());
        }
        let old: Vec<String> =
            self.granted.keys().filter(|filter| !filters.contains(filter)).cloned().collect();
        for filters in old.chunks(MAX_FILTERS_PER_REQUEST) {
            let (done, response) = oneshot::channel();
            self.request(Request::Unsubscribe { filters: filters.to_vec(), done }, response).await?;
        }
        self.granted.clear();
        for filters in filters.chunks(MAX_FILTERS_PER_REQUEST) {
            let (granted, response) = oneshot::channel();
            let request = Request::Subscribe { filters: filters.to_vec(), is_acknowledged, granted };
            let answer = self.request(request, response).await?;
            if answer.len() != filters.len() {
                let reason = "its SUBACK does not answer every filter".to_owned();
                return Err(DeviceFault::Malformed { address: self.endpoint.address(), reason });
            }
            self.granted.extend(filters.iter().cloned().zip(answer));
        }
        self.subscriber = Some(subscriber);
        Ok(())
    }

    /// Publishes a message. The broker has taken one that is acknowledged when this returns; any other one has been sent
    /// then. Nothing is sent a second time.
    pub async fn publish(&mut self, message: OutgoingMessage) -> Result<(), DeviceFault> {
        self.has_sent = false;
        if message.payload.len() + message.topic.len() >= MAX_PACKET_BYTES as usize {
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
