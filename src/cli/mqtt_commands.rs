//! `basalt browse mqtt://…`: lists the topics of a broker, or the metrics of Sparkplug edge nodes. It needs no Basalt
//! server; only the names of authorities are read from the data directory.

use std::time::Duration;

use super::args::Browse;
use super::opcua_commands::connect_context;
use super::print;
use super::timeout::parse_timeout;
use crate::collect::mqtt::browse::{self, MAX_TOPICS, TopicSample};
use crate::domain::{Error, Result};

/// Longest time to listen in seconds.
const MAX_LISTEN_S: f64 = 3600.0;

/// Whether an address is that of a broker.
pub fn is_broker(address: &str) -> bool {
    address.starts_with("mqtt://") || address.starts_with("mqtts://")
}

/// Listens to a broker and prints the topics that it has heard of.
pub async fn browse(args: Browse) -> Result<()> {
    let listen = Some(args.listen).filter(|seconds| (0.0..=MAX_LISTEN_S).contains(seconds));
    let listen = listen.map(Duration::from_secs_f64);
    let listen =
        listen.ok_or_else(|| Error::field("listen", format!("must be 0 to {MAX_LISTEN_S} seconds")))?;
    let (timeout, context) = (parse_timeout(args.timeout)?, connect_context(&args.place)?);
    let found = browse::topics(&args.address, listen, timeout, &context).await?;
    if found.topics.is_empty() {
        eprintln!("no message came within {} s: listen longer with --listen", args.listen);
    }
    found.topics.iter().try_for_each(|topic| print::line(&draw(topic)))?;
    if found.is_truncated {
        eprintln!(
            "only the first {MAX_TOPICS} are shown: write a topic filter, or a Sparkplug group, after the address"
        );
    }
    Ok(())
}

/// Formats a topic and its payload, and below it one line for each value in a JSON payload: the address of a stream,
/// and the value.
fn draw(sample: &TopicSample) -> String {
    let retained = if sample.is_retained { "  (retained)" } else { "" };
    let mut lines = vec![format!("{}  {}{retained}", sample.topic, sample.payload)];
    let stream = |(pointer, value): &(String, String)| format!("  {}#{pointer}  {value}", sample.topic);
    lines.extend(sample.pointers.iter().map(stream));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_drawn_with_the_addresses_of_its_values() {
        let sample = TopicSample {
            topic: "line/1".to_owned(),
            messages: 2,
            payload: "{\"v\":1}".to_owned(),
            is_retained: true,
            pointers: vec![("/v".to_owned(), "1".to_owned())],
        };
        assert_eq!(draw(&sample), "line/1  {\"v\":1}  (retained)\n  line/1#/v  1");
    }
}
