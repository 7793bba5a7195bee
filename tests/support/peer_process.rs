//! A process that says that it is ready on its standard output, line by line, and takes orders on its standard input.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ChildGuard;

/// A running one. Dropping it kills it.
pub struct PeerProcess {
    child: ChildGuard,
    lines: Lines<BufReader<ChildStdout>>,
}

impl PeerProcess {
    /// Starts one and waits for its first line.
    pub async fn start(mut command: Command) -> (PeerProcess, String) {
        let start = move || {
            let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = piped.spawn().expect("the program starts");
            let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            let mut process = PeerProcess { child: ChildGuard(child), lines };
            let line = process.line();
            (process, line)
        };
        tokio::task::spawn_blocking(start).await.expect("it starts")
    }

    /// Starts one that says `ready`, and then what it has, as JSON.
    pub async fn start_ready<T: DeserializeOwned>(command: Command) -> (PeerProcess, T) {
        let (mut process, line) = PeerProcess::start(command).await;
        assert_eq!(line, "ready", "it listens");
        let line = process.line();
        (process, serde_json::from_str(&line).expect("it tells what it has"))
    }

    /// The next line that it says.
    pub fn line(&mut self) -> String {
        self.lines.next().and_then(Result::ok).expect("a line")
    }

    /// Gives it an order.
    pub fn order(&mut self, order: &Value) {
        writeln!(self.child.stdin.as_mut().expect("a pipe"), "{order}").expect("it listens");
    }

    /// Ends it at once; it is gone when this returns.
    pub fn kill(&mut self) {
        self.child.kill().unwrap_or(());
        let _ = self.child.wait();
        // A script of Python is another process (tests/peers/fork_server.py), which has the other end of the pipe as long as it lives.
        while matches!(self.lines.next(), Some(Ok(_))) {}
    }
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
