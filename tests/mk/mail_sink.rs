//! A mail server that is not our code: tests/peers/smtp_sink.py. Dropping it kills it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::support::{ChildGuard, script};

pub struct MailSink {
    pub port: u16,
    mails: mpsc::UnboundedReceiver<Value>,
    _child: ChildGuard,
}

impl MailSink {
    /// Starts one with these arguments; it listens when this returns.
    pub async fn start(args: &[&str]) -> MailSink {
        let mut command = script("smtp_sink.py");
        command.args(args).stdout(Stdio::piped());
        let start = move || {
            let mut child = command.spawn().expect("the interpreter starts");
            let mut lines =
                BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
            let port = lines.next().and_then(|line| line.parse().ok()).expect("the server tells its port");
            let (sender, mails) = mpsc::unbounded_channel();
            std::thread::spawn(move || {
                for line in lines {
                    let _ = sender.send(serde_json::from_str(&line).expect("JSON"));
                }
            });
            MailSink { port, mails, _child: ChildGuard(child) }
        };
        tokio::task::spawn_blocking(start).await.expect("the server starts")
    }

    /// The next e-mail.
    pub async fn mail(&mut self) -> Value {
        self.mails.recv().await.expect("an e-mail")
    }
}
