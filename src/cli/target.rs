//! Chooses where a command runs: in this process, in the server that has the directory open, or on another machine.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::ipc::writer::StreamWriter;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::args::{DataDirArgs, OrgArgs, RemoteArgs};
use super::config::{Config, ConfigFile, ConfigFlag};
use super::dir_lock::{self, DirLock, LockAttempt};
use super::instance::{self, Instance};
use super::progress;
use super::remote::RemoteClient;
use super::server_file::ServerFile;
use crate::app::control::{Command, CommandOutcome};
use crate::app::import_destination;
use crate::app::sql::{SqlRequest, SqlResult};
use crate::domain::{Error, Principal, Progress, Result, StreamId};

/// How long to wait for a server that is starting or stopping, or for another command, to release the directory.
const SERVER_START_TIMEOUT: Duration = Duration::from_secs(10);

/// Target of the command, and the organization it acts in.
pub enum CommandTarget {
    InProcess { opened: Box<Instance>, principal: Arc<Principal>, org: Option<String> },
    LocalServer { server: RemoteClient, org: Option<String> },
    RemoteServer(RemoteClient),
}

/// Whether a command may create the data directory or needs an existing one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DataDirMode {
    CreateIfMissing,
    MustExist,
}

impl CommandTarget {
    /// Opens the installation: through its server when one runs, else in this process.
    pub async fn open(place: &DataDirArgs, org: &OrgArgs, directory: DataDirMode) -> Result<CommandTarget> {
        super::logging::init_for_command();
        let config = load_config(place)?;
        if directory == DataDirMode::MustExist {
            check_data_dir_exists(&config)?;
        }
        let org = org.org.clone();
        match DataDirAccess::acquire(&config).await? {
            DataDirAccess::Exclusive(lock) => {
                dir_lock::check_user(&config.data_dir)?;
                let opened = Box::new(instance::open_instance(&config, lock).await?);
                let principal = Arc::new(opened.app.access.system(org.as_deref())?);
                Ok(CommandTarget::InProcess { opened, principal, org })
            }
            DataDirAccess::ThroughServer(running) => Ok(CommandTarget::LocalServer {
                server: RemoteClient::connect_local(&running, &config.data_dir, org.as_deref())?,
                org,
            }),
        }
    }

    /// Opens the installation, or connects to another machine when one is named.
    pub async fn open_or_connect(
        elsewhere: &RemoteArgs,
        place: &DataDirArgs,
        org: &OrgArgs,
    ) -> Result<CommandTarget> {
        match (&elsewhere.url, &elsewhere.key) {
            (Some(url), Some(key)) => {
                Ok(CommandTarget::RemoteServer(RemoteClient::connect_with_key(url, key)?))
            }
            _ => CommandTarget::open(place, org, DataDirMode::MustExist).await,
        }
    }

    /// Returns the organization's slug, for commands that take one.
    pub fn org(&self) -> Option<String> {
        match self {
            CommandTarget::InProcess { org, .. } | CommandTarget::LocalServer { org, .. } => org.clone(),
            CommandTarget::RemoteServer(_) => None,
        }
    }

    /// Runs a command with the rights of the data directory's owner and shows its progress.
    pub async fn run(&self, command: Command) -> Result<CommandOutcome> {
        match self {
            CommandTarget::InProcess { opened, principal, .. } => {
                let progress = Progress::default();
                progress::run_with_progress(
                    &progress,
                    opened.app.owner_commands.run_command(principal, command, &progress),
                )
                .await
            }
            CommandTarget::LocalServer { server, .. } => server.run(&command).await,
            CommandTarget::RemoteServer(_) => {
                Err(Error::forbidden("this command works on a local data directory only"))
            }
        }
    }

    /// Runs a SQL query.
    pub async fn sql(&self, query: &str) -> Result<SqlResult> {
        match self {
            CommandTarget::InProcess { opened, principal, .. } => {
                let request = SqlRequest { query: query.to_owned(), ..SqlRequest::default() };
                opened.app.statements.sql(principal, request).await
            }
            CommandTarget::LocalServer { server, .. } | CommandTarget::RemoteServer(server) => {
                server.sql(query).await
            }
        }
    }

    /// Runs a named query with parameters by name.
    pub async fn named_query(&self, name: &str, params: &Map<String, Value>) -> Result<SqlResult> {
        match self {
            CommandTarget::InProcess { opened, principal, .. } => {
                opened.app.statements.run_named_query(principal, name, params).await
            }
            CommandTarget::LocalServer { server, .. } | CommandTarget::RemoteServer(server) => {
                server.named_query(name, params).await
            }
        }
    }

    /// Writes a batch with the columns of /ingest, all or nothing. Errors count rows from `first_row`.
    pub async fn ingest(&self, batch: &RecordBatch, first_row: u64) -> Result<u64> {
        let written = match self {
            CommandTarget::InProcess { opened, principal, .. } => {
                opened.app.ingest.ingest_batch(principal, batch).await
            }
            CommandTarget::LocalServer { server, .. } | CommandTarget::RemoteServer(server) => {
                server.ingest(encode_batch(batch)?).await
            }
        };
        written.map_err(|error| Error { message: shift_row_numbers(&error.message, first_row - 1), ..error })
    }

