//! A receiver of webhooks in this process. What it answers depends on the path of the request.

use std::sync::{Arc, Mutex};

use basalt::auth::webhook_signature;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Hook {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Hook {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether this secret signed the body.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        self.header("x-signature") == webhook_signature::sign(secret, self.body.as_bytes())
    }
}

/// The receiver. `/good` takes everything, `/hang` never answers, `/bad` answers 500, `/flaky` 500 to its first request and then
/// 200, `/redirect` sends to the address in its query with 307.
#[derive(Clone)]
pub struct Receiver {
    pub origin: String,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

impl Receiver {
    /// Starts one on a free port of this address.
    pub async fn start(ip: &str) -> Receiver {
        let listener = TcpListener::bind((ip, 0)).await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let receiver = Receiver { origin, hooks: Arc::default() };
        let shared = receiver.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let receiver = shared.clone();
                tokio::spawn(async move { receiver.serve(socket).await });
            }
        });
        receiver
    }

    /// The requests to a path, the oldest first.
    pub fn hooks(&self, path: &str) -> Vec<Hook> {
        let hooks = self.hooks.lock().expect("no test panics while it holds this");
        hooks.iter().filter(|hook| hook.path.starts_with(path)).cloned().collect()
    }

    async fn serve(&self, mut socket: TcpStream) {
        let Some(hook) = read(&mut socket).await else { return };
        let path = hook.path.clone();
        let count = {
            let mut hooks = self.hooks.lock().expect("no test panics while it holds this");
            hooks.push(hook);
            hooks.iter().filter(|hook| hook.path == path).count()
        };
        let (status, location) = match path.split('?').next().unwrap_or_default() {
            "/good" => (200, String::new()),
            "/flaky" if count > 1 => (204, String::new()),
            "/redirect" => (307, path.split_once("?to=").map_or(String::new(), |(_, to)| to.to_owned())),
            "/hang" => {
                // It ends with the client's patience: reading returns when the client closes.
                let _ = socket.read(&mut [0; 16]).await;
                return;
            }
            _ => (500, String::new()),
        };
        let answer = format!(
            "HTTP/1.1 {status} Said\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let _ = socket.write_all(answer.as_bytes()).await;
    }
}

async fn read(socket: &mut TcpStream) -> Option<Hook> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let path = lines.next()?.split(' ').nth(1)?.to_owned();
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Some(Hook { path, headers, body: body.to_owned() });
            }
        }
        let mut some = [0; 4096];
        let count = socket.read(&mut some).await.ok().filter(|count| *count > 0)?;
        text.push_str(&String::from_utf8_lossy(&some[..count]));
    }
}
