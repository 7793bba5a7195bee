//! Hostile input: PLCs and OPC UA servers that lie.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use opcua::types::{
    ActivateSessionResponse, BinaryDecodable, BinaryEncodable, BrowseNextResponse, BrowseRequest,
    BrowseResponse, BrowseResult, ByteString, ChannelSecurityToken, ContextOwned, CreateSessionResponse,
    DataValue, DateTime, EndpointDescription, GetEndpointsResponse, LocalizedText, MessageInfo,
    MessageSecurityMode, NodeId, ObjectId, OpenSecureChannelResponse, QualifiedName, ReadRequest,
    ReadResponse, ReadValueId, ReferenceDescription, RequestHeader, ResponseHeader, UserTokenPolicy,
    UserTokenType, Variant,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{AttackedServer, STARVATION_LIMIT};
use crate::support::rows;

const NO_SECURITY: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
/// Bytes of a message in one chunk, below what clients offer to take.
const CHUNK: usize = 60_000;
const MIB: usize = 1024 * 1024;

/// Hostile answer of a server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Misbehavior {
    /// More results than nodes were asked about.
    MoreResults,
    FewerResults,
    /// There is always more, and none of it comes.
    EndlessPoints,
    /// Names of a megabyte, and always more of them.
    LongNames,
    /// A thousand variables, a megabyte each.
    LargeValues,
    /// Values that take a hundred times as much memory as the message they come in.
    SwellingValues,
    /// A header whose diagnostics have diagnostics, 3.6 million levels deep, as the answer to this kind of request.
    NestedDiagnostics(ObjectId),
    /// A value with a status in a value with a status, 1.8 million levels deep.
    NestedValues,
    /// A frame of 4 GiB, according to its header.
    EndlessFrame,
}

/// Kinds of requests that every client sends, and of the answers to them.
const NESTED_ANSWERS: [(ObjectId, ObjectId); 3] = rows![
    ObjectId::OpenSecureChannelRequest_Encoding_DefaultBinary, ObjectId::OpenSecureChannelResponse_Encoding_DefaultBinary;
    ObjectId::GetEndpointsRequest_Encoding_DefaultBinary, ObjectId::GetEndpointsResponse_Encoding_DefaultBinary;
    ObjectId::ReadRequest_Encoding_DefaultBinary, ObjectId::ReadResponse_Encoding_DefaultBinary;
];

/// Answers every client with lies.
struct HostileOpcuaServer {
    port: u16,
    serving: JoinHandle<()>,
}

impl HostileOpcuaServer {
    async fn start(lie: Misbehavior) -> HostileOpcuaServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, port, lie));
            }
        });
        HostileOpcuaServer { port, serving }
    }
}

impl Drop for HostileOpcuaServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One connection, without security, until the client goes.
async fn serve(mut stream: TcpStream, port: u16, lie: Misbehavior) -> Option<()> {
    let mut sequence = 0;
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.ok()?;
        let size = u32::from_le_bytes(header[4..8].try_into().unwrap()) as usize;
        let mut body = vec![0; size.checked_sub(8)?];
        stream.read_exact(&mut body).await.ok()?;
        match &header[..3] {
            b"HEL" => {
                let limits = [0_u32, 65_535, 65_535, 0, 0].map(u32::to_le_bytes).concat();
                let length = u32::try_from(8 + limits.len()).unwrap().to_le_bytes();
                stream.write_all(&[b"ACKF", &length[..], &limits].concat()).await.ok()?;
            }
            b"OPN" | b"MSG" => {
                let (security, rest) = split_security(&header, &body)?;
                let request = u32::from_le_bytes(rest[4..8].try_into().unwrap());
                if lie == Misbehavior::EndlessFrame && &header[..3] == b"MSG" {
                    return send_endless_frame(&mut stream).await;
                }
                let answer = answer(&rest[8..], port, lie)?;
                for chunk in chunks(&header[..3], &security, request, &answer, &mut sequence) {
                    stream.write_all(&chunk).await.ok()?;
                }
            }
            _ => return None,
        }
    }
}

/// Sends what the header announces for as long as the client reads it, up to more than a client may hold.
async fn send_endless_frame(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(&[&b"MSGF"[..], &[0xFF; 4]].concat()).await.ok()?;
    for _ in 0..2048 {
        stream.write_all(&vec![0; MIB]).await.ok()?;
    }
    None
}

