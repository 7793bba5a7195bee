//! The benchmark's server: this program, on its own directory and a free port.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;
use reqwest::{Client, Response};
use serde_json::Value;

use super::process;
use crate::app::access::KeyRequest;
use crate::app::client::{ClientCommand, ClientRequest};
use crate::app::control::{Command as Order, CommandOutcome};
use crate::app::inventory::InventoryFormat;
use crate::app::inventory::file_command::FileCommand;
use crate::cli::args::{DataDirArgs, OrgArgs};
use crate::cli::target::{CommandTarget, DataDirMode};
use crate::domain::{Error, Result, StreamId};

/// A running server and its address. It ends on drop.
pub struct BenchServer {
    child: Option<Child>,
    dir: BenchDir,
    settings: Vec<(&'static str, String)>,
    pub address: String,
    /// Log of the server until it answered.
    start_log: String,
    pub key: String,
    pub client: Client,
    /// Peak memory of the processes that have ended.
    peak: Option<u64>,
    /// Number of devices created so far, for unique names.
    devices: AtomicUsize,
}

/// The data directory; a temporary one is removed at the end.
pub struct BenchDir {
    path: PathBuf,
    is_ours: bool,
}

impl BenchDir {
    /// Uses `path`, or a temporary directory.
    pub fn new(path: Option<&Path>) -> BenchDir {
        match path {
            Some(path) => BenchDir { path: path.to_owned(), is_ours: false },
            None => {
                let path = std::env::temp_dir().join(format!("basalt-bench-{}", std::process::id()));
                BenchDir { path, is_ours: true }
            }
        }
    }

    /// Uses `path`, which must be empty, or a temporary directory.
    pub fn new_empty(path: Option<&Path>) -> Result<BenchDir> {
        let dir = BenchDir::new(path);
        if dir.path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            let path = dir.path.display();
            return Err(Error::invalid(format!("`{path}` is not empty: the bench needs its own")));
        }
        Ok(dir)
    }
}

impl Drop for BenchDir {
    fn drop(&mut self) {
        if self.is_ours {
            // A directory that is left behind does no harm.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn failed(what: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(format!("the bench's server {what}")).with_source(e)
}

impl BenchServer {
    /// Starts the server; settings are environment variables (`BASALT_…`).
    pub async fn start(dir: BenchDir, settings: Vec<(&'static str, String)>) -> Result<BenchServer> {
        let client = Client::builder().no_proxy().build().map_err(|e| failed("cannot be asked", e))?;
        let (address, key) = (String::new(), String::new());
        let mut server = BenchServer {
            child: None,
            dir,
            settings,
            address,
            start_log: String::new(),
            key,
            client,
            peak: None,
            devices: AtomicUsize::new(0),
        };
        server.spawn().await?;
        server.key = server.create_key().await?;
        Ok(server)
    }

    async fn spawn(&mut self) -> Result<()> {
        let program = std::env::current_exe().map_err(|e| failed("has no program", e))?;
        let child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&self.dir.path)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env_remove("BASALT_BOOTSTRAP_KEY")
            .env_remove("BASALT_BOOTSTRAP_BLYNK")
            .env_remove("BASALT_BOOTSTRAP_INSTATHINGS")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed("cannot be started", e))?;
        let log = self.child.insert(child).stderr.take().expect("stderr was piped");
        let address = tokio::task::spawn_blocking(move || wait_for_address(BufReader::new(log))).await;
        (self.address, self.start_log) = address.map_err(|e| failed("cannot be watched", e))??;
        Ok(())
    }

    /// Returns the address of another listener by its scheme, if the settings open it.
    pub fn listen_address(&self, scheme: &str) -> Option<&str> {
        let (_, rest) = self.start_log.split_once(&format!("listening on {scheme}://"))?;
        rest.split_whitespace().next()
    }

    /// Stops the server cleanly and starts it again; returns the time from its start to its listening line.
    pub async fn restart(&mut self) -> Result<Duration> {
        self.stop().await?;
        let started = Instant::now();
        self.spawn().await?;
        Ok(started.elapsed())
    }

    /// Returns the data directory; a temporary one is deleted with the server.
    pub fn dir(&self) -> &Path {
        &self.dir.path
    }

    async fn create_key(&self) -> Result<String> {
        let key = KeyRequest { name: "bench".to_owned(), ..KeyRequest::default() };
        match self.run_command(Order::CreateKey { org: None, key }).await? {
            CommandOutcome::NewKey { secret, .. } => Ok(secret),
            _ => Err(Error::internal("the server answered another command")),
        }
    }

    /// Flushes and merges the files with a local command; returns how long it took.
    pub async fn compact(&self) -> Result<Duration> {
        let started = Instant::now();
        self.run_command(Order::Compact).await?;
        Ok(started.elapsed())
    }

    /// Returns the number of readings stored.
    pub async fn count(&self) -> Result<usize> {
        let target = self.open_target().await?;
        let mut answer = target.sql("SELECT count(*) FROM readings").await?;
        let batch = answer.batches.try_next().await?;
        let count = batch.and_then(|batch| Some(batch.column(0).as_primitive_opt::<Int64Type>()?.value(0)));
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| Error::internal("the server did not say how many rows it holds"))
    }

    async fn run_command(&self, order: Order) -> Result<CommandOutcome> {
        self.open_target().await?.run(order).await
    }

    async fn open_target(&self) -> Result<CommandTarget> {
        let place = DataDirArgs { config: None, data_dir: Some(self.dir.path.clone()) };
        CommandTarget::open(&place, &OrgArgs { org: None }, DataDirMode::MustExist).await
    }

    /// Creates a device with `count` streams; returns the streams ordered by id.
    pub async fn create_streams(&self, count: usize) -> Result<Vec<StreamId>> {
        self.create_devices(1, count).await
    }

