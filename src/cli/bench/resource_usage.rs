//! Processor time and memory that the server uses during a measurement.

use std::future::Future;
use std::time::Instant;

use super::server::BenchServer;
use crate::domain::Result;

/// Use of the machine by the server's process during one measurement.
pub struct ResourceUsage {
    /// Share of one core; `None` where the system does not report it.
    cpu: Option<f64>,
    /// Resident memory at the end, in bytes.
    pub memory_bytes: Option<u64>,
}

impl ResourceUsage {
    /// Runs `work`; returns its result and what the server used meanwhile.
    pub async fn measure<T>(
        server: &BenchServer,
        work: impl Future<Output = Result<T>>,
    ) -> Result<(ResourceUsage, T)> {
        let (before, started) = (server.cpu_time(), Instant::now());
        let done = work.await?;
        let took = started.elapsed().as_secs_f64();
        let cpu = server.cpu_time().zip(before).map(|(after, before)| (after - before).as_secs_f64() / took);
        Ok((ResourceUsage { cpu, memory_bytes: server.memory_bytes() }, done))
    }

    /// Formats the share of one core, above 100 % when several are busy, or says that it is unknown.
    pub fn percent(&self) -> String {
        self.cpu.map_or("an unknown share".to_owned(), |share| format!("{:.1} %", share * 100.0))
    }
}