/// Channel and security header to be sent back, and what follows them: sequence number, request number, message.
fn split_security<'a>(header: &[u8], body: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
    if &header[..3] == b"MSG" {
        return Some(([1, 1].map(u32::to_le_bytes).concat(), body.get(8..)?));
    }
    // The policy; no certificate on either side.
    let policy = u32::from_le_bytes(body.get(4..8)?.try_into().unwrap()) as usize;
    let mut security = 1_u32.to_le_bytes().to_vec();
    security.extend(u32::try_from(NO_SECURITY.len()).unwrap().to_le_bytes());
    security.extend(NO_SECURITY.as_bytes());
    security.extend([0xFF; 8]);
    Some((security, body.get(8 + policy + 8..)?))
}

fn chunks(kind: &[u8], security: &[u8], request: u32, message: &[u8], sequence: &mut u32) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = message.chunks(CHUNK).collect();
    let last = parts.len() - 1;
    let chunk = |(at, part): (usize, &&[u8])| {
        *sequence += 1;
        let size = u32::try_from(8 + security.len() + 8 + part.len()).unwrap().to_le_bytes();
        let end: &[u8] = if at == last { b"F" } else { b"C" };
        [kind, end, &size, security, &sequence.to_le_bytes(), &request.to_le_bytes(), part].concat()
    };
    parts.iter().enumerate().map(chunk).collect()
}

fn answer(mut request: &[u8], port: u16, lie: Misbehavior) -> Option<Vec<u8>> {
    let owned = ContextOwned::default();
    let context = owned.context();
    let kind = NodeId::decode(&mut request, &context).ok()?.as_object_id().ok()?;
    let header = RequestHeader::decode(&mut &request[..], &context).ok()?;
    let response_header = ResponseHeader::new_good(&header);
    if lie == Misbehavior::NestedDiagnostics(kind) {
        let (_, response) = NESTED_ANSWERS.into_iter().find(|(request, _)| *request == kind)?;
        return Some(nested_diagnostics(response));
    }
    match kind {
        ObjectId::OpenSecureChannelRequest_Encoding_DefaultBinary => {
            Some(encoded(&OpenSecureChannelResponse {
                response_header,
                server_protocol_version: 0,
                security_token: ChannelSecurityToken {
                    channel_id: 1,
                    token_id: 1,
                    created_at: DateTime::now(),
                    revised_lifetime: 3_600_000,
                },
                server_nonce: ByteString::null(),
            }))
        }
        ObjectId::GetEndpointsRequest_Encoding_DefaultBinary => {
            Some(encoded(&GetEndpointsResponse { response_header, endpoints: Some(vec![endpoint(port)]) }))
        }
        ObjectId::CreateSessionRequest_Encoding_DefaultBinary => Some(encoded(&CreateSessionResponse {
            response_header,
            session_id: NodeId::new(1, 1),
            authentication_token: NodeId::new(1, 2),
            revised_session_timeout: 60_000.0,
            server_endpoints: Some(vec![endpoint(port)]),
            ..CreateSessionResponse::default()
        })),
        ObjectId::ActivateSessionRequest_Encoding_DefaultBinary => {
            Some(encoded(&ActivateSessionResponse { response_header, ..ActivateSessionResponse::default() }))
        }
        ObjectId::ReadRequest_Encoding_DefaultBinary => {
            let items = ReadRequest::decode(&mut request, &context).ok()?.nodes_to_read.unwrap_or_default();
            let is_swelling =
                |one: &ReadValueId| one.attribute_id == 13 && one.node_id.as_u32() > Some(100_000);
            if lie == Misbehavior::SwellingValues && items.iter().any(is_swelling) {
                return Some(swelling(response_header));
            }
            if lie == Misbehavior::NestedValues {
                // A value (23) that has a value and nothing else (1), and so on.
                return Some(answer_of_one(response_header, &[23, 1].repeat(1_800_000)));
            }
            let results = items.iter().map(|one| attribute(&one.node_id, one.attribute_id, lie)).collect();
            Some(encoded(&ReadResponse { response_header, results: Some(results), diagnostic_infos: None }))
        }
        ObjectId::BrowseRequest_Encoding_DefaultBinary => {
            let items = BrowseRequest::decode(&mut request, &context).ok()?;
            let items = items.nodes_to_browse.map_or(0, |nodes| nodes.len());
            let results = Some(browsed(items, lie));
            Some(encoded(&BrowseResponse { response_header, results, diagnostic_infos: None }))
        }
        ObjectId::BrowseNextRequest_Encoding_DefaultBinary => {
            let results = Some(browsed(1, lie));
            Some(encoded(&BrowseNextResponse { response_header, results, diagnostic_infos: None }))
        }
        _ => None,
    }
}

