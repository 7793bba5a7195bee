//! A device for tests that plays a script: expects these bytes, answers those.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Debug, Clone, Copy)]
pub enum Answering {
    With(&'static str),
    /// With nothing, for so many milliseconds.
    After(u64),
}

/// Plays on one connection and closes it at the end; the port.
pub async fn play(script: Vec<(&'static str, Answering)>) -> u16 {
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
                Answering::With(answer) => {
                    stream.write_all(&hex::decode(answer.replace(' ', "")).unwrap()).await.unwrap();
                }
                Answering::After(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            }
        }
    });
    port
}
