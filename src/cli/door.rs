//! Where a command is carried out: in this process, or by the server that has the directory open, or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::ipc::writer::StreamWriter;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::args::{Elsewhere, InOrg, Place};
use super::config::{Config, File, Flag};
use super::lock::{self, Attempt, DirLock};
use super::open::{self, Opened};
use super::progress;
use super::remote::Remote;
use super::running::Running;
use crate::app::control::{Command, Outcome};
use crate::app::sql::{Answer, SqlRequest};
use crate::domain::{Error, Principal, Progress, Result, StreamId};

/// How long to wait for a server that is starting or stopping, or for another command, to let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way in, and the organization acted in.
pub enum Door {
    Here { opened: Box<Opened>, principal: Arc<Principal>, org: Option<String> },
    Beside { server: Remote, org: Option<String> },
    Elsewhere(Remote),
}

/// Whether a command makes sense on a directory that has never been used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    MayBeNew,
    MustExist,
}

impl Door {
    /// Opens the installation of a place: through its server when one runs, else in this process.
    pub async fn open(place: &Place, org: &InOrg, directory: Directory) -> Result<Door> {
        super::logging::for_command();
        let config = configuration(place)?;
        if directory == Directory::MustExist {
            must_exist(&config)?;
        }
        let org = org.org.clone();
        match Way::find(&config).await? {
            Way::Here(lock) => {
                let opened = Box::new(open::open(&config, lock).await?);
                let principal = Arc::new(opened.app.system(org.as_deref())?);
                Ok(Door::Here { opened, principal, org })
            }
            Way::Beside(running) => {
                Ok(Door::Beside { server: Remote::beside(&running, org.as_deref())?, org })
            }
        }
    }

    /// The same, or another machine when one is named.
    pub async fn open_or_elsewhere(elsewhere: &Elsewhere, place: &Place, org: &InOrg) -> Result<Door> {
        match (&elsewhere.url, &elsewhere.key) {
            (Some(url), Some(key)) => Ok(Door::Elsewhere(Remote::elsewhere(url, key)?)),
            _ => Door::open(place, org, Directory::MustExist).await,
        }
    }

    /// The organization's slug, for commands that take one.
    pub fn org(&self) -> Option<String> {
        match self {
            Door::Here { org, .. } | Door::Beside { org, .. } => org.clone(),
            Door::Elsewhere(_) => None,
        }
    }

    /// Runs a command of the data directory's owner, showing how far it is when that takes a while.
    pub async fn run(&self, command: Command) -> Result<Outcome> {
        match self {
            Door::Here { opened, principal, .. } => {
                let progress = Progress::default();
                progress::watch(&progress, opened.app.run_command(principal, command, &progress)).await
            }
            Door::Beside { server, .. } => server.run(&command).await,
            Door::Elsewhere(_) => Err(Error::forbidden("this works on one's own data directory only")),
        }
    }

    /// Asks a question.
    pub async fn sql(&self, query: &str) -> Result<Answer> {
        match self {
            Door::Here { opened, principal, .. } => {
                let request = SqlRequest { query: query.to_owned(), ..SqlRequest::default() };
                opened.app.sql(principal, request).await
            }
            Door::Beside { server, .. } | Door::Elsewhere(server) => server.sql(query).await,
        }
    }

    /// Asks a named query, its parameters by name.
    pub async fn named_query(&self, name: &str, params: &Map<String, Value>) -> Result<Answer> {
        match self {
            Door::Here { opened, principal, .. } => opened.app.named_query(principal, name, params).await,
            Door::Beside { server, .. } | Door::Elsewhere(server) => server.named_query(name, params).await,
        }
    }

    /// Writes a batch with the columns of /ingest, all of it or nothing. Errors count rows from `first_row`.
    pub async fn ingest(&self, batch: &RecordBatch, first_row: u64) -> Result<u64> {
        let written = match self {
            Door::Here { opened, principal, .. } => opened.app.ingest_batch(principal, batch).await,
            Door::Beside { server, .. } | Door::Elsewhere(server) => server.ingest(encode(batch)?).await,
        };
        written.map_err(|error| Error { message: shift_rows(&error.message, first_row - 1), ..error })
    }

