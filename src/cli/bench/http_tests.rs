//! Responses in the forms that servers send.

use std::net::TcpListener;

use super::*;

type ExpectedBody = std::result::Result<&'static [u8], &'static str>;

/// Returns what the client makes of a server that sends these bytes and closes the connection.
fn response_to(bytes: &'static [u8]) -> Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let request = HttpRequest::get("key", "/");
    let length = request.0.len();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.read_exact(&mut vec![0; length]).unwrap();
        socket.write_all(bytes).unwrap();
    });
    let answer = HttpConnection::open(&address).unwrap().send(&request);
    server.join().unwrap();
    answer
}

#[test]
fn whole_answers_are_taken_and_others_refused() {
    let rows: [(&str, &'static [u8], ExpectedBody); 7] = [
        ("counted", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Ok(b"hi")),
        ("without_body", b"HTTP/1.1 204 No Content\r\n\r\n", Ok(b"")),
        ("empty", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok(b"")),
        (
            "chunked",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\n!\r\n0\r\n\r\n",
            Ok(b"0123456789!"),
        ),
        (
            "cut_between_chunks",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n!\r\n",
            Err("hung up before the answer was whole"),
        ),
        ("cut_short", b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi", Err("connection")),
        ("refused", b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", Err("answered 503: busy")),
    ];
    for (name, bytes, expected) in rows {
        match (response_to(bytes), expected) {
            (Ok(body), Ok(expected)) => assert_eq!(body, expected, "{name}"),
            (Err(e), Err(expected)) => assert!(e.message.contains(expected), "{name}: {}", e.message),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}
