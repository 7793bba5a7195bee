//! A running `basalt demo`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{ChildGuard, Client, DataDir};

/// A demo on a directory of its own. Dropping it kills it.
pub struct DemoProcess {
    _child: ChildGuard,
    client: Client,
    link: String,
    _home: DataDir,
}

impl DemoProcess {
    /// Starts one; it answers when this returns.
    pub fn start() -> DemoProcess {
        let home = DataDir::new();
        let mut command = home.command();
        command.args(["demo", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let (mut url, mut key, mut link) = (None, None, None);
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok) {
            let after = |word: &str| line.trim().strip_prefix(word).map(|rest| rest.trim().to_owned());
            url = url.or(after("SQL ").map(|u| u.trim_end_matches("/sql").to_owned()));
            key = key.or(after("key "));
            link = link.or(after("open "));
            if line.contains("Ctrl-C") {
                break;
            }
        }
        let client = Client::new(&url.expect("it tells its URL"), &key.expect("it tells a key"));
        DemoProcess { _child: ChildGuard(child), client, link: link.expect("it tells a link"), _home: home }
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
