//! OPC UA servers that are not our code, changed by what they are told.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use super::peers::{node_script, script};

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpcuaPeer {
    /// Of Python: tests/peers/opcua_server.py.
    Asyncua,
    /// Of Node.js: tests/peers/npm/opcua_server.mjs.
    NodeOpcua,
}

/// Such a server. Dropping it kills it.
pub struct OpcuaServer {
    pub port: u16,
    /// What it holds: `{"path", "type", "value", "writable"}` each.
    pub points: Vec<Value>,
    peer: OpcuaPeer,
    /// Of its address.
    path: &'static str,
    folder: Arc<TempDir>,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl OpcuaServer {
    /// Starts asyncua's with a new certificate; it answers when this returns.
    pub async fn start(port: u16) -> OpcuaServer {
        OpcuaServer::start_peer(OpcuaPeer::Asyncua, port).await
    }

    /// The same of somebody else.
    pub async fn start_peer(peer: OpcuaPeer, port: u16) -> OpcuaServer {
        OpcuaServer::start_at(peer, port, "/plant").await
    }

    /// The same with another path in its address.
    pub async fn start_at(peer: OpcuaPeer, port: u16, path: &'static str) -> OpcuaServer {
        let folder = tokio::task::spawn_blocking(tempfile::tempdir).await.expect("it is made");
        OpcuaServer::start_in(peer, port, path, Arc::new(folder.expect("a folder"))).await
    }

    /// Ends it at once and starts it again, with what it held at first and with the same certificate.
    pub async fn restart(self) -> OpcuaServer {
        let (peer, port, path, folder) = (self.peer, self.port, self.path, Arc::clone(&self.folder));
        drop(self);
        OpcuaServer::start_in(peer, port, path, folder).await
    }

    async fn start_in(peer: OpcuaPeer, port: u16, path: &'static str, folder: Arc<TempDir>) -> OpcuaServer {
        let start = move || {
            let mut command = match peer {
                OpcuaPeer::Asyncua => script("opcua_server.py"),
                OpcuaPeer::NodeOpcua => node_script("opcua_server.mjs"),
            };
            command.args(["--port", &port.to_string(), "--path", path, "--folder"]).arg(folder.path());
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
            let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
            let mut line = || lines.next().and_then(Result::ok);
            assert_eq!(line().as_deref(), Some("ready"), "the server listens");
            let points = line().and_then(|line| serde_json::from_str(&line).ok());
            let points = points.expect("the server tells its points");
            OpcuaServer { port, points, peer, path, folder, child, lines }
        };
        tokio::task::spawn_blocking(start).await.expect("the server starts")
    }

    /// Gives it an order; what it answers.
    pub fn run_command(&mut self, order: &Value) -> Value {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{order}").expect("the server listens");
        let answer = self.lines.next().and_then(Result::ok).expect("the server answers");
        serde_json::from_str(&answer).expect("JSON")
    }
}

impl Drop for OpcuaServer {
    fn drop(&mut self) {
        self.child.kill().unwrap_or(());
        let _ = self.child.wait();
    }
}
