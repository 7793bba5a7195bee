//! What the server took for something: processor time and memory.

use std::future::Future;
use std::time::Instant;

use super::server::Server;
use crate::domain::Result;

pub struct Used {
    /// Share of one core; none where the system does not tell.
    cpu: Option<f64>,
    /// Resident at the end, bytes.
    pub memory: Option<u64>,
}

impl Used {
    /// What it took while `work` ran, and what that came to.
    pub async fn of<T>(server: &Server, work: impl Future<Output = Result<T>>) -> Result<(Used, T)> {
        let (before, started) = (server.cpu(), Instant::now());
        let done = work.await?;
        let took = started.elapsed().as_secs_f64();
        let cpu = server.cpu().zip(before).map(|(after, before)| (after - before).as_secs_f64() / took);
        Ok((Used { cpu, memory: server.memory_bytes() }, done))
    }

    pub fn percent(&self) -> String {
        self.cpu.map_or("an unknown share".to_owned(), |share| format!("{:.1} %", share * 100.0))
    }
}