    /// The stream of a device, both by name; `create` names the type to make it with when it does not exist.
    pub async fn find_stream(
        &self,
        device: &str,
        stream: &str,
        create: Option<&'static str>,
    ) -> Result<StreamId> {
        let Door::Elsewhere(server) = self else {
            let (device, stream) = (device.to_owned(), stream.to_owned());
            let command =
                Command::FindStream { org: self.org(), device, stream, create: create.map(str::to_owned) };
            return match self.run(command).await? {
                Outcome::Stream { id } => Ok(StreamId(id)),
                _ => Err(Error::internal("the server answered another command")),
            };
        };
        let device_id = match id_of(&server.list("/api/device/", &[("name", device)]).await?, device) {
            Some(id) => id,
            None if create.is_some() => {
                let row = json!({"name": device, "protocol": "virtual", "poll_interval": null});
                created_id(&server.create("/api/device/", &row).await?)?
            }
            None => return Err(crate::app::control::no_device(device)),
        };
        let owner = device_id.to_string();
        let filter = [("device", owner.as_str()), ("name", stream), ("limit", "10000")];
        let id = match (id_of(&server.list("/api/data/", &filter).await?, stream), create) {
            (Some(id), _) => id,
            (None, Some(kind)) => {
                let row = json!({"name": stream, "device": device_id, "type": kind});
                created_id(&server.create("/api/data/", &row).await?)?
            }
            (None, None) => return Err(crate::app::control::no_stream(device, stream)),
        };
        Ok(StreamId(id))
    }

    /// Lets go of the directory, everything written being safe.
    pub async fn close(self) -> Result<()> {
        match self {
            Door::Here { opened, .. } => opened.close().await,
            Door::Beside { .. } | Door::Elsewhere(_) => Ok(()),
        }
    }
}

/// How a data directory is reached.
pub enum Way {
    /// It is ours alone.
    Here(DirLock),
    /// This server has it open.
    Beside(Running),
}

impl Way {
    /// Waits for whoever holds the directory to introduce itself or let go; nothing of it is opened.
    pub async fn find(config: &Config) -> Result<Way> {
        let data_dir = &config.data_dir;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match DirLock::attempt(data_dir)? {
                Attempt::Ours(lock) => return Ok(Way::Here(lock)),
                Attempt::Held(pid) => {
                    let running = Running::read(data_dir).filter(|running| Some(running.pid) == pid);
                    if let Some(running) = running {
                        return Ok(Way::Beside(running));
                    }
                    if Instant::now() >= deadline {
                        return Err(lock::in_use(data_dir, pid));
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Refuses a directory that has never been used.
pub fn must_exist(config: &Config) -> Result<()> {
    if lock::was_used(&config.data_dir) {
        return Ok(());
    }
    let dir = config.data_dir.display();
    Err(Error::invalid(format!(
        "there is no Basalt data in {dir}: name the directory with --data-dir or BASALT_DATA_DIR"
    )))
}

/// What holds for a place, by the usual layers.
pub fn configuration(place: &Place) -> Result<Config> {
    let file = place.config.as_deref().map_or(File::Usual, File::Named);
    Config::load(Config::default(), &file, place_flags(place.data_dir.as_deref()))
}

/// The flags that say where.
pub fn place_flags(data_dir: Option<&std::path::Path>) -> Vec<Flag> {
    let to_flag = |dir: &std::path::Path| Flag {
        key: "data_dir",
        name: "--data-dir",
        value: dir.to_string_lossy().into_owned(),
    };
    data_dir.map(to_flag).into_iter().collect()
}

fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
    let not_encoded = |e: arrow::error::ArrowError| Error::internal("rows could not be encoded").because(e);
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(not_encoded)?;
    writer.write(batch).map_err(not_encoded)?;
    writer.into_inner().map_err(not_encoded)
}

fn id_of(rows: &[Value], name: &str) -> Option<i32> {
    rows.iter().find(|row| row["name"] == name).and_then(|row| created_id(row).ok())
}

fn created_id(row: &Value) -> Result<i32> {
    let id = row["id"].as_i64().and_then(|id| i32::try_from(id).ok());
    id.ok_or_else(|| Error::internal("the server did not say the id of a row"))
}

/// `row 3` of a request is row `before + 3` of the file.
fn shift_rows(message: &str, before: u64) -> String {
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
            assert_eq!(shift_rows(message, 50_000), expected, "{name}");
        }
    }
}
