//! OPC UA servers that are not our code, changed by what they are told.

use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use super::peer_process::PeerProcess;
use super::peers::{node_script, script};

/// Library that a server is built with.
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
    /// Its nodes: `{"path", "type", "value", "writable"}` each.
    pub points: Vec<Value>,
    peer: OpcuaPeer,
    /// Of its address.
    path: &'static str,
    process: PeerProcess,
    folder: Arc<TempDir>,
}

impl OpcuaServer {
    /// Starts asyncua's with a new certificate; it answers when this returns.
    pub async fn start(port: u16) -> OpcuaServer {
        OpcuaServer::start_peer(OpcuaPeer::Asyncua, port).await
    }

    /// Starts a server of this kind with a new certificate; it answers when this returns.
    pub async fn start_peer(peer: OpcuaPeer, port: u16) -> OpcuaServer {
        OpcuaServer::start_at(peer, port, "/plant").await
    }

    /// Starts a server with this path in its address.
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
        let mut command = match peer {
            OpcuaPeer::Asyncua => script("opcua_server.py"),
            OpcuaPeer::NodeOpcua => node_script("opcua_server.mjs"),
        };
        command.args(["--port", &port.to_string(), "--path", path, "--folder"]).arg(folder.path());
        let (process, points) = PeerProcess::start_ready(command).await;
        OpcuaServer { port, points, peer, path, folder, process }
    }

    /// Gives it an order; what it answers.
    pub fn run_command(&mut self, order: &Value) -> Value {
        self.process.order(order);
        serde_json::from_str(&self.process.line()).expect("JSON")
    }
}
