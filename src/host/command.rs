//! Running a program of this machine within bounds: an absolute path, a list of arguments, no shell, no input, a time
//! limit, a limit on what it says. When it ends early everything it started ends with it.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// More than this from a program is no answer.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Why a program gave no answer.
#[derive(Debug)]
pub enum Failure {
    /// There is no such program, or it may not be run.
    Missing(io::Error),
    /// It ran longer than it may, or others before it did.
    Late,
    /// It said more than it may.
    TooMuch,
    Broken(io::Error),
}

/// A program that runs once at a time.
pub struct Program {
    path: PathBuf,
    limit: Duration,
    place: Semaphore,
}

impl Program {
    pub fn new(path: PathBuf, limit: Duration) -> Self {
        Self { path, limit, place: Semaphore::new(1) }
    }

    /// What it says on both outputs, one after the other. Its exit status is not looked at.
    pub async fn run(&self, args: &[&str]) -> Result<String, Failure> {
        let waited = timeout(self.limit, self.place.acquire()).await.map_err(|_| Failure::Late)?;
        let _place = waited.expect("this semaphore is never closed");
        let (mut child, mut group) = self.start(args)?;
        let said = timeout(self.limit, listen(&mut child)).await.map_err(|_| Failure::Late)??;
        group.0 = None;
        Ok(said)
    }

    fn start(&self, args: &[&str]) -> Result<(Child, Group), Failure> {
        let mut command = Command::new(&self.path);
        // Nothing of our own environment: it holds secrets, and changes the language.
        command.args(args).env_clear().env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child =
            command.process_group(0).kill_on_drop(true).spawn().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Failure::Missing(error),
                _ => Failure::Broken(error),
            })?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok((child, Group(pid)))
    }
}

/// A program and whatever it started; killed when dropped, unless it was waited for.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended by itself meanwhile.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn listen(child: &mut Child) -> Result<String, Failure> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut said, complaints) = tokio::try_join!(read(stdout), read(stderr))?;
    child.wait().await.map_err(Failure::Broken)?;
    said.push('\n');
    said.push_str(&complaints);
    Ok(said)
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes).await.map_err(Failure::Broken)?;
    }
    if bytes.len() as u64 > MAX_OUTPUT {
        return Err(Failure::TooMuch);
    }
    // Programs cut long names in the middle of a character.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(limit: Duration) -> Program {
        Program::new(PathBuf::from("/bin/sh"), limit)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_hears_both_outputs_and_gives_nothing_of_ours() {
        let script = "echo out; echo err >&2; echo $#:$1:$HOME:$LC_ALL; read x || echo no input; exit 3";
        let said = sh(LONG).run(&["-c", script, "sh", "$(id) ; *"]).await.unwrap();
        assert_eq!(said, "out\n1:$(id) ; *::C\nno input\n\nerr\n");
    }

    #[tokio::test]
    async fn what_ends_early_ends_with_everything_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
        let program = sh(Duration::from_millis(300));
        assert!(matches!(program.run(&["-c", &script]).await, Err(Failure::Late)));
        if let Ok(pid) = std::fs::read_to_string(&pid_file) {
            let stat = std::path::Path::new("/proc").join(pid.trim()).join("stat");
            for _ in 0..500 {
                // Gone, or dead and not yet collected.
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
        let missing = Program::new(PathBuf::from("/nowhere/hamachi"), LONG);
        assert!(matches!(missing.run(&[]).await, Err(Failure::Missing(_))));
        let endless = sh(LONG).run(&["-c", "while :; do echo yes yes yes yes yes yes; done"]).await;
        assert!(matches!(endless, Err(Failure::TooMuch)), "{endless:?}");
        // A dead one holds no place.
        assert_eq!(sh(LONG).run(&["-c", "echo a"]).await.unwrap(), "a\n\n");
    }
}
