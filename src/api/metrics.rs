//! `GET /metrics`: metrics of the process, collectors and models in Prometheus' text format 0.0.4.
//!
//! Rendered from their counters at the time of the request; there is no registry. Labels are only ids, a device's
//! protocol and words of closed sets, never names or tags: those are unbounded and private to an organization.
//!
//! `name[]=FAMILY`, once or more often, selects families, as in Prometheus' client libraries: a page that shows four
//! numbers of 300 devices would otherwise load a megabyte.

mod metrics_text;
mod mqtt_text;
mod notification_text;
mod server_text;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::form_urlencoded;

use self::metrics_text::MetricsText;
use super::caller::authenticate;
use super::error::PlainError;
use crate::app::App;
use crate::app::ai::{ModelState, ModelStatus};
use crate::app::metrics::{DeviceMetrics, Metrics};
use crate::app::readings::counters::ReadingCounts;
use crate::domain::ModelId;
use crate::domain::device::DeviceState;

const PROMETHEUS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns the route of `/metrics`, which needs a key unless the configuration makes the metrics public.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(app): State<Arc<App>>, request: Request) -> Result<Response, PlainError> {
    let measured = match app.metrics.public_metrics().await {
        Some(measured) => measured,
        None => {
            let principal = authenticate(&app, request.method(), request.headers(), request.extensions())?;
            app.metrics.metrics(&principal).await?
        }
    };
    let text = render(&measured, wanted_names(request.uri().query()));
    Ok(([(header::CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE)], text).into_response())
}

/// Returns the names given as `name[]`, the parameter by which Prometheus' client libraries select metrics.
fn wanted_names(query: Option<&str>) -> Vec<String> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(|(key, _)| key == "name[]").map(|(_, name)| name.into_owned()).collect()
}

