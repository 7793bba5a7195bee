//! Bounded execution of local programs: absolute path, argument list, no shell, no input, a time limit and an output
//! limit. When a run ends early, everything the program started is killed with it.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Maximum output; more is an error.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;

/// Reason a program run failed.
#[derive(Debug)]
pub enum CommandError {
    /// The program does not exist or may not be executed.
    Missing(io::Error),
    /// The run, or the wait for earlier runs, exceeded the time limit.
    TimedOut,
    /// The output exceeded its limit.
    OutputTooLarge,
    Io(io::Error),
}

/// A program that runs at most once at a time.
pub struct CommandRunner {
    path: PathBuf,
    limit: Duration,
    permit: Semaphore,
}

impl CommandRunner {
    /// `path` is absolute; `limit` bounds each run, and separately the wait for the previous one.
    pub fn new(path: PathBuf, limit: Duration) -> Self {
        Self { path, limit, permit: Semaphore::new(1) }
    }

    /// Runs the program; returns stdout followed by stderr. The exit status is ignored.
    pub async fn run(&self, args: &[&str]) -> Result<String, CommandError> {
        let waited = timeout(self.limit, self.permit.acquire()).await.map_err(|_| CommandError::TimedOut)?;
        let _place = waited.expect("this semaphore is never closed");
        let (mut child, mut group) = self.start(args)?;
        let output =
            timeout(self.limit, read_outputs(&mut child)).await.map_err(|_| CommandError::TimedOut)??;
        group.release();
        Ok(output)
    }

    fn start(&self, args: &[&str]) -> Result<(Child, ProcessGroup), CommandError> {
        let mut command = Command::new(&self.path);
        // The server's environment is not passed on: it holds secrets, and would change the language of the output.
        command.args(args).env_clear().env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child =
            command.process_group(0).kill_on_drop(true).spawn().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => CommandError::Missing(error),
                _ => CommandError::Io(error),
            })?;
        let group = ProcessGroup::of(&child);
        Ok((child, group))
    }
}

/// A program with everything it started; killed when dropped, unless the program was waited for.
pub(super) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// The group that a program leads which was started in one of its own.
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// Id of the program, unless it was waited for.
    pub(super) fn leader(&self) -> Option<Pid> {
        self.0
    }

    /// Gives up the group once the program was waited for.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // The program may have ended by itself meanwhile.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn read_outputs(child: &mut Child) -> Result<String, CommandError> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut output, complaints) = tokio::try_join!(read(stdout), read(stderr))?;
    child.wait().await.map_err(CommandError::Io)?;
    output.push('\n');
    output.push_str(&complaints);
    Ok(output)
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Result<String, CommandError> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes).await.map_err(CommandError::Io)?;
    }
    if bytes.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(CommandError::OutputTooLarge);
    }
    // Lossy, because programs cut long names in the middle of a character.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(limit: Duration) -> CommandRunner {
        CommandRunner::new(PathBuf::from("/bin/sh"), limit)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_hears_both_outputs_and_gives_nothing_of_ours() {
        let script = "echo out; echo err >&2; echo $#:$1:$HOME:$LC_ALL; read x || echo no input; exit 3";
        let output = sh(LONG).run(&["-c", script, "sh", "$(id) ; *"]).await.unwrap();
        assert_eq!(output, "out\n1:$(id) ; *::C\nno input\n\nerr\n");
    }

    #[tokio::test]
    async fn what_ends_early_ends_with_everything_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
        let program = sh(Duration::from_millis(300));
        assert!(matches!(program.run(&["-c", &script]).await, Err(CommandError::TimedOut)));
        if let Ok(pid) = std::fs::read_to_string(&pid_file) {
            let stat = std::path::Path::new("/proc").join(pid.trim()).join("stat");
            for _ in 0..500 {
                // Gone, or a zombie.
                match std::fs::read_to_string(&stat) {
                    Ok(line) if !line.contains(") Z") => tokio::time::sleep(Duration::from_millis(20)).await,
                    _ => return,
                }
            }
            panic!("it still runs");
        }
    }

    #[tokio::test]
    async fn every_failure_is_told_apart() {
        let missing = CommandRunner::new(PathBuf::from("/nowhere/hamachi"), LONG);
        assert!(matches!(missing.run(&[]).await, Err(CommandError::Missing(_))));
        let endless = sh(LONG).run(&["-c", "while :; do echo yes yes yes yes yes yes; done"]).await;
        assert!(matches!(endless, Err(CommandError::OutputTooLarge)), "{endless:?}");
        // A killed program holds no permit.
        assert_eq!(sh(LONG).run(&["-c", "echo a"]).await.unwrap(), "a\n\n");
    }
}
