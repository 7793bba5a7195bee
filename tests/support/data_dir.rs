//! A data directory that goes away with its test, and the commands run on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Folder of Linux's file system in memory.
const MEMORY: &str = "/dev/shm";

/// A data directory.
pub struct DataDir(TempDir);

/// Exit code and output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl DataDir {
    pub fn new() -> DataDir {
        DataDir(tempfile::tempdir().expect("a directory"))
    }

    /// A directory on another file system, to which no file of the others can be linked: in memory, where Linux has that. `None`
    /// where there is no such file system, which is said on standard output.
    pub fn on_another_device() -> Option<DataDir> {
        let found = tempfile::tempdir_in(MEMORY).ok().map(DataDir).filter(|home| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            fs::hard_link(file.path(), home.path().join("link")).is_err()
        });
        if found.is_none() {
            println!("skipped: {MEMORY} is no file system of its own here");
        }
        found
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Copies the files to a directory of their own.
    pub fn copy(&self) -> DataDir {
        let home = DataDir::new();
        copy_tree(self.path(), home.path());
        home
    }

    /// Every file in it with its bytes, but for what concerns only whoever has it open.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.path().to_owned()];
        while let Some(path) = open.pop() {
            let name = path.strip_prefix(self.path()).expect("below it").to_owned();
            if path.is_dir() && name != Path::new("run") {
                open.extend(fs::read_dir(&path).expect("a directory").map(|e| e.expect("an entry").path()));
            } else if path.is_file() && name != Path::new("lock") {
                found.insert(name, fs::read(&path).expect("readable"));
            }
        }
        found
    }

    /// Path of the readings once they are flushed.
    pub fn lake(&self) -> String {
        self.path().join("lake/readings").display().to_string()
    }

    /// Runs a command on this directory, as its owner would in a shell.
    pub async fn basalt(&self, args: &[&str]) -> CommandOutput {
        self.basalt_with(args, &[], "").await
    }

    /// Runs a command on this directory with variables, and something on standard input.
    pub async fn basalt_with(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> CommandOutput {
        let mut command = self.command();
        command.args(args).envs(env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program starts");
        let (pid, input) = (child.id().to_string(), input.to_owned());
        let ended = tokio::task::spawn_blocking(move || wait(child, &input));
        match tokio::time::timeout(PATIENCE, ended).await {
            Ok(ran) => ran.expect("the command was waited for"),
            Err(_) => {
                let _ = Command::new("kill").args(["-KILL", &pid]).status();
                panic!("{args:?} still runs after {PATIENCE:?}");
            }
        }
    }

    /// The program with this directory and nothing else of ours in its environment.
    pub fn command(&self) -> Command {
        // tests/long.sh names the optimized program where the debug one takes hours.
        let program = std::env::var_os("BASALT_TEST_PROGRAM");
        let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_basalt").into()));
        for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("BASALT_")) {
            command.env_remove(name);
        }
        // The working directory as well: no basalt.toml of a developer is read.
        command.env("BASALT_DATA_DIR", self.path()).env("RUST_BACKTRACE", "1").current_dir(self.path());
        command
    }
}

impl CommandOutput {
    /// Standard output of a command that has to succeed.
    pub fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Standard error of a command that has to fail with exit code 1: one line, no panic.
    pub fn expect_failure(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            fs::create_dir(&target).expect("made");
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

fn wait(mut child: Child, input: &str) -> CommandOutput {
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that reads no input may be gone already.
    stdin.write_all(input.as_bytes()).unwrap_or(());
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    CommandOutput { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
