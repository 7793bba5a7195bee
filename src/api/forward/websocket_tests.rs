//! Tests of which requests ask for a WebSocket, and of the handshake made for those of HTTP/2.

use super::*;

type Headers = &'static [(&'static str, &'static str)];

fn request(method: Method, headers: Headers) -> Request {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    for &(name, value) in headers {
        request.headers_mut().append(name, HeaderValue::from_static(value));
    }
    request
}

#[test]
fn an_upgrade_to_websocket_is_recognised_in_any_case() {
    let rows: [(&str, Method, Headers, bool); 7] = [
        ("plain", Method::GET, &[("connection", "upgrade"), ("upgrade", "websocket")], true),
        ("in_a_list", Method::GET, &[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")], true),
        ("another_protocol", Method::GET, &[("connection", "upgrade"), ("upgrade", "h2c")], false),
        ("without_connection", Method::GET, &[("upgrade", "websocket")], false),
        ("another_method", Method::POST, &[("connection", "upgrade"), ("upgrade", "websocket")], false),
        ("no_headers", Method::GET, &[], false),
        ("a_tunnel", Method::CONNECT, &[], false),
    ];
    for (name, method, headers, expected) in rows {
        assert_eq!(WebSocketRequest::take(&mut request(method, headers)).is_some(), expected, "{name}");
    }
}

#[test]
fn a_stream_of_http_2_becomes_an_upgrade() {
    let mut request = request(Method::CONNECT, &[("sec-websocket-protocol", "graphql-transport-ws")]);
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    let websocket = WebSocketRequest::take(&mut request).unwrap();
    assert!(websocket.is_stream());
    websocket.add_handshake(&mut request);
    assert_eq!(request.method(), Method::GET);
    let headers = request.headers();
    assert_eq!(headers["connection"], "upgrade");
    assert_eq!(headers["upgrade"], "websocket");
    assert_eq!(headers["sec-websocket-version"], "13");
    assert_eq!(headers["sec-websocket-key"].len(), 24, "16 bytes in base64");
    assert_eq!(headers["sec-websocket-protocol"], "graphql-transport-ws");
}

#[tokio::test]
async fn acceptance_is_said_as_the_clients_protocol_says_it() {
    for (is_stream, status) in [(false, 101), (true, 200)] {
        let client = hyper::upgrade::on(Request::new(Body::empty()));
        let response = Response::builder().status(101).header("sec-websocket-accept", "x");
        let response = response.header("upgrade", "websocket").header("connection", "upgrade");
        let response = response.body(Body::empty()).unwrap();
        assert!(is_accepted(&response));
        let response = WebSocketRequest { client, is_stream }.accept(response);
        assert_eq!(response.status().as_u16(), status);
        for name in ["connection", "upgrade", "sec-websocket-accept"] {
            assert_eq!(response.headers().contains_key(name), !is_stream, "{name}, {status}");
        }
    }
}
