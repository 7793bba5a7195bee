//! Lists the topics of a broker from its address alone: what is published while it listens, and what the broker had
//! retained. Nothing is stored, and the session ends with the connection.
//!
//! `mqtt://[USERNAME[:PASSWORD]@]HOST[:PORT][/FILTER]`, or `mqtts://`. The filter is taken as it is written, so that
//! `#` needs no escape; without one it is `#`. With `?format=sparkplug` at the end, the metrics of edge nodes are listed,
//! and what precedes it is a group.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::client::{MqttClient, WantedFilter};
use super::endpoint::MqttEndpoint;
use super::sparkplug;
use super::sparkplug::browse::MetricSample;
use super::wire::Publication;
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::device_json;
use crate::domain::mqtt::filter::TopicFilter;
use crate::domain::{Error, Result};

/// Topics in one result; those that come first count.
pub const MAX_TOPICS: usize = 1000;
/// JSON pointers shown of one topic.
const MAX_POINTERS: usize = 20;
/// Characters shown of a payload or a value.
const MAX_SAMPLE_CHARS: usize = 80;
/// End of an address whose broker has edge nodes.
const SPARKPLUG: &str = "?format=sparkplug";
const FORM: &str = "write mqtt://HOST[:PORT][/FILTER], for example mqtt://127.0.0.1:1883/line/#";

/// One topic with its latest payload.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicSample {
    pub topic: String,
    /// Messages that came while listening.
    pub messages: u64,
    /// The payload as text in one line, cut; bytes that are no text are replaced.
    pub payload: String,
    /// Whether the latest message had been retained by the broker.
    pub is_retained: bool,
    /// JSON pointers to single values, each with its value; empty where the payload is no JSON list or map.
    pub pointers: Vec<(String, String)>,
}

/// Topics in alphabetical order.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicList {
    pub topics: Vec<TopicSample>,
    /// Whether further topics were seen.
    pub is_truncated: bool,
}

/// Listens for `listening`; connecting and subscribing may each take `timeout`.
///
/// # Errors
/// `Invalid` for the address with its valid form; the fault of the broker; and when it refuses the subscription.
pub async fn topics(
    address: &str,
    listening: Duration,
    timeout: Duration,
    context: &ConnectContext,
) -> Result<TopicList> {
    if let Some(broker) = address.strip_suffix(SPARKPLUG) {
        return metrics(broker, listening, timeout, context).await;
    }
    let (endpoint, filter) = parse(address, timeout)?;
    let mut client = MqttClient::connect(&endpoint, context).await?;
    client.subscribe(0, &[WantedFilter::new(filter.as_str())], false).await?;
    if !client.refused().is_empty() {
        return Err(Error::invalid(format!("the broker refuses the subscription to `{filter}`")));
    }
    let listed = listen(&client, Instant::now() + listening).await?;
    client.close().await;
    Ok(listed)
}

/// The metrics of edge nodes, each as a topic with its value and type as the payload.
async fn metrics(
    address: &str,
    listening: Duration,
    timeout: Duration,
    context: &ConnectContext,
) -> Result<TopicList> {
    let (endpoint, group) = split(address, timeout)?;
    let found = sparkplug::browse::metrics(&endpoint, group, listening, context).await?;
    let is_truncated = found.len() > MAX_TOPICS;
    let topic = |metric: MetricSample| TopicSample {
        topic: one_line(&metric.address),
        messages: metric.messages,
        payload: format!("{}  {}", one_line(&metric.value), metric.data_type),
        is_retained: false,
        pointers: Vec::new(),
    };
    Ok(TopicList { topics: found.into_iter().take(MAX_TOPICS).map(topic).collect(), is_truncated })
}

