//! A device that answers HTTP as a test tells it to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Answer of the device to each request.
#[derive(Clone)]
pub enum WebBehavior {
    /// 200 and this.
    Respond(String),
    Status(u16),
    Redirect(String),
    /// Keeps the connection and says nothing.
    Hang,
    /// Bytes that are no HTTP.
    Garbage,
    /// Half of what it announced.
    Truncate,
}

pub struct FakeWebDevice {
    pub url: String,
    manner: Arc<Mutex<WebBehavior>>,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl FakeWebDevice {
    pub async fn start(ip: &str, manner: WebBehavior) -> FakeWebDevice {
        let listener = TcpListener::bind((ip, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (manner, requests) = (Arc::new(Mutex::new(manner)), Arc::new(Mutex::new(Vec::new())));
        let (acts, keeps) = (manner.clone(), requests.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, acts.clone(), keeps.clone()));
            }
        });
        FakeWebDevice { url, manner, asked: requests, task }
    }

    pub fn set_behavior(&self, manner: WebBehavior) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Every request so far, head and all.
    pub fn requests(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for FakeWebDevice {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut socket: TcpStream, manner: Arc<Mutex<WebBehavior>>, requests: Arc<Mutex<Vec<String>>>) {
    let mut request = vec![0; 8192];
    let length = socket.read(&mut request).await.unwrap_or(0);
    requests.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
    let manner = manner.lock().unwrap().clone();
    let head = |status: u16, more: &str, length: usize| {
        format!("HTTP/1.1 {status} Said\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n")
    };
    let bytes = match manner {
        WebBehavior::Respond(body) => head(200, "content-type: application/json\r\n", body.len()) + &body,
        WebBehavior::Status(status) => head(status, "", 0),
        WebBehavior::Redirect(url) => head(302, &format!("location: {url}\r\n"), 0),
        WebBehavior::Garbage => "220 this is another protocol\r\n".to_owned(),
        WebBehavior::Truncate => head(200, "", 1000) + "{\"half\":",
        WebBehavior::Hang => return std::future::pending().await,
    };
    // Whoever left does not hear the rest.
    let _ = socket.write_all(bytes.as_bytes()).await;
}
