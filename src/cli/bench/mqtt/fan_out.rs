//! Many subscribers of one publisher. Each must receive every reading; latency is from just before the reading is sent
//! until its message has been read.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use super::broker::Broker;
use super::connection::{MqttConnection, Packet, put_publish};
use crate::cli::bench::args;
use crate::cli::bench::latencies::{Latencies, format_number};
use crate::cli::print;
use crate::domain::{Error, Result};

/// Maximum wait for the last messages.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);

/// Measures and prints.
pub async fn measure(broker: &Broker, args: &args::Mqtt) -> Result<usize> {
    let (topics, filter) = broker.topics(1).await?;
    let topic = topics.first().ok_or_else(|| Error::internal("there is no topic"))?;
    let key = broker.key.as_deref();
    let mut subscribers = Vec::with_capacity(args.subscribers);
    for number in 0..args.subscribers {
        let id = format!("bench-subscriber-{number}");
        let mut connection = MqttConnection::open(&broker.address, &id, key).await?;
        connection.subscribe(&filter).await?;
        subscribers.push(connection);
    }
    let publisher = MqttConnection::open(&broker.address, "bench-source", key).await?;
    let count = args.rate * usize::try_from(args.seconds).unwrap_or(usize::MAX);
    let (begun, cpu) = (Instant::now(), broker.cpu_share());
    let receiving: Vec<_> =
        subscribers.into_iter().map(|one| tokio::spawn(receive_all(one, count, begun))).collect();
    publish(publisher, topic, count, Duration::from_secs_f64(1.0 / args.rate as f64), begun).await?;
    let mut latencies = Latencies::default();
    for subscriber in receiving {
        let ended =
            subscriber.await.map_err(|e| Error::internal("a subscriber ended early").with_source(e))?;
        latencies.extend([ended?]);
    }
    print::line(&format!(
        "{} subscribers x {} readings/s for {} s: each received all {count}; from sending to having read p50 {} ms, p99 {} \
         ms, slowest {} ms; broker {} of a core",
        args.subscribers,
        args.rate,
        args.seconds,
        format_number(latencies.quantile_ms(0.5)),
        format_number(latencies.quantile_ms(0.99)),
        format_number(latencies.quantile_ms(1.0)),
        cpu.percent(),
    ))?;
    Ok(count)
}

/// Publishes the microseconds since `begun` as a number, as often as `count` says, one at each interval.
async fn publish(
    mut publisher: MqttConnection,
    topic: &str,
    count: usize,
    interval: Duration,
    begun: Instant,
) -> Result<()> {
    let (mut sent, mut acked) = (0_usize, 0_usize);
    let mut out = Vec::new();
    while acked < count {
        let due = begun + interval.mul_f64(sent as f64);
        if sent < count && due <= Instant::now() {
            out.clear();
            // Ids are used in turn; there are far fewer unacknowledged messages than ids.
            let id = (sent % usize::from(u16::MAX)) as u16 + 1;
            put_publish(&mut out, topic, id, begun.elapsed().as_micros().to_string().as_bytes());
            publisher.send(&out).await?;
            sent += 1;
            continue;
        }
        let wait = if sent < count { due.saturating_duration_since(Instant::now()) } else { RECEIVE_TIMEOUT };
        match timeout(wait, publisher.receive()).await {
            Ok(Ok(Packet::PubAck(_))) => acked += 1,
            Ok(Ok(other)) => {
                return Err(Error::unavailable(format!("unexpected packet of the broker: {other:?}")));
            }
            Ok(Err(error)) => return Err(error),
            Err(_) if sent < count => {}
            Err(_) => return Err(Error::unavailable("the broker did not acknowledge a message")),
        }
    }
    Ok(())
}

/// Reads until every reading has arrived.
async fn receive_all(mut connection: MqttConnection, count: usize, begun: Instant) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    while latencies.count() < count {
        let late = |_| Error::unavailable("a subscriber did not receive every reading");
        let packet = timeout(RECEIVE_TIMEOUT, connection.receive()).await.map_err(late)??;
        let now = begun.elapsed();
        let Packet::Message(_, payload) = packet else {
            return Err(Error::unavailable(format!("unexpected packet of the broker: {packet:?}")));
        };
        for micros in readings(&payload)? {
            latencies.add(now.saturating_sub(Duration::from_micros(micros as u64)));
        }
    }
    if latencies.count() > count {
        return Err(Error::internal("a subscriber received more readings than were published"));
    }
    Ok(latencies)
}

/// Returns the values in a payload: a number, an object with a `value`, or a list of them.
fn readings(payload: &Bytes) -> Result<Vec<f64>> {
    let malformed_error = || Error::unavailable(format!("a message that is no reading: {payload:?}"));
    let value = |json: &Value| json.as_f64().or_else(|| json["value"].as_f64()).ok_or_else(malformed_error);
    match serde_json::from_slice(payload).map_err(|_| malformed_error())? {
        Value::Array(list) => list.iter().map(value).collect(),
        one => Ok(vec![value(&one)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_number_an_object_or_a_list() {
        let rows = [
            ("12", Some(vec![12.0])),
            (r#"{"timestamp":"2026-04-28T12:00:00Z","value":3.5}"#, Some(vec![3.5])),
            (r#"[{"value":1},2]"#, Some(vec![1.0, 2.0])),
            (r#"{"text":"x"}"#, None),
            ("x", None),
        ];
        for (payload, expected) in rows {
            assert_eq!(readings(&Bytes::from_static(payload.as_bytes())).ok(), expected, "{payload}");
        }
    }
}
