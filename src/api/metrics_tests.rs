//! Tests of the page of metrics.

use super::*;
use crate::app::alert::counters::AlertCounts;
use crate::app::notification::counters::NotificationCounters;
use crate::app::readings::counters::ReadingCounters;
use crate::domain::cluster::{ClusterNode, ClusterRole, SpreadTotals};
use crate::domain::device::{DeviceStatus, ErrorCounts, Protocol};
use crate::domain::latency_stats::{LATENCY_BUCKET_BOUNDS_S, LatencyStats};
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::server_status::{
    CertificateStatus, DiskSpace, LakeStatus, ListenerConnections, MemoryStatus, MemtableStatus,
    ServerStatus, StoreStatus,
};
use crate::domain::{DeviceId, Micros};

fn measured() -> DeviceMetrics {
    let mut buckets = [0; LATENCY_BUCKET_BOUNDS_S.len()];
    (buckets[0], buckets[3]) = (2, 5);
    let latency = LatencyStats { count: 8, sum_s: 11.25, buckets, ..LatencyStats::default() };
    let errors = ErrorCounts { timeout: 1, refused: 2, protocol: 3, other: 4 };
    let status = DeviceStatus {
        state: DeviceState::Degraded,
        last_error: Some("`secret tag` (hr:1): no".into()),
        last_seen: Some(Micros(1_777_377_600_500_000)),
        clock_offset_s: Some(-90.5),
        reads: 8,
        readings: 4000,
        reconnects: 6,
        skipped: 7,
        errors,
        latency,
        ..DeviceStatus::default()
    };
    DeviceMetrics { device: DeviceId(3), protocol: Protocol::Modbus, status }
}

fn server() -> ServerStatus {
    let queries = MemoryUsage { budget: "queries", used_bytes: 3, limit_bytes: 8 };
    let memtable = MemtableStatus { readings: 21, used_bytes: 22, limit_bytes: 23, flush_lag_s: 2.5 };
    let lake =
        LakeStatus { table: "readings", files: 31, bytes: 32, rows: 33, days: 34, merge_lag_files: 35 };
    ServerStatus {
        disk: Some(DiskSpace { total: 11, used: 12, free: 13 }),
        store: StoreStatus {
            log_bytes: 14,
            log_segments: 15,
            clock_ahead_s: 16.5,
            memtable,
            lake: vec![lake],
        },
        memory: MemoryStatus {
            resident_bytes: Some(5),
            large_body_limit_bytes: 6,
            address_space_limit_bytes: Some(7),
            budgets: vec![queries],
        },
        connections: vec![ListenerConnections { listener: "http", open: 41, limit: 42 }],
        certificates: vec![CertificateStatus { name: "http", expires_at: Micros(1_777_377_600_500_000) }],
        running_queries: 43,
    }
}

fn all(devices: Vec<DeviceMetrics>) -> Metrics {
    let status =
        ModelStatus { state: ModelState::Running, lag_s: Some(1.5), windows: 9, ..ModelStatus::default() };
    Metrics {
        devices,
        models: vec![(ModelId(4), status)],
        started_at: Micros(1_777_377_600_500_000),
        server: server(),
        readings: ReadingCounters::default().counts(),
        mqtt: Default::default(),
        notifications: NotificationCounters::default().counts(),
        alerts: AlertCounts { suppressed: 12, old_readings: 13, unevaluated_records: 14 },
        nodes: None,
        spread: None,
    }
}

#[test]
fn running_nodes_are_counted_by_role_in_a_cluster_alone() {
    let node = |role, is_running| ClusterNode {
        id: uuid::Uuid::new_v4(),
        role,
        url: None,
        version: "1.2.3".to_owned(),
        started_at: Micros(1),
        renewed_at: Micros(2),
        is_running,
    };
    let nodes = [(ClusterRole::Query, true), (ClusterRole::Query, true), (ClusterRole::Query, false)];
    let nodes = nodes.map(|(role, is_running)| node(role, is_running)).to_vec();
    let page = render(&Metrics { nodes: Some(Arc::new(nodes)), ..all(Vec::new()) }, Vec::new());
    let lines: Vec<_> = page.lines().filter(|line| line.starts_with("basalt_cluster_nodes")).collect();
    let expected = ["basalt_cluster_nodes{role=\"ingest\"} 0", "basalt_cluster_nodes{role=\"query\"} 2"];
    assert_eq!(lines, expected);
    let totals = SpreadTotals { spread: 5, repeated: 1, tasks: 14 };
    let page = render(&Metrics { spread: Some(totals), ..all(Vec::new()) }, Vec::new());
    for line in
        ["basalt_queries_spread_total 5", "basalt_queries_repeated_total 1", "basalt_query_tasks_total 14"]
    {
        assert!(page.lines().any(|one| one == line), "{line}");
    }
    assert!(!render(&all(Vec::new()), Vec::new()).contains("basalt_cluster_nodes"));
}

