//! A query node of the demo: this program once more, as a process of its own that ends with this one.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::future::join_all;
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::domain::{Error, Result};

/// How long a node may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const READY_INTERVAL: Duration = Duration::from_millis(100);
/// How long a request whether it is ready may take.
const READY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a node may take to stop: it lets requests finish for 10 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Lines of a log that are shown when its process has ended.
const SHOWN_LINES: usize = 20;
/// Configuration file without settings, which keeps a node from reading a basalt.toml.
const NO_CONFIG: &str = "/dev/null";

/// How a query node is started.
pub(super) struct QueryNodeSpec {
    pub(super) name: String,
    pub(super) listen: SocketAddr,
    pub(super) cluster_listen: SocketAddr,
    /// An absolute path.
    pub(super) data_dir: PathBuf,
    /// File that gets what the process prints.
    pub(super) log: PathBuf,
}

/// The process. Dropping it kills it.
pub(super) struct QueryProcess {
    name: String,
    url: String,
    log: PathBuf,
    pid: u32,
    child: Child,
    /// The process stops when this ends, as it does at the latest with this process.
    _input: Option<ChildStdin>,
}

impl QueryProcess {
    /// Starts the process with these variables, and no other `BASALT_…` variable: those of this process are about the ingest
    /// node. It has the working directory of this process, so that relative paths in variables (of credentials and certificates)
    /// lead both to the same files. It reads no basalt.toml, as the demo reads none.
    ///
    /// # Errors
    /// `Unavailable` when the program, the directory or the log cannot be used.
    pub(super) fn start(
        spec: &QueryNodeSpec,
        environment: Vec<(&'static str, String)>,
    ) -> Result<QueryProcess> {
        let failed = |e: io::Error| {
            Error::unavailable(format!("the node {} cannot be started", spec.name)).with_source(e)
        };
        fs::create_dir_all(&spec.data_dir).map_err(failed)?;
        let log = File::create(&spec.log).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["serve", "--role", "query", "--stop-with-input", "--config", NO_CONFIG, "--listen"]);
        command.arg(spec.listen.to_string()).arg("--data-dir").arg(&spec.data_dir);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BASALT_"))
        {
            command.env_remove(name);
        }
        command.envs(environment).stdin(Stdio::piped());
        command.stdout(log.try_clone().map_err(failed)?).stderr(log);
        // In a group of its own: Ctrl-C in a terminal is for this process, which then stops the others in order.
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(failed)?;
        Ok(QueryProcess {
            name: spec.name.clone(),
            url: format!("http://{}", spec.listen),
            log: spec.log.clone(),
            pid: child.id().unwrap_or_default(),
            // To wait for the process would close it.
            _input: child.stdin.take(),
            child,
        })
    }

    /// Returns the URL of the node, without a slash at its end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the id of the process.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the node answers queries.
    ///
    /// # Errors
    /// `Unavailable` when the process ends, or does not answer in time. The end of its log is on standard error then.
    pub(super) async fn wait_until_ready(&mut self, client: &Client) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        let url = format!("{}/readyz/?checks=db,poller", self.url);
        loop {
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(|e| self.failed("cannot be watched").with_source(e))? {
                self.show_log();
                return Err(self.failed(&format!("ended at its start: {status}")));
            }
            let answer = client.get(&url).timeout(READY_TIMEOUT).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.show_log();
                return Err(self.failed(&format!("is not ready after {} s", START_TIMEOUT.as_secs())));
            }
            sleep(READY_INTERVAL).await;
        }
    }

    /// Waits until the process ends by itself, and says so on standard error with the end of its log.
    pub(super) async fn report_end(&mut self) {
        let status = self.child.wait().await;
        eprintln!("the node {} ({}) has ended: {}", self.name, self.url, describe(status));
        self.show_log();
    }

    fn failed(&self, what: &str) -> Error {
        Error::unavailable(format!("the node {} {what}; its log is {}", self.name, self.log.display()))
    }

    fn show_log(&self) {
        eprintln!("the end of {}:", self.log.display());
        match fs::read(&self.log) {
            Ok(log) => {
                last_lines(&String::from_utf8_lossy(&log)).iter().for_each(|line| eprintln!("  {line}"))
            }
            Err(error) => eprintln!("  it cannot be read: {error}"),
        }
    }

    fn request_stop(&self) {
        // Without an id it has ended and was waited for.
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    async fn wait_for_end(&mut self) {
        if timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            eprintln!(
                "the node {} does not stop within {} s: it is killed",
                self.name,
                STOP_TIMEOUT.as_secs()
            );
            // It may have ended by itself.
            let _ = self.child.kill().await;
        }
    }
}

/// Stops all processes at once, in order; those that take too long are killed.
pub(super) async fn stop_all(nodes: &mut [QueryProcess]) {
    nodes.iter().for_each(QueryProcess::request_stop);
    join_all(nodes.iter_mut().map(QueryProcess::wait_for_end)).await;
}

fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

fn last_lines(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_the_last_lines_are_shown() {
        let log: String = (1..=25).map(|n| format!("line {n}\n")).collect();
        let shown = last_lines(&log);
        assert_eq!((shown.len(), shown.first(), shown.last()), (20, Some(&"line 6"), Some(&"line 25")));
        assert_eq!(last_lines("one"), ["one"]);
        assert_eq!(last_lines(""), [""; 0]);
    }
}
