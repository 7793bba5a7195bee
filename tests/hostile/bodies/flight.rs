//! Flight SQL: tickets that a client writes itself, parameters, and messages of strangers.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Float64Array, Int32Array, RecordBatch};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightData, Ticket};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::TryStreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Channel;

use crate::hostile::AttackedServer;
use crate::support::Server;

const FLIGHT: [(&str, &str); 1] = [("BASALT_FLIGHT_LISTEN", "127.0.0.1:0")];

/// A stream of one batch that is large enough to be compressed.
pub fn one_value(compression: Option<i32>) -> Vec<u8> {
    let values = Arc::new(Float64Array::from(vec![1.0; 1000]));
    let batch = RecordBatch::try_from_iter([("value", values as _)]).unwrap();
    let codec = compression.map(|_| CompressionType::LZ4_FRAME);
    let options = IpcWriteOptions::default().try_with_compression(codec).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// The stream with its lengths made large, one kind at a time.
pub fn lying(honest: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let set = |from: i64, to: i64| {
        let mut bytes = honest.to_vec();
        let places: Vec<_> =
            (0..bytes.len() - 8).filter(|at| bytes[*at..*at + 8] == from.to_le_bytes()).collect();
        assert!(!places.is_empty(), "{from} stands somewhere");
        places.into_iter().for_each(|at| bytes[at..at + 8].copy_from_slice(&to.to_le_bytes()));
        bytes
    };
    // The schema, then the batch: the length of its metadata, then the metadata with the length of the body.
    let schema = u32::from_le_bytes(honest[4..8].try_into().unwrap()) as usize;
    let batch = &honest[8 + schema..];
    let metadata = u32::from_le_bytes(batch[4..8].try_into().unwrap()) as usize;
    let end = honest.len() - 8 - (8 + schema) - 8 - metadata;
    let endless = [&[0xff; 4], &(i32::MAX as u32).to_le_bytes()[..], &[0; 64]].concat();
    vec![
        ("a_body_of_2_60_bytes", set(end as i64, 1 << 60)),
        ("a_body_of_2_40_bytes", set(end as i64, 1 << 40)),
        ("a_compressed_buffer_of_2_60_bytes", set(8000, 1 << 60)),
        ("a_compressed_buffer_of_1_tib", set(8000, 1 << 40)),
        ("metadata_of_2_gib", endless),
    ]
}

/// A ticket as a client may write it: the statement is its own, and so are the values.
async fn ticket(server: &Server, key: &str, values: &[u8]) -> Ticket {
    let mut client = sql_client(server, key).await;
    let info = client.execute("SELECT 1".to_owned(), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let packed: Any = prost_any(&ticket.ticket);
    let statement: TicketStatementQuery = packed.unpack().unwrap().unwrap();
    let mut handle: Value = serde_json::from_slice(&statement.statement_handle).unwrap();
    handle["query"] = json!("SELECT $1::float8");
    handle["values"] = json!(STANDARD.encode(values));
    let statement = TicketStatementQuery { statement_handle: Bytes::from(handle.to_string()) };
    Ticket::new(encode(&statement.as_any()))
}

/// `Any` out of its bytes: two fields, each with its length.
fn prost_any(bytes: &[u8]) -> Any {
    let mut any = Any { type_url: String::new(), value: Bytes::new() };
    let mut rest = bytes;
    while let [tag, after @ ..] = rest {
        let (mut length, mut shift, mut at) = (0, 0, 0);
        loop {
            length |= usize::from(after[at] & 0x7f) << shift;
            shift += 7;
            at += 1;
            if after[at - 1] < 0x80 {
                break;
            }
        }
        let content = &after[at..at + length];
        match tag {
            0x0a => any.type_url = String::from_utf8(content.to_vec()).unwrap(),
            _ => any.value = Bytes::copy_from_slice(content),
        }
        rest = &after[at + length..];
    }
    any
}

fn encode(any: &Any) -> Bytes {
    let mut bytes = Vec::new();
    for (tag, part) in [(0x0a, any.type_url.as_bytes()), (0x12, &any.value)] {
        bytes.push(tag);
        let mut length = part.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(part);
    }
    bytes.into()
}

async fn channel(server: &Server) -> Channel {
    Channel::from_shared(format!("http://{}", server.flight_address())).unwrap().connect().await.unwrap()
}

async fn sql_client(server: &Server, key: &str) -> FlightSqlServiceClient<Channel> {
    let mut client = FlightSqlServiceClient::new(channel(server).await);
    client.set_token(key.to_owned());
    client
}

#[tokio::test]
async fn tickets_and_parameters_are_not_believed() {
    let attacked = AttackedServer::start(&FLIGHT).await;
    let server = &attacked.server;
    let key = server.create_key(&["--scope", "value:read"]).await;
    let mut client = sql_client(server, &key).await;
    for (name, values) in lying(&one_value(Some(1))) {
        let ticket = ticket(server, &key, &values).await;
        let answer = match client.do_get(ticket).await {
            Ok(answer) => answer.try_collect::<Vec<_>>().await.map(drop).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        assert!(answer.is_err(), "{name}");
        assert!(server.flight_answers(&key).await, "{name}");
    }
    // A compressed buffer that lies, as a parameter that is put.
    let mut prepared = client.prepare("SELECT $1::float8".to_owned(), None).await.unwrap();
    let one = RecordBatch::try_from_iter([("$1", Arc::new(Int32Array::from(vec![1])) as _)]).unwrap();
    prepared.set_parameters(one).unwrap();
    assert!(prepared.execute().await.is_ok(), "an honest one is taken");
    for (name, message) in put(&lying(&one_value(Some(1)))[3].1, server, &key).await {
        assert_eq!(message, Some(Code::ResourceExhausted), "{name}");
    }
    attacked.finish_below(500).await;
}

/// Puts the messages of a stream as parameters of a prepared statement, by hand; the codes of the refusals.
async fn put(stream: &[u8], server: &Server, key: &str) -> Vec<(&'static str, Option<Code>)> {
    let mut messages = Vec::new();
    let mut rest = stream;
    while rest.len() > 8 {
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        if length == 0 {
            break;
        }
        let metadata = &rest[8..8 + length];
        let body = arrow::ipc::root_as_message(metadata).unwrap().bodyLength() as usize;
        let body = &rest[8 + length..8 + length + body];
        rest = &rest[8 + length + body.len()..];
        messages.push(FlightData {
            data_header: Bytes::copy_from_slice(metadata),
            data_body: Bytes::copy_from_slice(body),
            ..FlightData::default()
        });
    }
    let mut sql = sql_client(server, key).await;
    let prepared = sql.prepare("SELECT $1::float8".to_owned(), None).await.unwrap();
    let command = arrow_flight::sql::CommandPreparedStatementQuery {
        prepared_statement_handle: prepared_handle(server, key).await,
    };
    drop(prepared);
    messages[0].flight_descriptor = Some(arrow_flight::FlightDescriptor::new_cmd(encode(&command.as_any())));
    let mut client = FlightServiceClient::new(channel(server).await);
    let mut request = tonic::Request::new(futures::stream::iter(messages));
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let code = match client.do_put(request).await {
        Err(status) => Some(status.code()),
        Ok(answer) => answer.into_inner().try_collect::<Vec<_>>().await.err().map(|status| status.code()),
    };
    vec![("a_lying_buffer", code)]
}

/// The handle of a prepared statement, out of the ticket of one that runs.
async fn prepared_handle(server: &Server, key: &str) -> Bytes {
    let packed = prost_any(&ticket(server, key, &one_value(None)).await.ticket);
    let statement: TicketStatementQuery = packed.unpack().unwrap().unwrap();
    let mut handle: Value = serde_json::from_slice(&statement.statement_handle).unwrap();
    handle["values"] = Value::Null;
    Bytes::from(handle.to_string())
}

impl Server {
    /// Whether Flight SQL still answers.
    async fn flight_answers(&self, key: &str) -> bool {
        let mut client = sql_client(self, key).await;
        client.execute("SELECT 1".to_owned(), None).await.is_ok()
    }
}

/// HTTP/2 by hand: a connection with streams that each begin a message of 4 MiB and send most of it.
async fn flood(address: &str, streams: u32) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
    socket.write_all(&frame(4, 0, 0, &[])).await?;
    // The window of the connection is small until the server has opened it.
    while next_frame(&mut socket).await.0 != WINDOW_UPDATE {}
    // Literal fields without an index: a POST of DoGet without credentials.
    let mut head = vec![0x83, 0x86];
    for (name, value) in [
        (":path", "/arrow.flight.protocol.FlightService/DoGet"),
        (":authority", "x"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        head.push(0);
        for text in [name, value] {
            head.push(text.len() as u8);
            head.extend(text.as_bytes());
        }
    }
    for stream in 0..streams {
        let id = stream * 2 + 1;
        socket.write_all(&frame(1, 4, id, &head)).await?;
        let mut data = vec![0, 0, 0x3f, 0xff, 0];
        data.resize(10_000, 7);
        socket.write_all(&frame(0, 0, id, &data)).await?;
    }
    Ok(socket)
}

const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const WINDOW_UPDATE: u8 = 8;

/// Kind and flags of the next frame.
async fn next_frame(socket: &mut TcpStream) -> (u8, u8) {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.expect("the connection stays");
    let mut content = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    socket.read_exact(&mut content).await.expect("frames are whole");
    (head[3], head[4])
}

/// Reads until so many streams have their answer, which is all in its head.
async fn refusals(socket: &mut TcpStream, wanted: usize) {
    let mut refused = 0;
    while refused < wanted {
        let (kind, flags) = next_frame(socket).await;
        refused += usize::from(kind == HEADERS && flags & END_STREAM != 0);
    }
}

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

#[tokio::test]
async fn nobody_sends_messages_before_saying_who_they_are() {
    let attacked = AttackedServer::start(&FLIGHT).await;
    let server = &attacked.server;
    let key = server.create_key(&["--scope", "value:read"]).await;
    server.reset_peak_memory();
    let mut sockets = Vec::new();
    for _ in 0..40 {
        sockets.push(flood(&server.flight_address(), 90).await.unwrap());
    }
    // Every call is refused although none of its messages is whole.
    for socket in &mut sockets {
        let refused = tokio::time::timeout(Duration::from_secs(20), refusals(socket, 90)).await;
        refused.expect("every call is answered at once");
    }
    assert!(server.flight_answers(&key).await);
    let peak = attacked.finish().await;
    assert!(peak < 500, "3,600 calls of strangers took {peak} MiB");
}