    /// Creates devices with `streams_each` streams each in one request; returns the streams of the first device, then
    /// those of the second, and so on.
    pub async fn create_devices(&self, count: usize, streams_each: usize) -> Result<Vec<StreamId>> {
        let last = self.ids("SELECT id FROM devices ORDER BY id DESC LIMIT 1").await?;
        let last = last.first().copied().unwrap_or_default();
        let first = self.devices.fetch_add(count, Ordering::Relaxed);
        let mut text = "device,stream,device.protocol,device.poll_interval\n".to_owned();
        for number in first..first + count {
            text.push_str(&format!("Bench {number},,virtual,null\n"));
            text.extend((0..streams_each).map(|i| format!("Bench {number},signal {i},,\n")));
        }
        self.import(text).await?;
        let query = format!("SELECT id FROM streams WHERE device_id > {last} ORDER BY device_id, id");
        Ok(self.ids(&query).await?.into_iter().map(StreamId).collect())
    }

    /// Imports a CSV file of devices and streams, in one transaction.
    pub async fn import(&self, text: String) -> Result<()> {
        let file = FileCommand::Import { form: InventoryFormat::Csv, text, is_dry: false };
        match self.run_command(Order::File { org: None, command: file }).await? {
            CommandOutcome::Inventory(review) if review.problems.is_empty() => Ok(()),
            other => Err(failed("refused streams", format!("{other:?}"))),
        }
    }

    /// Returns the name of the device that was created last.
    pub fn newest_device(&self) -> String {
        format!("Bench {}", self.devices.load(Ordering::Relaxed).saturating_sub(1))
    }

    /// Returns the texts that a statement finds.
    pub async fn texts(&self, query: &str) -> Result<Vec<String>> {
        let answer: Vec<_> = self.open_target().await?.sql(query).await?.batches.try_collect().await?;
        let texts = answer.iter().filter_map(|batch| batch.column(0).as_string_opt::<i32>());
        Ok(texts.flat_map(|texts| texts.iter().flatten().map(str::to_owned)).collect())
    }

    /// Returns the ids that a statement finds.
    pub async fn ids(&self, query: &str) -> Result<Vec<i32>> {
        let answer: Vec<_> = self.open_target().await?.sql(query).await?.batches.try_collect().await?;
        let ids = answer.iter().filter_map(|batch| batch.column(0).as_primitive_opt::<Int32Type>());
        Ok(ids.flat_map(|ids| ids.values().iter().copied()).collect())
    }

    /// Creates a client of a vendor's API (`blynk`, `instathings`); returns its id and its secret.
    pub async fn create_client(&self, api: &str) -> Result<(String, String)> {
        let (api, name) = (api.to_owned(), "bench".to_owned());
        let command = ClientCommand::Create(ClientRequest { api, name, ..ClientRequest::default() });
        match self.run_command(Order::Client { org: None, command }).await? {
            CommandOutcome::NewClient { client, secret } => Ok((client.client_id, secret)),
            _ => Err(Error::internal("the server answered another command")),
        }
    }

    /// Updates these fields of a row.
    pub async fn change(&self, path: String, fields: Value) -> Result<()> {
        let request = self.client.patch(self.url(&path)).json(&fields);
        let answer: Value = match request.header("X-API-Key", &self.key).send().await {
            Ok(answer) => answer.json().await.map_err(|e| failed("answered no JSON", e))?,
            Err(e) => return Err(failed("does not answer", e)),
        };
        if answer["id"].is_i64() { Ok(()) } else { Err(failed("refused a row", answer.to_string())) }
    }

    /// Returns the text of /metrics.
    pub async fn metrics(&self) -> Result<String> {
        let response = self.client.get(self.url("/metrics")).header("X-API-Key", &self.key).send().await;
        let answer =
            response.and_then(Response::error_for_status).map_err(|e| failed("does not answer", e))?;
        answer.text().await.map_err(|e| failed("answered no text", e))
    }

    /// Returns the address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the peak resident memory, restarts included (Linux).
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.peak.max(self.status("VmHWM:"))
    }

    /// Returns the current resident memory (Linux).
    pub fn memory_bytes(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// Returns the processor time used since the server started (Linux).
    pub fn cpu_time(&self) -> Option<Duration> {
        process::cpu_time(self.pid()?)
    }

    /// Returns the process id of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts a new peak measurement.
    pub fn reset_peak(&mut self) {
        self.peak = None;
    }

    fn status(&self, field: &str) -> Option<u64> {
        process::memory_bytes(self.pid()?, field)
    }

    /// Stops the server cleanly, everything flushed. The directory stays until this value is dropped.
    pub async fn stop(&mut self) -> Result<()> {
        self.peak = self.peak_memory_bytes();
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| Error::internal("the bench's server has no process id"))?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|e| failed("stays", e))?;
        let ended = tokio::task::spawn_blocking(move || child.wait()).await;
        let status = ended.map_err(|e| failed("stays", e))?.map_err(|e| failed("stays", e))?;
        if status.success() { Ok(()) } else { Err(failed("ended badly", status.to_string())) }
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // The process may have ended already; its directory is no longer needed either way.
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

/// Reads the log up to the line with the listen address, which is the last of them; returns the address and the lines
/// before. Drains the rest, so that the server never blocks on it.
fn wait_for_address(mut log: impl BufRead + Send + 'static) -> Result<(String, String)> {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        if log.read_line(&mut line).map_err(|e| failed("says nothing", e))? == 0 {
            return Err(failed("did not start", seen));
        }
        if let Some((_, address)) = line.trim().rsplit_once("listening on http://") {
            let address = address.to_owned();
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return Ok((address, seen));
        }
        seen.push_str(&line);
    }
}