/// Renders the metrics of the given names, or all of them if there is no name.
fn render(metrics: &Metrics, names: Vec<String>) -> String {
    let Metrics { devices, models, started_at, server, readings, mqtt, notifications, alerts, nodes, spread } =
        metrics;
    let mut page = MetricsText::new(names);
    page.family("basalt_build_info", "gauge", "The version that runs.");
    page.sample("basalt_build_info", format_args!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
    server_text::render(&mut page, *started_at, server);
    if let Some(nodes) = nodes {
        server_text::render_nodes(&mut page, nodes);
    }
    if let Some(spread) = spread {
        server_text::render_spread(&mut page, spread);
    }
    states(&mut page, devices);
    counters(&mut page, devices);
    page.histogram(
        "basalt_device_request_duration_seconds",
        "Round trips of requests that the device answered.",
        devices,
        |measured| &measured.status.latency,
    );
    page.histogram(
        "basalt_device_poll_lateness_seconds",
        "How much later than its time on the schedule each poll began.",
        devices,
        |measured| &measured.status.lateness,
    );
    render_models(&mut page, models);
    render_readings(&mut page, readings);
    mqtt_text::render(&mut page, mqtt);
    notification_text::render(&mut page, notifications, *alerts);
    page.finish()
}

fn render_readings(page: &mut MetricsText, readings: &ReadingCounts) {
    let name = "basalt_payload_readings_total";
    page.family(name, "counter", "Readings received in payloads, by what became of them.");
    page.sample(name, format_args!("outcome=\"accepted\""), readings.accepted);
    page.sample(name, format_args!("outcome=\"duplicate\""), readings.duplicates);
    let name = "basalt_quarantined_readings_total";
    page.family(name, "counter", "Readings put into quarantine, by reason.");
    for (reason, count) in &readings.quarantined {
        page.sample(name, format_args!("reason=\"{}\"", reason.name()), count);
    }
}

fn render_models(page: &mut MetricsText, models: &[(ModelId, ModelStatus)]) {
    let name = "basalt_model_state";
    page.family(name, "gauge", "1 for the state that the model is in, 0 for the others.");
    for (id, status) in models {
        for state in ModelState::ALL {
            let is_in_it = u8::from(status.state == state);
            page.sample(name, format_args!("model=\"{id}\",state=\"{}\"", state.name()), is_in_it);
        }
    }
    let name = "basalt_model_lag_seconds";
    page.family(
        name,
        "gauge",
        "How far the newest sample judged is behind now: it grows when a model falls behind.",
    );
    for (id, status) in models {
        if let Some(lag_s) = status.lag_s {
            page.sample(name, format_args!("model=\"{id}\""), lag_s);
        }
    }
    type Counter = fn(&ModelStatus) -> u64;
    let counters: [(&str, &str, Counter); 4] = [
        ("basalt_model_windows_total", "Windows that the model has judged.", |s| s.windows),
        ("basalt_model_gaps_total", "Stretches in which a source said nothing for too long.", |s| s.gaps),
        ("basalt_model_late_readings_total", "Readings that came after their time had been judged.", |s| {
            s.late
        }),
        ("basalt_model_behind_total", "How often the model was too far behind to follow.", |s| s.behind),
    ];
    for (name, help, count) in counters {
        page.family(name, "counter", help);
        models
            .iter()
            .for_each(|(id, status)| page.sample(name, format_args!("model=\"{id}\""), count(status)));
    }
}

fn states(page: &mut MetricsText, devices: &[DeviceMetrics]) {
    let name = "basalt_device_state";
    page.family(name, "gauge", "1 for the state that the device is in, 0 for the others.");
    for measured in devices {
        for state in DeviceState::ALL {
            let is_in_it = u8::from(measured.status.state == state);
            page.sample(name, format_args!("{},state=\"{}\"", labels(measured), state.name()), is_in_it);
        }
    }
    let is_off = |measured: &&DeviceMetrics| measured.status.clock_offset_s.is_some();
    let clocks_off = devices.iter().filter(is_off).count();
    page.gauge("basalt_devices_clock_off", "Devices whose clock is off by more than a minute.", clocks_off);
    let name = "basalt_device_last_seen_timestamp_seconds";
    page.family(name, "gauge", "When the device was last heard of; absent until it is.");
    for measured in devices {
        if let Some(at) = measured.status.last_seen {
            page.sample(name, labels(measured), at.0 as f64 / 1e6);
        }
    }
}

fn counters(page: &mut MetricsText, devices: &[DeviceMetrics]) {
    type Counter = fn(&DeviceMetrics) -> u64;
    let counters: [(&str, &str, Counter); 4] = [
        ("basalt_device_requests_total", "Requests that the device answered.", |m| m.status.reads),
        ("basalt_device_readings_total", "Readings of the device that were stored.", |m| m.status.readings),
        (
            "basalt_device_reconnects_total",
            "How often the connection was made again after it had been lost.",
            |m| m.status.reconnects,
        ),
        (
            "basalt_device_skipped_polls_total",
            "Polls left out because the one before took longer than the interval.",
            |m| m.status.skipped,
        ),
    ];
    for (name, help, count) in counters {
        page.family(name, "counter", help);
        devices.iter().for_each(|measured| page.sample(name, labels(measured), count(measured)));
    }
    let name = "basalt_device_errors_total";
    page.family(name, "counter", "Requests that failed.");
    for measured in devices {
        let errors = measured.status.errors;
        for (kind, count) in [
            ("timeout", errors.timeout),
            ("refused", errors.refused),
            ("protocol", errors.protocol),
            ("other", errors.other),
        ] {
            page.sample(name, format_args!("{},kind=\"{kind}\"", labels(measured)), count);
        }
    }
}

/// Labels of a device. None of them contains a character that the format escapes.
fn labels(measured: &DeviceMetrics) -> String {
    format!("device=\"{}\",protocol=\"{}\"", measured.device.0, measured.protocol.name())
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
