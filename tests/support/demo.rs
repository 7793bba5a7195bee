//! A running `basalt demo`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{ChildGuard, Client, DataDir};

/// A demo on a directory of its own. Dropping it kills it.
pub struct DemoProcess {
    child: ChildGuard,
    client: Client,
    key: String,
    link: String,
    home: DataDir,
}

impl DemoProcess {
    /// Starts one; it answers when this returns.
    pub fn start() -> DemoProcess {
        DemoProcess::start_with(&[])
    }

    /// Starts one with more arguments.
    pub fn start_with(args: &[&str]) -> DemoProcess {
        DemoProcess::run(DataDir::new(), args, None)
    }

    /// Kills it, and starts it again on the same directory.
    pub fn restart_with(self, args: &[&str]) -> DemoProcess {
        let DemoProcess { child, key, home, .. } = self;
        drop(child);
        DemoProcess::run(home, args, Some(key))
    }

    /// Without a key, which is told at the first start only, it waits for one.
    fn run(home: DataDir, args: &[&str], key: Option<String>) -> DemoProcess {
        let mut command = home.command();
        command.args(["demo", "--listen", "127.0.0.1:0"]).args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = ChildGuard(command.spawn().expect("the program starts"));
        let (mut url, mut key, mut link) = (None, key, None);
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok) {
            let after = |word: &str| line.trim().strip_prefix(word).map(|rest| rest.trim().to_owned());
            url = url.or(after("SQL ").map(|u| u.trim_end_matches("/sql").to_owned()));
            key = key.or(after("key "));
            link = link.or(after("open "));
            if line.contains("Ctrl-C") {
                break;
            }
        }
        let key = key.expect("it tells a key");
        let client = Client::new(&url.expect("it tells its URL"), &key);
        DemoProcess { child, client, key, link: link.expect("it tells a link"), home }
    }

    /// The address that logs a browser in once.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// With the key that it tells.
    pub fn client(&self) -> &Client {
        &self.client
    }
}
