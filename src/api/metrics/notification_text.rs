//! Metrics of notifications, and of alerts that cause none because they are not raised.

use super::MetricsText;
use crate::app::alert::counters::AlertCounts;
use crate::app::notification::counters::NotificationCounts;
use crate::domain::notification::DeliveryStatus;

/// Writes them.
pub(super) fn render(page: &mut MetricsText, notifications: &NotificationCounts, alerts: AlertCounts) {
    let AlertCounts { suppressed, old_readings, unevaluated_records } = alerts;
    let of_alerts = [
        (
            "basalt_alert_unevaluated_records",
            "gauge",
            "Records of the log that alert rules have not evaluated yet, in the organization that is furthest behind.",
            unevaluated_records,
        ),
        (
            "basalt_alerts_suppressed_total",
            "counter",
            "Alerts that were not raised because their rule had raised enough in the hour.",
            suppressed,
        ),
        (
            "basalt_alert_old_readings_total",
            "counter",
            "Readings that alert rules did not evaluate because they were too old when they arrived.",
            old_readings,
        ),
    ];
    for (name, kind, help, value) in of_alerts {
        page.family(name, kind, help);
        page.line(format_args!("{name} {value}"));
    }
    let NotificationCounts { attempts, running, pending } = notifications;
    let name = "basalt_notification_attempts_total";
    page.family(name, "counter", "Attempts to deliver notifications, by kind of channel and outcome.");
    for (kind, status, count) in attempts {
        let outcome = match status {
            DeliveryStatus::Sent => "sent",
            DeliveryStatus::Failed => "failed",
            DeliveryStatus::Pending => "retried",
        };
        let channel = kind.name().to_ascii_lowercase();
        page.sample(name, format_args!("channel=\"{channel}\",outcome=\"{outcome}\""), count);
    }
    let name = "basalt_notifications_pending";
    page.family(name, "gauge", "Deliveries of notifications that wait for an attempt or are under way.");
    page.line(format_args!("{name} {pending}"));
    let name = "basalt_notifications_running";
    page.family(name, "gauge", "Deliveries of notifications that are under way.");
    page.line(format_args!("{name} {running}"));
}