#[test]
fn a_device_and_a_model_are_told_in_numbers() {
    let page = render(&all(vec![measured()]), Vec::new());
    for line in [
        "process_start_time_seconds 1777377600.5",
        "process_resident_memory_bytes 5",
        "process_virtual_memory_max_bytes 7",
        "basalt_disk_size_bytes 11",
        "basalt_disk_used_bytes 12",
        "basalt_disk_free_bytes 13",
        "basalt_log_bytes 14",
        "basalt_log_segments 15",
        "basalt_retention_clock_ahead_seconds 16.5",
        "basalt_memtable_readings 21",
        "basalt_flush_lag_seconds 2.5",
        "basalt_lake_files{table=\"readings\"} 31",
        "basalt_lake_bytes{table=\"readings\"} 32",
        "basalt_lake_rows{table=\"readings\"} 33",
        "basalt_merge_lag_files{table=\"readings\"} 35",
        "basalt_connections{listener=\"http\"} 41",
        "basalt_connections_limit{listener=\"http\"} 42",
        "basalt_certificate_expiry_timestamp_seconds{certificate=\"http\"} 1777377600",
        "basalt_queries_running 43",
        "basalt_memory_used_bytes{budget=\"queries\"} 3",
        "basalt_memory_limit_bytes{budget=\"queries\"} 8",
        "basalt_device_state{device=\"3\",protocol=\"modbus\",state=\"online\"} 0",
        "basalt_device_state{device=\"3\",protocol=\"modbus\",state=\"degraded\"} 1",
        "basalt_device_last_seen_timestamp_seconds{device=\"3\",protocol=\"modbus\"} 1777377600.5",
        "basalt_devices_clock_off 1",
        "basalt_device_requests_total{device=\"3\",protocol=\"modbus\"} 8",
        "basalt_device_readings_total{device=\"3\",protocol=\"modbus\"} 4000",
        "basalt_device_reconnects_total{device=\"3\",protocol=\"modbus\"} 6",
        "basalt_device_skipped_polls_total{device=\"3\",protocol=\"modbus\"} 7",
        "basalt_device_errors_total{device=\"3\",protocol=\"modbus\",kind=\"timeout\"} 1",
        "basalt_device_errors_total{device=\"3\",protocol=\"modbus\",kind=\"other\"} 4",
        "basalt_device_request_duration_seconds_bucket{device=\"3\",protocol=\"modbus\",le=\"0.0005\"} 2",
        "basalt_device_request_duration_seconds_bucket{device=\"3\",protocol=\"modbus\",le=\"10\"} 7",
        "basalt_device_request_duration_seconds_bucket{device=\"3\",protocol=\"modbus\",le=\"+Inf\"} 8",
        "basalt_device_request_duration_seconds_sum{device=\"3\",protocol=\"modbus\"} 11.25",
        "basalt_device_request_duration_seconds_count{device=\"3\",protocol=\"modbus\"} 8",
        "basalt_device_poll_lateness_seconds_count{device=\"3\",protocol=\"modbus\"} 0",
        "basalt_model_state{model=\"4\",state=\"running\"} 1",
        "basalt_model_state{model=\"4\",state=\"failed\"} 0",
        "basalt_model_lag_seconds{model=\"4\"} 1.5",
        "basalt_model_windows_total{model=\"4\"} 9",
        "basalt_alerts_suppressed_total 12",
        "basalt_alert_old_readings_total 13",
        "basalt_alert_unevaluated_records 14",
    ] {
        assert!(page.lines().any(|other| other == line), "`{line}` is missing in:\n{page}");
    }
    assert!(!page.contains("secret"), "no error, name or tag is a label:\n{page}");
}

#[test]
fn every_sample_belongs_to_the_family_above_it() {
    let page = render(&all(vec![measured(), measured()]), Vec::new());
    let (mut family, mut samples) = ("", 0);
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
        } else if let Some(help) = line.strip_prefix("# TYPE ") {
            assert_eq!(help.split(' ').next(), Some(family));
        } else {
            assert!(line.starts_with(family), "{line} under {family}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            samples += 1;
        }
    }
    // Of the process the start, the resident memory and its limits of the system; three of the disk, two of the log, one of retention's clock, two of
    // the memtable, four of one table, two of one listener, one of a certificate, one of queries. The use and the limit of one budget. Per device: five states, the last-seen time, four counters, four kinds of
    // errors, two histograms. Per model: five states, its lag, four counters. Received readings by two outcomes and nine reasons.
    // Of MQTT nine values, two counters by three qualities of service, and a histogram. Of notifications two values and a
    // counter by two kinds of channels and three outcomes. Three of alerts.
    assert_eq!(
        samples,
        1 + (3 + 3 + 2 + 1 + 2 + 4 + 2 + 1 + 1)
            + 2
            + 2 * (5 + 1 + 4 + 4 + 2 * (LATENCY_BUCKET_BOUNDS_S.len() + 3))
            + (5 + 1 + 4)
            + (2 + 9)
            + (9 + 2 * 3 + LATENCY_BUCKET_BOUNDS_S.len() + 3)
            + (2 + 2 * 3)
            + 3
    );
}

#[test]
fn only_the_named_families_are_rendered() {
    let families = |query| {
        let page = render(&all(vec![measured()]), wanted_names(query));
        let helps = page.lines().filter_map(|line| line.strip_prefix("# HELP "));
        let names: Vec<String> =
            helps.map(|help| help.split(' ').next().unwrap_or_default().to_owned()).collect();
        (names, page.lines().count())
    };
    let some = ["basalt_device_requests_total".to_owned(), "basalt_mqtt_connections".to_owned()];
    let query = "name[]=basalt_mqtt_connections&other=1&name%5B%5D=basalt_device_requests_total";
    assert_eq!(families(Some(query)), (some.to_vec(), 6));
    let histogram = "basalt_device_poll_lateness_seconds".to_owned();
    let lines = 2 + LATENCY_BUCKET_BOUNDS_S.len() + 3;
    assert_eq!(families(Some("name[]=basalt_device_poll_lateness_seconds")), (vec![histogram], lines));
    assert_eq!(families(Some("name[]=nothing")), (Vec::new(), 0));
    let names = families(None).0;
    assert!(names.len() > 40 && names == families(Some("a=b")).0, "{names:?}");
}
