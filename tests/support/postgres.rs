//! A PostgreSQL server of a case's own, which it may crash: the one that tests/run.sh starts belongs to all cases.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::free_port;

/// A server. Dropping it stops it and removes its files; tests/run.sh does so after a case that was killed.
pub struct PostgresServer {
    data_dir: PathBuf,
    port: u16,
}

impl PostgresServer {
    /// Starts one; it answers when this returns.
    pub async fn start() -> PostgresServer {
        let name = format!("case-{}", uuid::Uuid::new_v4().simple());
        let server = PostgresServer { data_dir: directory().join(name), port: free_port() };
        let mut initdb = program("initdb");
        initdb.args([
            "--no-sync",
            "--auth=trust",
            "--username=basalt",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ]);
        initdb.arg(&server.data_dir);
        server.run(initdb).await;
        server.start_again().await;
        server
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://basalt@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&self) {
        self.run(self.stop_at_once()).await;
    }

    /// Starts it on its address again, after `kill`; it has what was committed.
    pub async fn start_again(&self) {
        // Commits are with the system before they are answered: a server that is killed has them, if the machine keeps its power.
        let (port, sockets) = (self.port, directory());
        let options = format!("-h 127.0.0.1 -p {port} -k {} -c fsync=off", sockets.display());
        let mut start = self.control("start");
        start.args(["-w", "-t", "60", "-o", &options, "-l"]).arg(self.log());
        self.run(start).await;
    }

    fn stop_at_once(&self) -> Command {
        let mut stop = self.control("stop");
        stop.args(["-m", "immediate"]);
        stop
    }

    fn control(&self, action: &str) -> Command {
        let mut control = program("pg_ctl");
        control.args([action, "--silent", "-D"]).arg(&self.data_dir);
        control
    }

    fn log(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }

    /// Runs a command to its end, which has to be a success.
    async fn run(&self, mut command: Command) {
        let shown = format!("{command:?}");
        let ran = tokio::task::spawn_blocking(move || command.status()).await.expect("it was run");
        let is_success = ran.as_ref().is_ok_and(ExitStatus::success);
        let log = || std::fs::read_to_string(self.log()).unwrap_or_default();
        assert!(is_success, "{shown}: {ran:?}\n{}", log());
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // It may be stopped already; either way it is gone afterwards.
        let _ = self.stop_at_once().stderr(Stdio::null()).status();
        std::fs::remove_dir_all(&self.data_dir).unwrap_or(());
        std::fs::remove_file(self.log()).unwrap_or(());
    }
}

/// A program of the server that tests/run.sh found. It refuses root, so that root runs it as another user.
fn program(name: &str) -> Command {
    let path = Path::new(&variable("BASALT_TEST_POSTGRES_BIN")).join(name);
    let mut command = match std::env::var_os("BASALT_TEST_POSTGRES_USER") {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.arg("-u").arg(user).arg("--").arg(path);
            command
        }
        None => Command::new(path),
    };
    // That user may not be allowed to read the working directory.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Folder for directories of that user. Its path is short, as the name of a Unix socket has to be.
fn directory() -> PathBuf {
    variable("BASALT_TEST_POSTGRES_DIR").into()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/run.sh"))
}
