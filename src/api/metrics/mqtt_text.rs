//! Metrics of the MQTT broker.

use super::MetricsText;
use crate::app::mqtt::metrics::MqttMetrics;
use crate::domain::latency_stats::LATENCY_BUCKET_BOUNDS_S;

pub(super) fn render(page: &mut MetricsText, mqtt: &MqttMetrics) {
    let values: [(&str, &str, &str, u64); 8] = [
        ("basalt_mqtt_connections", "gauge", "Clients that are connected.", mqtt.connections),
        ("basalt_mqtt_sessions", "gauge", "Sessions, with and without a connection.", mqtt.sessions as u64),
        ("basalt_mqtt_retained_messages", "gauge", "Retained messages.", mqtt.retained as u64),
        (
            "basalt_mqtt_queue_bytes",
            "gauge",
            "Messages that clients have not acknowledged.",
            mqtt.queue_bytes,
        ),
        (
            "basalt_mqtt_malformed_messages_total",
            "counter",
            "Messages that cannot be read: acknowledged and not stored.",
            mqtt.malformed,
        ),
        (
            "basalt_mqtt_texts_without_stream_total",
            "counter",
            "Members of messages that are texts and have no stream: not stored, though the rest of their message is.",
            mqtt.texts_without_stream,
        ),
        (
            "basalt_mqtt_session_overflows_total",
            "counter",
            "Sessions that were ended because they fell too far behind.",
            mqtt.overflows,
        ),
        (
            "basalt_mqtt_dropped_messages_total",
            "counter",
            "Messages that are larger than their client takes; no other message is dropped.",
            mqtt.dropped,
        ),
    ];
    for (name, kind, help, value) in values {
        page.family(name, kind, help);
        page.line(format_args!("{name} {value}"));
    }
    let counts = [
        ("basalt_mqtt_messages_received_total", "Messages from clients.", mqtt.received),
        ("basalt_mqtt_messages_sent_total", "Messages to clients, repeated ones included.", mqtt.sent),
    ];
    for (name, help, by_qos) in counts {
        page.family(name, "counter", help);
        for (qos, count) in by_qos.iter().enumerate() {
            page.sample(name, format_args!("qos=\"{qos}\""), count);
        }
    }
    let name = "basalt_mqtt_acknowledgement_duration_seconds";
    page.family(name, "histogram", "From the arrival of a message to its acknowledgement.");
    let mut up_to = 0;
    for (bound, count) in LATENCY_BUCKET_BOUNDS_S.iter().zip(mqtt.acks.buckets) {
        up_to += count;
        page.sample(&format!("{name}_bucket"), format_args!("le=\"{bound}\""), up_to);
    }
    page.sample(&format!("{name}_bucket"), format_args!("le=\"+Inf\""), mqtt.acks.count);
    page.line(format_args!("{name}_sum {}", mqtt.acks.sum_s));
    page.line(format_args!("{name}_count {}", mqtt.acks.count));
}
