//! A server of the bench's own: this very program, on a temporary directory and a free port.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::{Value, json};

use crate::auth::key;
use crate::domain::{Error, Result, StreamId};

/// A running server and how to reach it.
pub struct Server {
    child: Child,
    dir: Dir,
    pub address: String,
    pub key: String,
    pub client: Client,
}

/// The data directory; removed at the end when it was made for the bench.
pub struct Dir {
    path: PathBuf,
    is_ours: bool,
}

impl Dir {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if self.is_ours {
            // A folder that stays behind does no harm.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn failed(what: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(format!("the bench's server {what}")).because(e)
}

impl Server {
    /// Starts it on `dir`, which must be new or empty, or on a temporary one.
    pub async fn start(dir: Option<&Path>) -> Result<Server> {
        let dir = match dir {
            Some(path) => Dir { path: path.to_owned(), is_ours: false },
            None => {
                let path = std::env::temp_dir().join(format!("basalt-bench-{}", std::process::id()));
                Dir { path, is_ours: true }
            }
        };
        if dir.path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::invalid(format!(
                "`{}` is not empty: the bench needs its own",
                dir.path.display()
            )));
        }
        let (secret, _) = key::generate();
        let program = std::env::current_exe().map_err(|e| failed("has no program", e))?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&dir.path)
            .env("BASALT_BOOTSTRAP_KEY", &secret)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed("cannot be started", e))?;
        let log = child.stderr.take().expect("stderr was piped");
        let address = tokio::task::spawn_blocking(move || address_in(BufReader::new(log))).await;
        let address = address.map_err(|e| failed("cannot be watched", e))??;
        Ok(Server { child, dir, address, key: secret, client: Client::new() })
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// One device with `count` streams.
    pub async fn create_streams(&self, count: usize) -> Result<Vec<StreamId>> {
        let device = json!({"name": "Bench", "protocol": "virtual", "poll_interval": null});
        let device = self.create("/api/device/", &device).await?;
        let mut streams = Vec::new();
        for i in 0..count {
            let row = json!({"name": format!("signal {i}"), "device": device});
            streams.push(StreamId(self.create("/api/data/", &row).await?));
        }
        Ok(streams)
    }

    async fn create(&self, path: &str, row: &Value) -> Result<i32> {
        let url = format!("http://{}{path}", self.address);
        let asked = self.client.post(url).header("X-API-Key", &self.key).json(row).send().await;
        let answer: Value = match asked {
            Ok(answer) => answer.json().await.map_err(|e| failed("answered no JSON", e))?,
            Err(e) => return Err(failed("does not answer", e)),
        };
        let id = answer["id"].as_i64().and_then(|id| i32::try_from(id).ok());
        id.ok_or_else(|| failed("refused a row", answer.to_string()))
    }

    /// The most memory it ever had resident (Linux).
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
    }

    /// Stops it in order, everything flushed.
    pub async fn stop(mut self) -> Result<Dir> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| Error::internal("the bench's server has no process id"))?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|e| failed("stays", e))?;
        let ended =
            tokio::task::spawn_blocking(move || self.child.wait().map(|status| (status, self.dir))).await;
        let (status, dir) = ended.map_err(|e| failed("stays", e))?.map_err(|e| failed("stays", e))?;
        if status.success() { Ok(dir) } else { Err(failed("ended badly", status.to_string())) }
    }
}

/// Reads the log up to the line that says where it listens; the rest is read and dropped, so that it never blocks.
fn address_in(mut log: impl BufRead + Send + 'static) -> Result<String> {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        if log.read_line(&mut line).map_err(|e| failed("says nothing", e))? == 0 {
            return Err(failed("did not start", seen));
        }
        if let Some((_, address)) = line.trim().rsplit_once("listening on http://") {
            let address = address.to_owned();
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return Ok(address);
        }
        seen.push_str(&line);
    }
}
