//! Scripted peer for tests: expects the given bytes and sends the given answers.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Reaction of the scripted peer to a request that came as expected.
#[derive(Debug, Clone, Copy)]
pub enum ScriptedResponse {
    With(&'static str),
    /// Sends nothing for this many milliseconds.
    After(u64),
}

/// Plays the script on one connection, closes it at the end, and returns the port.
pub async fn play(script: Vec<(&'static str, ScriptedResponse)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (request, answering) in script {
            let request = hex::decode(request.replace(' ', "")).unwrap();
            let mut got = vec![0; request.len()];
            stream.read_exact(&mut got).await.unwrap();
            assert_eq!(hex::encode(got), hex::encode(request));
            match answering {
                ScriptedResponse::With(answer) => {
                    stream.write_all(&hex::decode(answer.replace(' ', "")).unwrap()).await.unwrap();
                }
                ScriptedResponse::After(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            }
        }
    });
    port
}