async fn listen(client: &MqttClient, end: Instant) -> Result<TopicList, DeviceFault> {
    let mut seen = BTreeMap::<String, (u64, Publication)>::new();
    let mut is_truncated = false;
    while timeout_at(end, client.inbox().wait_nonempty()).await.is_ok() {
        while let Some(message) = client.inbox().pop() {
            let publication = message.publication;
            if let Some((count, latest)) = seen.get_mut(&publication.topic) {
                *count += 1;
                *latest = publication;
            } else if seen.len() < MAX_TOPICS {
                seen.insert(publication.topic.clone(), (1, publication));
            } else {
                is_truncated = true;
            }
        }
        if let Some(fault) = client.inbox().ended() {
            return Err(fault);
        }
        // A broker that sends without a pause must not keep this beyond its end.
        if Instant::now() >= end {
            break;
        }
    }
    let topics = seen.into_values().map(|(messages, latest)| sample(messages, latest)).collect();
    Ok(TopicList { topics, is_truncated })
}

fn sample(messages: u64, latest: Publication) -> TopicSample {
    let payload = match latest.payload {
        Ok(payload) => payload,
        Err(too_large) => format!("({too_large})").into_bytes(),
    };
    let document: Option<Json> = device_json::parse(&payload).ok();
    let mut pointers = Vec::new();
    if let Some(document @ (Json::Object(_) | Json::Array(_))) = &document {
        find_values(document, &mut String::new(), &mut pointers);
    }
    TopicSample {
        payload: one_line(&String::from_utf8_lossy(&payload)),
        topic: latest.topic,
        messages,
        is_retained: latest.is_retained,
        pointers,
    }
}

/// Collects the pointers of all values that are no list and no map. The parser bounds the depth.
fn find_values(found: &Json, pointer: &mut String, pointers: &mut Vec<(String, String)>) {
    let length = pointer.len();
    let mut visit = |name: &str, part: &Json| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        if pointers.len() < MAX_POINTERS {
            find_values(part, pointer, pointers);
        }
        pointer.truncate(length);
    };
    match found {
        Json::Object(parts) => parts.iter().for_each(|(name, part)| visit(name, part)),
        Json::Array(parts) => {
            parts.iter().take(MAX_POINTERS).enumerate().for_each(|(at, part)| visit(&at.to_string(), part));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            pointers.push((pointer.clone(), one_line(&found.to_string())));
        }
    }
}

