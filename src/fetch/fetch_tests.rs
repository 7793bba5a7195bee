//! Tests of fetching: allowed and blocked addresses, and every way a fetch can end. The servers are sockets of this
//! process.

use std::io::Write;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use basalt_fuzz::rows;

/// A resolver with a list of results, one per look-up; it records the names it is asked for.
struct FakeResolver {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl FakeResolver {
    fn new(answers: &[&[&str]]) -> Arc<FakeResolver> {
        let parse = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(FakeResolver {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: Mutex::default(),
        })
    }
}

impl NameResolver for FakeResolver {
    fn resolve_name(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.lock().unwrap().push(name);
        let mut answers = self.answers.lock().unwrap();
        let answer =
            if answers.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(answers.remove(0)) };
        Box::pin(std::future::ready(answer))
    }
}

/// Sends the same bytes to every connection on `ip`, and counts connections.
async fn server(ip: &str, answer: impl Into<Vec<u8>>) -> (u16, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (answer, count) = (answer.into(), Arc::new(Mutex::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(&answer).await;
                // An empty answer keeps the connection open.
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (port, count)
}

fn ok(head: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

const LIMITS: FetchLimits = FetchLimits { time: Duration::from_secs(60), bytes: 1000, redirects: 3 };

fn fetcher(reach: &str, names: &Arc<FakeResolver>) -> Fetcher {
    Fetcher::with(reach.parse().unwrap(), LIMITS, names.clone())
}

fn message(answer: Result<FetchOutput>) -> String {
    answer.expect_err("this is refused").message
}

const REFUSED: &str = "url: Address is not allowed.";

#[tokio::test]
async fn the_address_that_was_checked_is_connected_to() {
    let names = FakeResolver::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let (port, count) =
        server("127.0.0.1", ok("content-type: Text/HTML; charset=latin1\r\n", b"<p>caf\xe9")).await;
    let url = format!("http://rebound.example:{port}/");
    let found = fetcher("127.0.0.1", &names).fetch(&url, None).await.unwrap();
    let expected =
        FetchOutput { status: 200, content_type: "text/html".into(), results: vec!["<p>café".into()] };
    assert_eq!(found, expected);
    // Resolved only once: the second result, which is not allowed, is never used.
    assert_eq!(*names.asked.lock().unwrap(), ["rebound.example"]);
    assert_eq!(message(fetcher("127.0.0.1", &names).fetch(&url, None).await), REFUSED);
    assert_eq!(*count.lock().unwrap(), 1);
}

#[test]
fn the_charset_is_that_of_the_server_else_of_the_page() {
    for (content_type, page, expected) in [
        ("text/html", &b"<meta charset=iso-8859-1><p>caf\xe9"[..], "<meta charset=iso-8859-1><p>caf\u{e9}"),
        (
            "text/html",
            b"<META content=\"text/html; charset=latin1\">\xe9",
            "<META content=\"text/html; charset=latin1\">\u{e9}",
        ),
        ("text/html; charset=utf-8", b"<meta charset=latin1>\xc3\xa9", "<meta charset=latin1>\u{e9}"),
        ("text/html", b"<meta charset='utf-16'>\xc3\xa9", "<meta charset='utf-16'>\u{e9}"),
        ("text/html", b"<meta name=a>\xc3\xa9<meta charset", "<meta name=a>\u{e9}<meta charset"),
        ("", b"\xef\xbb\xbf<meta charset=latin1>\xc3\xa9", "<meta charset=latin1>\u{e9}"),
        ("text/plain", b"caf\xe9", "caf\u{fffd}"),
    ] {
        assert_eq!(page_text(page, content_type), expected);
    }
}

/// rest.md C7.
#[tokio::test]
async fn a_page_is_decoded_as_its_server_and_then_as_the_page_itself_says() {
    let latin = b"<meta charset=latin1><p>caf\xe9";
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(latin).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(latin).unwrap();
    let names = FakeResolver::new(&[]);
    for (head, body) in [
        ("", latin.to_vec()),
        ("content-encoding: gzip\r\n", gzip.finish().unwrap()),
        ("content-encoding: Deflate\r\n", deflate.finish().unwrap()),
    ] {
        let (port, _) = server("127.0.0.1", ok(&format!("content-type: text/html\r\n{head}"), &body)).await;
        let url = format!("http://127.0.0.1:{port}/");
        let found = fetcher("127.0.0.1", &names).fetch(&url, None).await.unwrap();
        assert_eq!(found.results, ["<meta charset=latin1><p>café"], "{head}");
    }
}

#[tokio::test]
async fn a_name_reaches_only_those_of_its_addresses_that_are_allowed() {
    let (port, count) = server("127.0.0.1", ok("", b"a")).await;
    let url = format!("http://several.example:{port}/");
    let several: &[&str] = &["10.0.0.1", "::1", "127.0.0.1"];
    assert!(fetcher("127.0.0.1", &FakeResolver::new(&[several])).fetch(&url, None).await.is_ok());
    assert_eq!(message(fetcher("false", &FakeResolver::new(&[several])).fetch(&url, None).await), REFUSED);
    assert_eq!(message(fetcher("true", &FakeResolver::new(&[&[]])).fetch(&url, None).await), "Fetch failed.");
    assert_eq!(message(fetcher("true", &FakeResolver::new(&[])).fetch(&url, None).await), "Fetch failed.");
    assert_eq!(*count.lock().unwrap(), 1);
}

#[tokio::test]
async fn no_spelling_of_a_closed_address_is_let_through() {
    let (port, count) = server("127.0.0.1", ok("", b"secret")).await;
    let none = FakeResolver::new(&[]);
    for host in rows![
        "127.0.0.1"; "127.1"; "2130706433"; "0x7f.1"; "0177.0.0.1"; "127.0.0.1."; "[::ffff:127.0.0.1]"; "[::1]";
        "[::]"; "0"; "0.0.0.0"; "[::127.0.0.1]"; "[64:ff9b::127.0.0.1]"; "user:password@127.0.0.1"; "１２７.0.0.1";
    ] {
        let answer = fetcher("false", &none).fetch(&format!("http://{host}:{port}/"), None).await;
        assert_eq!(message(answer), REFUSED, "{host}");
    }
    for url in ["http://", "http://[::1", "http://a b/", "nothing", "http://x:99999/"] {
        let error = message(fetcher("true", &none).fetch(url, None).await);
        assert_eq!(error, "url: Enter a valid URL.", "{url}");
    }
    for url in ["ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "data:text/plain,x"] {
        assert_eq!(message(fetcher("true", &none).fetch(url, None).await), REFUSED, "{url}");
    }
    assert!(none.asked.lock().unwrap().is_empty());
    assert_eq!(*count.lock().unwrap(), 0);
}

#[tokio::test]
async fn every_redirect_is_checked() {
    let (secret, reached) = server("127.0.0.2", ok("", b"secret")).await;
    let mapped = format!("http://[::ffff:127.0.0.2]:{secret}/");
    for (name, location, expected) in [
        ("to_an_address", format!("http://127.0.0.2:{secret}/"), REFUSED),
        ("in_other_words", format!("//2130706434:{secret}/x"), REFUSED),
        ("in_ipv6", mapped, REFUSED),
        ("to_a_name", format!("http://inner.example:{secret}/"), REFUSED),
        ("to_a_file", "file:///etc/passwd".to_owned(), REFUSED),
        ("to_nothing", "http://".to_owned(), "Fetch failed."),
    ] {
        let (port, _) = server("127.0.0.1", to(&location)).await;
        let names = FakeResolver::new(&[&["127.0.0.2"]]);
        let answer = fetcher("127.0.0.1", &names).fetch(&format!("http://127.0.0.1:{port}/"), None).await;
        assert_eq!(message(answer), expected, "{name}");
    }
    assert_eq!(*reached.lock().unwrap(), 0);
}

#[tokio::test]
async fn redirects_are_followed_so_far() {
    let none = FakeResolver::new(&[]);
    let (mut port, _) = server("127.0.0.1", ok("", b"end")).await;
    for hops in 1..=4 {
        port = server("127.0.0.1", to(&format!("http://127.0.0.1:{port}/"))).await.0;
        let answer = fetcher("true", &none).fetch(&format!("http://127.0.0.1:{port}/"), None).await;
        match hops {
            1..=3 => assert_eq!(answer.unwrap().results, ["end"], "{hops}"),
            _ => assert_eq!(message(answer), "Fetch failed."),
        }
    }
    let (port, count) = server("127.0.0.1", to("/again")).await;
    let answer = fetcher("true", &none).fetch(&format!("http://127.0.0.1:{port}/"), None).await;
    assert_eq!((message(answer).as_str(), *count.lock().unwrap()), ("Fetch failed.", 4));
}

#[tokio::test]
async fn what_goes_wrong_on_the_other_side_is_told() {
    let none = FakeResolver::new(&[]);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("64\r\n{}\r\n", "x".repeat(100)).repeat(11)
    );
    for (name, answer, expected) in [
        ("an_error", b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_vec(), "Upstream returned 500."),
        ("not_there", b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n".to_vec(), "Upstream returned 404."),
        ("nowhere_to_go", b"HTTP/1.1 302 No\r\ncontent-length: 0\r\n\r\n".to_vec(), "Upstream returned 302."),
        ("no_http", b"SSH-2.0-OpenSSH\r\n".to_vec(), "Fetch failed."),
        ("cut_short", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec(), "Fetch failed."),
        ("too_much", ok("", &[b'x'; 1001]), "Fetch failed."),
        ("too_much_unannounced", chunked.into_bytes(), "Fetch failed."),
    ] {
        let (port, _) = server("127.0.0.1", answer).await;
        let answer = fetcher("true", &none).fetch(&format!("http://127.0.0.1:{port}/"), None).await;
        assert_eq!(message(answer), expected, "{name}");
    }
    let (port, _) = server("127.0.0.1", ok("", &[b'x'; 1000])).await;
    let whole = fetcher("true", &none).fetch(&format!("http://127.0.0.1:{port}/"), None).await.unwrap();
    assert_eq!((whole.results[0].len(), whole.content_type.as_str()), (1000, ""));
}

#[tokio::test]
async fn who_never_answers_is_given_up_and_holds_no_place() {
    let (port, _) = server("127.0.0.1", "").await;
    let limits = FetchLimits { time: Duration::from_millis(100), ..LIMITS };
    let fetcher = Fetcher::with("true".parse().unwrap(), limits, FakeResolver::new(&[]));
    for _ in 0..=MAX_CONCURRENT_FETCHES {
        let answer = fetcher.fetch(&format!("http://127.0.0.1:{port}/"), None).await;
        assert_eq!(answer.expect_err("nothing was said").kind, Kind::Timeout);
    }
    let all = fetcher.permits.acquire_many(MAX_CONCURRENT_FETCHES as u32).await.unwrap();
    let busy = fetcher.fetch(&format!("http://127.0.0.1:{port}/"), None).await;
    assert_eq!(busy.expect_err("no place").kind, Kind::Busy);
    drop(all);
}
