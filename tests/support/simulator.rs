//! A running `basalt simulate`: our own devices, as users start them.

use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;

use super::{ChildGuard, DataDir};

/// A simulated device. Dropping it kills it.
pub struct SimulatorProcess {
    /// URL at which it says that it listens, such as `modbus://127.0.0.1:12345`.
    pub url: String,
    pub port: u16,
    child: ChildGuard,
    /// Kept open, so that it can go on saying things.
    lines: Lines<BufReader<ChildStdout>>,
    _home: Arc<DataDir>,
}

impl SimulatorProcess {
    /// Starts one on a port of its own; it answers when this returns.
    pub async fn start(protocol: &'static str) -> SimulatorProcess {
        SimulatorProcess::start_at(protocol, 0).await
    }

    /// Starts one on this port; it answers when this returns.
    pub async fn start_at(protocol: &'static str, port: u16) -> SimulatorProcess {
        let start = move || {
            let home = Arc::new(DataDir::new());
            let mut command = home.command();
            command.args(["simulate", protocol, "--listen", &format!("127.0.0.1:{port}")]);
            let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
            let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            let line = lines.next().expect("a line").expect("text");
            let url = line.strip_prefix("listening on ").expect("it tells where it listens").to_owned();
            let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
            SimulatorProcess { url, port, child: ChildGuard(child), lines, _home: home }
        };
        tokio::task::spawn_blocking(start).await.expect("it starts")
    }

    /// The next line it says.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("text")
    }

    /// Asks it to stop, as Ctrl-C does: it has to end in order.
    pub async fn stop(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill(1) is there");
        assert!(sent.success());
        let ended = tokio::task::spawn_blocking(move || self.child.wait().map(|status| status.code()));
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), ended).await;
        assert_eq!(ended.expect("it ends").expect("it was waited for").expect("it has ended"), Some(0));
    }
}