/// Control characters would change the terminal.
fn one_line(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String =
        chars.by_ref().take(MAX_SAMPLE_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if chars.next().is_some() { shown + "…" } else { shown }
}

fn wrong(address: &str, why: &str) -> Error {
    Error::invalid(format!("`{address}` is no address ({why}): {FORM}"))
}

fn parse(address: &str, timeout: Duration) -> Result<(MqttEndpoint, TopicFilter)> {
    let (endpoint, filter) = split(address, timeout)?;
    let filter = if filter.is_empty() { "#" } else { filter };
    let filter = TopicFilter::parse(filter).map_err(|why| wrong(address, why))?;
    Ok((endpoint, filter))
}

/// Splits an address into the broker and what follows its `/`.
fn split(address: &str, timeout: Duration) -> Result<(MqttEndpoint, &str)> {
    let wrong = |why: &str| wrong(address, why);
    let (scheme, rest) = address.split_once("://").ok_or_else(|| wrong("no scheme"))?;
    let (authority, filter) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (username, password) = login.split_once(':').unwrap_or((login, ""));
    let mut device = DeviceSpec::new("", Protocol::Mqtt);
    device.host = format!("{scheme}://{host}");
    (device.username, device.password) = (username.to_owned(), password.to_owned());
    device.timeout_s = timeout.as_secs_f64();
    let endpoint = MqttEndpoint::from_spec(&device).map_err(|error| wrong(&error.full_message()))?;
    // Another id for each call: two of them must not end each other's connection.
    let client_id = format!("basalt{}", &Uuid::new_v4().simple().to_string()[..16]);
    Ok((MqttEndpoint { client_id, is_temporary: true, ..endpoint }, filter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::mqtt::fake_broker::FakeBroker;
    use crate::collect::mqtt::wire::{MAX_PACKET_BYTES, MessageTooLarge};
    use crate::collect::test_harness::context;

    /// Plant A5: such a message ended the connection, and with it the list.
    #[tokio::test]
    async fn beside_a_message_that_is_too_large_the_other_topics_are_listed() {
        let broker = FakeBroker::start().await;
        let address = format!("mqtt://127.0.0.1:{}/line/#", broker.port());
        let (listening, timeout) = (Duration::from_secs(30), Duration::from_secs(60));
        let sent = async {
            let mut connection = broker.accept(0).await;
            assert_eq!(connection.grant(0).await, ["line/#"]);
            connection.publish_bytes("line/a", b"1").await;
            connection.publish_bytes("line/large", &vec![b'x'; MAX_PACKET_BYTES as usize]).await;
            connection.publish_bytes("line/z", b"2").await;
            // The time of listening is over once all was read: a paused clock goes on when nothing else does.
            tokio::time::pause();
            assert_eq!(connection.published().await, None);
        };
        let context = context();
        let (listed, ()) = tokio::join!(topics(&address, listening, timeout, &context), sent);
        let listed: Vec<_> = listed.unwrap().topics.into_iter().map(|one| (one.topic, one.payload)).collect();
        let large = "(the message has 4194316 bytes; 4194304 are the most)";
        let expected = [("line/a", "1"), ("line/large", large), ("line/z", "2")];
        assert_eq!(listed, expected.map(|(topic, payload)| (topic.to_owned(), payload.to_owned())));
    }

    #[test]
    fn an_address_is_a_broker_and_a_filter() {
        for (address, broker, filter, username) in [
            ("mqtt://h", "h:1883", "#", None),
            ("mqtt://h:1884/", "h:1884", "#", None),
            ("mqtts://me:w@rd@h/line/#", "h:8883", "line/#", Some("me")),
            ("mqtt://[::1]/line/+/temp", "[::1]:1883", "line/+/temp", None),
        ] {
            let (endpoint, found) = parse(address, Duration::from_secs(3)).unwrap();
            assert_eq!((endpoint.address().as_str(), found.as_str()), (broker, filter), "{address}");
            assert_eq!(endpoint.login.map(|login| login.username).as_deref(), username, "{address}");
            assert!(endpoint.is_temporary);
        }
        for (address, why) in [
            ("mqtt:h", "no scheme"),
            ("http://h", "Write a host name"),
            ("mqtt://", "Write a host name"),
            ("mqtt://h/a/#/b", "`#` must be the last level"),
        ] {
            let error = parse(address, Duration::from_secs(3)).unwrap_err().to_string();
            assert!(error.contains(why) && error.ends_with(FORM), "{address}: {error}");
        }
    }

    #[test]
    fn a_sample_shows_where_its_values_are() {
        let publication = |payload: &str| Publication {
            topic: "line/1".to_owned(),
            payload: Ok(payload.as_bytes().to_vec()),
            packet_id: None,
            is_retained: false,
        };
        let pointers = |payload: &str| sample(1, publication(payload)).pointers;
        let pair = |pointer: &str, value: &str| (pointer.to_owned(), value.to_owned());
        assert_eq!(
            pointers(r#"{"v":21.5,"a/b":[1,{"c~":"x"}],"n":null}"#),
            [pair("/a~1b/0", "1"), pair("/a~1b/1/c~0", "\"x\""), pair("/n", "null"), pair("/v", "21.5")]
        );
        assert!(pointers("21.5").is_empty());
        assert!(pointers("no json").is_empty());
        let many: Vec<u32> = (0..100_000).collect();
        assert_eq!(pointers(&serde_json::to_string(&many).unwrap()).len(), MAX_POINTERS);
        let large = Publication { payload: Err(MessageTooLarge { bytes: 5_000_000 }), ..publication("") };
        assert_eq!(sample(1, large).payload, "(the message has 5000000 bytes; 4194304 are the most)");
        let long = sample(1, publication(&"x\n".repeat(1000))).payload;
        assert_eq!((long.chars().count(), long.contains('\n')), (MAX_SAMPLE_CHARS + 1, false));
    }
}
