//! Metrics of the process itself: memory, disk, log, lake, connections.

use super::MetricsText;
use crate::domain::Micros;
use crate::domain::cluster::{ClusterNode, ClusterRole, SpreadTotals};
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::server_status::{
    CertificateStatus, DiskSpace, LakeStatus, ListenerConnections, MemoryStatus, ServerStatus, StoreStatus,
};
use crate::domain::time::MICROS_PER_SECOND;

/// Writes them.
pub(super) fn render(page: &mut MetricsText, started_at: Micros, server: &ServerStatus) {
    let ServerStatus { disk, store, memory, connections, certificates, running_queries } = server;
    // The `process_` names are those that the client libraries of Prometheus use.
    page.family("process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.");
    page.line(format_args!("process_start_time_seconds {}", started_at.0 as f64 / 1e6));
    render_memory(page, memory);
    if let Some(DiskSpace { total, used, free }) = disk {
        page.gauge("basalt_disk_size_bytes", "Size of the data directory's file system.", *total);
        page.gauge("basalt_disk_used_bytes", "Bytes taken of the data directory's file system.", *used);
        page.gauge("basalt_disk_free_bytes", "Bytes that can still be written to the data directory.", *free);
    }
    render_store(page, store);
    render_connections(page, connections);
    render_certificates(page, certificates);
    page.gauge(
        "basalt_queries_running",
        "Queries that run; those in the queue are not counted.",
        *running_queries,
    );
}

/// Writes how many nodes of the cluster run.
pub(super) fn render_nodes(page: &mut MetricsText, nodes: &[ClusterNode]) {
    let name = "basalt_cluster_nodes";
    page.family(name, "gauge", "Nodes of the cluster that run, by role.");
    for role in ClusterRole::ALL {
        let running = nodes.iter().filter(|node| node.is_running && node.role == role).count();
        page.sample(name, format_args!("role=\"{}\"", role.name()), running);
    }
}

/// Writes how many queries ran on several nodes.
pub(super) fn render_spread(page: &mut MetricsText, totals: &SpreadTotals) {
    let SpreadTotals { spread, repeated, tasks } = *totals;
    let counters = [
        ("basalt_queries_spread_total", "Queries that were asked here and divided among nodes.", spread),
        (
            "basalt_queries_repeated_total",
            "Divided queries that ran again here, because another node failed.",
            repeated,
        ),
        ("basalt_query_tasks_total", "Parts of queries that ran here.", tasks),
    ];
    for (name, help, value) in counters {
        page.family(name, "counter", help);
        page.line(format_args!("{name} {value}"));
    }
}

fn render_memory(page: &mut MetricsText, memory: &MemoryStatus) {
    if let Some(bytes) = memory.resident_bytes {
        page.gauge("process_resident_memory_bytes", "Resident memory of the process.", bytes);
    }
    if let Some(bytes) = memory.address_space_limit_bytes {
        page.gauge("process_virtual_memory_max_bytes", "Limit of the process's address space.", bytes);
    }
    type Bytes = fn(&MemoryUsage) -> usize;
    let gauges: [(&str, &str, Bytes); 2] = [
        ("basalt_memory_used_bytes", "Memory reserved of each budget.", |m| m.used_bytes),
        ("basalt_memory_limit_bytes", "Memory that each budget allows.", |m| m.limit_bytes),
    ];
    for (name, help, bytes) in gauges {
        page.family(name, "gauge", help);
        for usage in &memory.budgets {
            page.sample(name, format_args!("budget=\"{}\"", usage.budget), bytes(usage));
        }
    }
}

fn render_store(page: &mut MetricsText, store: &StoreStatus) {
    page.gauge("basalt_log_bytes", "Bytes of the write-ahead log.", store.log_bytes);
    page.gauge("basalt_log_segments", "Files of the write-ahead log.", store.log_segments);
    let help =
        "How far the clock is ahead of the time expected, while retention removes nothing for that reason.";
    page.family("basalt_retention_clock_ahead_seconds", "gauge", help);
    page.line(format_args!("basalt_retention_clock_ahead_seconds {}", store.clock_ahead_s));
    let memtable = &store.memtable;
    page.gauge("basalt_memtable_readings", "Readings that wait for a flush.", memtable.readings);
    let help = "Age of the oldest row that is not in the lake; 0 when all are.";
    page.family("basalt_flush_lag_seconds", "gauge", help);
    page.line(format_args!("basalt_flush_lag_seconds {}", memtable.flush_lag_s));
    type Count = fn(&LakeStatus) -> u64;
    let gauges: [(&str, &str, Count); 4] = [
        ("basalt_lake_files", "Files of each table of the lake.", |t| t.files),
        ("basalt_lake_bytes", "Bytes of each table of the lake.", |t| t.bytes),
        ("basalt_lake_rows", "Rows in the files of each table, overwritten ones included.", |t| t.rows),
        ("basalt_merge_lag_files", "Files above one a day, which wait for a merge.", |t| t.merge_lag_files),
    ];
    for (name, help, count) in gauges {
        page.family(name, "gauge", help);
        for table in &store.lake {
            page.sample(name, format_args!("table=\"{}\"", table.table), count(table));
        }
    }
}

fn render_certificates(page: &mut MetricsText, certificates: &[CertificateStatus]) {
    if certificates.is_empty() {
        return;
    }
    let name = "basalt_certificate_expiry_timestamp_seconds";
    let help = "When the certificate of the listeners expires, in seconds since 1970.";
    page.family(name, "gauge", help);
    for certificate in certificates {
        let seconds = certificate.expires_at.0 / MICROS_PER_SECOND;
        page.line(format_args!("{name}{{certificate=\"{}\"}} {seconds}", certificate.name));
    }
}

fn render_connections(page: &mut MetricsText, connections: &[ListenerConnections]) {
    type Count = fn(&ListenerConnections) -> usize;
    let gauges: [(&str, &str, Count); 2] = [
        ("basalt_connections", "Open connections of each listener.", |c| c.open),
        ("basalt_connections_limit", "Connections that each listener allows.", |c| c.limit),
    ];
    for (name, help, count) in gauges {
        page.family(name, "gauge", help);
        for listener in connections {
            page.sample(name, format_args!("listener=\"{}\"", listener.listener), count(listener));
        }
    }
}