fn encoded<T: BinaryEncodable + MessageInfo>(message: &T) -> Vec<u8> {
    let owned = ContextOwned::default();
    let context = owned.context();
    let mut bytes = NodeId::from(message.type_id()).encode_to_vec(&context);
    bytes.extend(message.encode_to_vec(&context));
    bytes
}

fn endpoint(port: u16) -> EndpointDescription {
    let anybody = UserTokenPolicy {
        policy_id: "anybody".into(),
        token_type: UserTokenType::Anonymous,
        ..UserTokenPolicy::default()
    };
    EndpointDescription {
        endpoint_url: format!("opc.tcp://127.0.0.1:{port}").into(),
        security_mode: MessageSecurityMode::None,
        security_policy_uri: NO_SECURITY.into(),
        user_identity_tokens: Some(vec![anybody]),
        ..EndpointDescription::default()
    }
}

fn attribute(node: &NodeId, attribute: u32, lie: Misbehavior) -> DataValue {
    let value = match (attribute, node.as_u32()) {
        (2, _) => Variant::Int32(1),
        (3, _) => Variant::QualifiedName(Box::new(QualifiedName::new(0, "Objects"))),
        (4, _) => Variant::LocalizedText(Box::new(LocalizedText::from("Objects"))),
        (14, _) => Variant::NodeId(Box::new(NodeId::new(0, 12_u32))),
        (17 | 18, _) => Variant::Byte(1),
        (_, Some(2255)) => Variant::from(vec!["urn:liar".to_owned()]),
        // At most so many nodes in one read, so that no message is too large.
        (_, Some(11_705)) if lie == Misbehavior::LargeValues => Variant::UInt32(9),
        (_, Some(11_705)) if lie == Misbehavior::SwellingValues => Variant::UInt32(1),
        (_, Some(number)) if number > 100_000 => Variant::from("x".repeat(MIB)),
        _ => Variant::UInt32(0),
    };
    DataValue::new_now(value)
}

/// A read's answer of one value: lists in a list, of nothing but empty values, 3.6 MB on the wire.
fn swelling(response_header: ResponseHeader) -> Vec<u8> {
    // A list (0x80) of 60 variants (24).
    let mut variant = vec![0x80 | 24];
    variant.extend(60_u32.to_le_bytes());
    for _ in 0..60 {
        // A list of 60,000 values with a status and times (23) that have neither, nor a value.
        variant.push(0x80 | 23);
        variant.extend(60_000_u32.to_le_bytes());
        variant.extend([0; 60_000]);
    }
    answer_of_one(response_header, &variant)
}

/// A read's answer of one value, which has no status and no times.
fn answer_of_one(response_header: ResponseHeader, variant: &[u8]) -> Vec<u8> {
    let none = ReadResponse { response_header, results: None, diagnostic_infos: None };
    let mut bytes = encoded(&none);
    // In the place of no values one; then no diagnostics.
    bytes.truncate(bytes.len() - 8);
    [&bytes[..], &1_u32.to_le_bytes(), &[1], variant, &[0xFF; 4]].concat()
}

/// An answer whose header has diagnostics that have nothing but inner diagnostics (0x40).
fn nested_diagnostics(kind: ObjectId) -> Vec<u8> {
    let owned = ContextOwned::default();
    let mut bytes = NodeId::from(kind).encode_to_vec(&owned.context());
    // Time, handle and status.
    bytes.extend([0; 16]);
    bytes.extend(vec![0x40; 3_600_000]);
    bytes
}