    /// Finds a stream by the names of device and stream; `create` is the type to create it with if it does not exist.
    pub async fn find_stream(
        &self,
        device: &str,
        stream: &str,
        create: Option<&'static str>,
    ) -> Result<StreamId> {
        let CommandTarget::RemoteServer(server) = self else {
            let (device, stream) = (device.to_owned(), stream.to_owned());
            let command =
                Command::FindStream { org: self.org(), device, stream, create: create.map(str::to_owned) };
            return match self.run(command).await? {
                CommandOutcome::Stream { id } => Ok(StreamId(id)),
                _ => Err(Error::internal("the server answered another command")),
            };
        };
        let device_id = match find_id(&server.list("/api/device/", &[("name", device)]).await?, device) {
            Some(id) => id,
            None if create.is_some() => {
                let row = json!({"name": device, "protocol": "virtual", "poll_interval": null});
                row_id(&server.create("/api/device/", &row).await?)?
            }
            None => return Err(import_destination::no_device(device)),
        };
        let owner = device_id.to_string();
        let filter = [("device", owner.as_str()), ("name", stream), ("limit", "10000")];
        let id = match (find_id(&server.list("/api/data/", &filter).await?, stream), create) {
            (Some(id), _) => id,
            (None, Some(kind)) => {
                let row = json!({"name": stream, "device": device_id, "type": kind});
                row_id(&server.create("/api/data/", &row).await?)?
            }
            (None, None) => return Err(import_destination::no_stream(device, stream)),
        };
        Ok(StreamId(id))
    }

    /// Returns the client of the server that the command works through; `None` in this process.
    pub fn server(&self) -> Option<&RemoteClient> {
        match self {
            CommandTarget::InProcess { .. } => None,
            CommandTarget::LocalServer { server, .. } | CommandTarget::RemoteServer(server) => Some(server),
        }
    }

    /// Releases the directory; everything written is durable.
    pub async fn close(self) -> Result<()> {
        match self {
            CommandTarget::InProcess { opened, .. } => opened.close().await,
            CommandTarget::LocalServer { .. } | CommandTarget::RemoteServer(_) => Ok(()),
        }
    }
}

/// Access to a data directory.
pub enum DataDirAccess {
    /// This process has locked it.
    Exclusive(DirLock),
    /// This server has it open.
    ThroughServer(ServerFile),
}

impl DataDirAccess {
    /// Waits until the holder of the directory publishes its server file or releases the lock; opens nothing.
    pub async fn acquire(config: &Config) -> Result<DataDirAccess> {
        let data_dir = &config.data_dir;
        let deadline = Instant::now() + SERVER_START_TIMEOUT;
        loop {
            match DirLock::try_acquire(data_dir)? {
                LockAttempt::Acquired(lock) => return Ok(DataDirAccess::Exclusive(lock)),
                LockAttempt::HeldBy(pid) => {
                    let running = ServerFile::read(data_dir).filter(|running| Some(running.pid) == pid);
                    if let Some(running) = running {
                        return Ok(DataDirAccess::ThroughServer(running));
                    }
                    if Instant::now() >= deadline {
                        return Err(dir_lock::in_use_error(data_dir, pid));
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Refuses a directory that has never been used.
pub fn check_data_dir_exists(config: &Config) -> Result<()> {
    if dir_lock::was_data_dir(&config.data_dir) {
        return Ok(());
    }
    let dir = config.data_dir.display();
    Err(Error::invalid(format!(
        "there is no Basalt data in {dir}: name the directory with --data-dir or BASALT_DATA_DIR"
    )))
}

/// Loads the configuration of an installation from all layers.
pub fn load_config(place: &DataDirArgs) -> Result<Config> {
    let file = place.config.as_deref().map_or(ConfigFile::DefaultPath, ConfigFile::Named);
    Config::load(Config::default(), &file, data_dir_flags(place.data_dir.as_deref()))
}

/// Returns the flags that set the data directory.
pub fn data_dir_flags(data_dir: Option<&std::path::Path>) -> Vec<ConfigFlag> {
    let to_flag = |dir: &std::path::Path| ConfigFlag {
        key: "data_dir",
        name: "--data-dir",
        value: dir.to_string_lossy().into_owned(),
    };
    data_dir.map(to_flag).into_iter().collect()
}

fn encode_batch(batch: &RecordBatch) -> Result<Vec<u8>> {
    let not_encoded =
        |e: arrow::error::ArrowError| Error::internal("rows could not be encoded").with_source(e);
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(not_encoded)?;
    writer.write(batch).map_err(not_encoded)?;
    writer.into_inner().map_err(not_encoded)
}

fn find_id(rows: &[Value], name: &str) -> Option<i32> {
    rows.iter().find(|row| row["name"] == name).and_then(|row| row_id(row).ok())
}

fn row_id(row: &Value) -> Result<i32> {
    let id = row["id"].as_i64().and_then(|id| i32::try_from(id).ok());
    id.ok_or_else(|| Error::internal("the server did not say the id of a row"))
}

/// Shifts row numbers in a message: `row 3` of a request is row `before + 3` of the file.
fn shift_row_numbers(message: &str, before: u64) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some(at) = rest.find("row ") {
        let (head, tail) = rest.split_at(at + "row ".len());
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let begins_a_word = !head[..at].ends_with(|c: char| c.is_alphanumeric());
        let number = tail[..end].parse::<u64>().ok().filter(|_| begins_a_word);
        text.push_str(head);
        text.push_str(&number.map_or_else(|| tail[..end].to_owned(), |n| (n + before).to_string()));
        rest = &tail[end..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_request_become_rows_of_the_file() {
        let rows = [
            ("one", "row 3: ts: too far ahead", "row 50003: ts: too far ahead"),
            ("several", "row 1: a; row 22: b", "row 50001: a; row 50022: b"),
            ("none", "the body is too large", "the body is too large"),
            ("another_word", "arrow 3 of row x", "arrow 3 of row x"),
            ("at_the_end", "see row 9", "see row 50009"),
        ];
        for (name, message, expected) in rows {
            assert_eq!(shift_row_numbers(message, 50_000), expected, "{name}");
        }
    }
}
