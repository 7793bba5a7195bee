//! Lists the metrics of edge nodes. Births are not retained, so an edge node is known once it has sent anything: then it
//! is asked for its births.
//!
//! This connection is no host application: it has no state that edge nodes could wait for.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::address::{MetricAddress, id_problem};
use super::command;
use super::host::HostState;
use super::host_event::HostEvent;
use super::topic::{EdgeTopic, group_filter};
use crate::collect::client::ConnectContext;
use crate::collect::mqtt::client::{MqttClient, WantedFilter};
use crate::collect::mqtt::endpoint::MqttEndpoint;
use crate::domain::{Error, Result};

/// Metrics in one result; those that come first count.
const MAX_METRICS: usize = 10_000;

/// One metric with its latest value.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSample {
    /// The address of a stream.
    pub address: String,
    /// The type as the specification calls it.
    pub data_type: String,
    /// Values that came while listening.
    pub messages: u64,
    /// The value as JSON, or why there is none.
    pub value: String,
}

/// Listens for `listening` to the edge nodes of a group, or of all where `group` is empty. Metrics are sorted by address.
///
/// # Errors
/// `Invalid` for the group; the fault of the broker; and when it refuses the subscription.
pub async fn metrics(
    endpoint: &MqttEndpoint,
    group: &str,
    listening: Duration,
    context: &ConnectContext,
) -> Result<Vec<MetricSample>> {
    let group = Some(group).filter(|group| !group.is_empty());
    if let Some(why) = group.and_then(id_problem) {
        return Err(Error::invalid(format!("the group cannot be listed: {why}")));
    }
    let filter = group_filter(group);
    let mut client = MqttClient::connect(endpoint, context).await?;
    client.subscribe(0, &[WantedFilter::new(&filter)], false).await?;
    if !client.refused().is_empty() {
        return Err(Error::invalid(format!("the broker refuses the subscription to `{filter}`")));
    }
    let samples = listen(&mut client, Instant::now() + listening, context).await?;
    client.close().await;
    Ok(samples)
}

async fn listen(
    client: &mut MqttClient,
    end: Instant,
    context: &ConnectContext,
) -> Result<Vec<MetricSample>> {
    let (mut state, mut events) = (HostState::default(), Vec::new());
    let mut samples = BTreeMap::<MetricAddress, MetricSample>::new();
    while Instant::now() < end {
        let wake = state.next_deadline().map_or(end, |due| due.min(end));
        // A timeout means that something is due, or that this is over.
        let _ = timeout_at(wake, client.inbox().wait_nonempty()).await;
        // A broker that sends without a pause must not keep this beyond its end.
        while Instant::now() < end
            && let Some(message) = client.inbox().pop()
        {
            let publication = message.publication;
            if let Some(topic) = EdgeTopic::parse(&publication.topic)
                && !publication.is_retained
            {
                state.accept(&topic, &publication.payload, Instant::now(), &mut events);
            }
        }
        state.expire(Instant::now(), &mut events);
        for event in events.drain(..) {
            match event {
                HostEvent::Rebirth(node) => {
                    client.publish(command::rebirth(&node, context.clock.now())).await?;
                }
                HostEvent::Value { address, outcome, .. } => {
                    if !samples.contains_key(&*address) && samples.len() >= MAX_METRICS {
                        continue;
                    }
                    let data_type = state.metric(&address).map(|metric| metric.data_type.to_string());
                    let sample = samples.entry((*address).clone()).or_insert_with(|| MetricSample {
                        address: address.to_string(),
                        data_type: data_type.unwrap_or_default(),
                        messages: 0,
                        value: String::new(),
                    });
                    sample.messages += 1;
                    sample.value = match outcome {
                        Ok(sample) => sample.value.to_json().to_string(),
                        Err(why) => format!("({why})"),
                    };
                }
                HostEvent::Birth(_) | HostEvent::Death { .. } | HostEvent::Ignored { .. } => {}
            }
        }
        if let Some(fault) = client.inbox().ended() {
            return Err(fault.into());
        }
    }
    Ok(samples.into_values().collect())
}