fn browsed(requested: usize, lie: Misbehavior) -> Vec<BrowseResult> {
    let names = |nodes: u32, length: usize| -> Vec<ReferenceDescription> {
        let reference = |number| ReferenceDescription {
            node_id: NodeId::new(0, 100_001 + number).into(),
            display_name: "x".repeat(length).as_str().into(),
            node_class: opcua::types::NodeClass::Variable,
            ..ReferenceDescription::default()
        };
        (0..nodes).map(reference).collect()
    };
    let (results, references, has_more) = match lie {
        Misbehavior::MoreResults => (requested + 40, names(1, 1), false),
        Misbehavior::FewerResults => (requested.saturating_sub(1), names(1, 1), false),
        Misbehavior::EndlessPoints => (requested, Vec::new(), true),
        Misbehavior::LongNames => (requested, names(3, MIB), true),
        _ => (requested, names(900, 1), false),
    };
    let point = if has_more { ByteString::from(vec![7]) } else { ByteString::null() };
    let result =
        BrowseResult { continuation_point: point, references: Some(references), ..BrowseResult::default() };
    vec![result; results]
}

/// A device that is this server; its id.
async fn device(attacked: &AttackedServer, name: &str, port: u16) -> i64 {
    let device = json!({"name": name, "protocol": "opcua", "host": format!("opc.tcp://127.0.0.1:{port}"),
                        "timeout": 10, "poll_interval": null});
    let made = attacked.server.client().post("/api/device/", &device).await.created();
    made["id"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opcua_server_that_lies_is_refused_or_cut_short() {
    let attacked = AttackedServer::start(&[]).await;
    let client = attacked.server.client().with_timeout(STARVATION_LIMIT);
    let nested = NESTED_ANSWERS.map(|(request, _)| (Misbehavior::NestedDiagnostics(request), 502));
    let others = [
        (Misbehavior::MoreResults, 502),
        (Misbehavior::FewerResults, 502),
        (Misbehavior::EndlessPoints, 200),
        (Misbehavior::LongNames, 200),
        (Misbehavior::LargeValues, 200),
        (Misbehavior::SwellingValues, 502),
        // Issue 46, item 6.
        (Misbehavior::NestedValues, 502),
        (Misbehavior::EndlessFrame, 502),
    ];
    for (number, (lie, expected)) in others.into_iter().chain(nested).enumerate() {
        let liar = HostileOpcuaServer::start(lie).await;
        let device = device(&attacked, &format!("liar {number}"), liar.port).await;
        let (status, answer) = client.get(&format!("/api/device/{device}/opcua/")).await.outcome();
        let answer: Value = answer;
        let text = answer.to_string();
        assert_eq!(status, expected, "{lie:?}: {:.500}", text);
        assert!(text.len() < 64 * MIB, "{lie:?}: {} bytes", text.len());
        if status == 200 {
            assert_eq!(answer["truncated"], json!(true), "{lie:?}: {:.500}", text);
        }
    }
    attacked.finish_below(1024).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_outside_the_networks_of_the_plant_tell_nothing_of_ports() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open = listener.local_addr().unwrap().port();
    let closed = crate::support::free_port();
    let (attacked, client) =
        AttackedServer::with_client(&[("BASALT_COLLECT__NETWORKS", "10.20.0.0/16")]).await;
    let mut words_sent = Vec::new();
    for (name, port) in [("open", open), ("closed", closed)] {
        for protocol in ["modbus", "melsec", "fenet", "s7", "eip", "opcua"] {
            let device = json!({"name": format!("{name} {protocol}"), "protocol": protocol, "host": "127.0.0.1",
                                "port": port, "poll_interval": null});
            let made = client.post("/api/device/", &device).await.created();
            let register = match protocol {
                "modbus" => "hr:0",
                "melsec" => "D0",
                "fenet" => "%25DW0",
                "s7" => "DB1.DBW0",
                "eip" => "speed",
                _ => "i=85",
            };
            let path = format!("/api/device/{}/io/{register}/", made["id"]);
            let (status, answer) = client.get(&path).await.outcome();
            let words = answer["detail"].as_str().unwrap_or_default().replace(&port.to_string(), "PORT");
            let is_told = status == 502 && words.contains("collect.networks");
            assert!(is_told, "{name} {protocol}: {status} {words}");
            words_sent.push(words);
        }
    }
    let (of_open, of_closed) = words_sent.split_at(words_sent.len() / 2);
    assert_eq!(of_open, of_closed);
    let knocked = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(knocked.is_err(), "nobody is connected to");
    attacked.finish().await;
}
