//! EtherNet/IP client: one session with one controller, which carries one unconnected message at a time.
//!
//! Every message has a sender context of its own, which its reply repeats. A reply with that of an earlier message is
//! skipped. After any other one the socket is closed, as after every other doubt.

use std::collections::HashMap;
use std::time::Duration;

use super::cip::{CipReply, CipRequest, MAX_MESSAGE_BYTES, ROUTE_BYTES};
use super::data_type::TagType;
use super::endpoint::{EipEndpoint, MessageRoute};
use super::frame::{EncapsulatedRequest, EncapsulationCommand, FrameError, message_of, session_of};
use super::project_string::{ProbeOutcome, ProjectStrings, StringProbe};
use super::status::{self, refused, refused_by_encapsulation};
use super::tag::TagPath;
use super::value::{MAX_VALUE_BYTES, TagChange, TagData};
use crate::collect::device_value::DeviceValue;
use crate::collect::fault::{DeviceFault, RefusalKind};
use crate::collect::networks::AllowedNetworks;
use crate::collect::peer::Peer;
use crate::collect::request_socket::RequestSocket;

/// Arrays that are remembered; a session that has seen more begins anew.
const MAX_KNOWN_ARRAYS: usize = 10_000;
/// BOOLs of an array that lie in one DWORD.
const BOOLS_PER_DWORD: u32 = 32;

/// Outcome of reading one tag: its value, or why there is none.
pub type TagOutcome = Result<TagData, DeviceFault>;

/// A session with one controller.
pub struct EipClient {
    endpoint: EipEndpoint,
    socket: RequestSocket,
    session: u32,
    context: u64,
    has_answered: bool,
    /// Whether the controller takes several requests in one message.
    takes_batches: bool,
    /// Whether an array is one of BOOL, by its path in small letters; indexes of such an array count bits.
    is_bool_array: HashMap<String, bool>,
    project_strings: ProjectStrings,
}

impl EipClient {
    /// Connects and opens a session.
    pub async fn connect(
        endpoint: &EipEndpoint,
        networks: &AllowedNetworks,
    ) -> Result<EipClient, DeviceFault> {
        let socket = RequestSocket::connect(&endpoint.peer, networks).await?;
        let mut client = EipClient {
            endpoint: endpoint.clone(),
            socket,
            session: 0,
            context: 0,
            has_answered: false,
            takes_batches: true,
            is_bool_array: HashMap::new(),
            project_strings: ProjectStrings::default(),
        };
        let frame = client.send(EncapsulationCommand::RegisterSession, &[]).await?;
        client.session = session_of(&frame).map_err(|broken| client.socket.malformed(broken.to_string()))?;
        Ok(client)
    }

    /// Sends one frame and returns its reply.
    async fn send(&mut self, command: EncapsulationCommand, message: &[u8]) -> Result<Vec<u8>, DeviceFault> {
        self.context = self.context.wrapping_add(1);
        let request = EncapsulatedRequest { command, session: self.session, context: self.context };
        self.socket.request(&request.encode(message), &request).await
    }

    /// Sends a request to the controller and returns its reply, whatever its status.
    pub(super) async fn call(&mut self, request: &CipRequest) -> Result<CipReply, DeviceFault> {
        let timeout_ms = u64::try_from(self.endpoint.peer.timeout.as_millis()).unwrap_or(u64::MAX);
        let message = match self.endpoint.route {
            MessageRoute::Direct => request.encode(),
            MessageRoute::Backplane(slot) => request.routed(slot, timeout_ms).encode(),
        };
        let frame = self.send(EncapsulationCommand::SendRrData, &message).await?;
        let is_routed = self.endpoint.route != MessageRoute::Direct;
        let reply = match message_of(&frame) {
            Ok(message) => CipReply::parse(message, request.service, is_routed).map_err(|e| e.to_string()),
            Err(FrameError::Refused(status)) => {
                self.has_answered = true;
                return Err(refused_by_encapsulation(status));
            }
            Err(broken) => Err(broken.to_string()),
        };
        let reply = reply.map_err(|why| self.socket.malformed(why))?;
        self.has_answered = true;
        if reply.is_from_route { Err(refused(&reply)) } else { Ok(reply) }
    }

    /// Sends requests of one service in one message, and returns a reply for each, or why there is none.
    async fn call_all(
        &mut self,
        requests: &[CipRequest],
    ) -> Result<Vec<Result<CipReply, DeviceFault>>, DeviceFault> {
        if let ([_, _, ..], true) = (requests, self.takes_batches) {
            let reply = self.call(&CipRequest::multiple(requests)).await?;
            match reply.status {
                0 | status::EMBEDDED_ERROR => {
                    let service = requests[0].service;
                    let replies = reply.split(requests.len(), service);
                    let replies = replies.map_err(|broken| self.socket.malformed(broken.to_string()))?;
                    return Ok(replies.into_iter().map(Ok).collect());
                }
                // One by one, each reply may be as long as a message.
                status::REPLY_TOO_LARGE => {}
                _ => match refused(&reply) {
                    DeviceFault::Refused { meaning: RefusalKind::NoSuchCommand, .. } => {
                        self.takes_batches = false
                    }
                    fault => return Err(fault),
                },
            }
        }
        let mut replies = Vec::with_capacity(requests.len());
        for request in requests {
            match self.call(request).await {
                Err(fault) if fault.is_connection_loss() => return Err(fault),
                reply => replies.push(reply),
            }
        }
        Ok(replies)
    }

    /// Reads tags in one message, in order; `batch::split` says how many fit. Needs more messages for arrays of which
    /// nothing is known yet, and for values that did not fit.
    ///
    /// # Errors
    /// A fault that concerns all of them. What concerns one tag is in its place of the list.
    pub async fn read_tags(&mut self, paths: &[&TagPath]) -> Result<Vec<TagOutcome>, DeviceFault> {
        self.learn_arrays(paths).await?;
        let wire: Vec<WirePath> = paths.iter().map(|path| self.wire_path(path)).collect();
        let requests: Vec<_> = wire.iter().map(|wire| CipRequest::read_tag(wire.path.encode())).collect();
        let replies = self.call_all(&requests).await?;
        let mut outcomes = Vec::with_capacity(paths.len());
        for (wire, reply) in wire.iter().zip(replies) {
            let completed = match reply {
                Ok(reply) => self.complete(&wire.path, reply).await,
                Err(fault) => Err(fault),
            };
            match completed {
                Ok(data) => outcomes.push(wire.element_of(data)),
                Err(fault) if fault.is_connection_loss() => return Err(fault),
                Err(fault) => outcomes.push(Err(fault)),
            }
        }
        Ok(outcomes)
    }

    /// Reads one tag.
    pub async fn read_tag(&mut self, path: &TagPath) -> Result<TagData, DeviceFault> {
        let outcome = self.read_tags(&[path]).await?.pop();
        outcome.unwrap_or_else(|| Err(self.socket.malformed("the answer holds no value".to_owned())))
    }

    /// The value in the reply to a read; what did not fit is read in parts.
    async fn complete(&mut self, path: &TagPath, reply: CipReply) -> Result<TagData, DeviceFault> {
        let (mut data_type, mut raw) = self.value_of(&reply)?;
        let mut is_partial = reply.status == status::PARTIAL;
        let is_structure = matches!(data_type, TagType::Structure(_));
        if is_structure && is_partial && raw.len() < StringProbe::LEAST_BYTES {
            // Other tags of the message left no place for it.
            let alone = self.call(&CipRequest::read_tag(path.encode())).await?;
            (data_type, raw) = self.value_of(&alone)?;
            is_partial = alone.status == status::PARTIAL;
        }
        if let TagType::Structure(handle) = data_type {
            data_type = self.structure_type(path, handle, &raw, is_partial).await?;
        }
        let string_bytes = data_type.project_string_bytes();
        // Of a structure without a value here, its type is enough.
        while is_partial && !matches!(data_type, TagType::Structure(_) | TagType::Other(_)) {
            let offset = u32::try_from(raw.len()).unwrap_or(u32::MAX);
            let part = self.call(&CipRequest::read_tag_fragment(path.encode(), offset)).await?;
            let (part_type, bytes) = self.value_of(&part)?;
            let is_same = part_type.encode() == data_type.encode();
            let is_too_long = string_bytes.is_none() && raw.len() + bytes.len() > MAX_VALUE_BYTES;
            if !is_same || bytes.is_empty() || is_too_long {
                return Err(self.socket.malformed("the parts of a value do not fit each other".to_owned()));
            }
            raw.extend(bytes);
            // A structure that is longer than the string has further members, and no value here.
            let is_needed = string_bytes.is_none_or(|longest| raw.len() <= longest);
            is_partial = part.status == status::PARTIAL && is_needed;
        }
        Ok(TagData { data_type, raw })
    }

    /// Type of the structure at a path: a string of the project, where its members are those of one. They are read unless
    /// this is known.
    async fn structure_type(
        &mut self,
        path: &TagPath,
        handle: u16,
        raw: &[u8],
        is_partial: bool,
    ) -> Result<TagType, DeviceFault> {
        if let Some(known) = self.project_strings.type_of(handle, path) {
            return Ok(known);
        }
        let Some(mut probe) = StringProbe::new(path, raw, is_partial) else {
            return Ok(TagType::Structure(handle));
        };
        loop {
            let reply = self.call(&CipRequest::read_tag(probe.member().encode())).await;
            let member = match reply.and_then(|reply| self.value_of(&reply)) {
                Ok((data_type, raw)) => Some(TagData { data_type, raw }),
                Err(DeviceFault::Refused { meaning: RefusalKind::NoSuchRegister, .. }) => None,
                Err(fault) if fault.is_connection_loss() => return Err(fault),
                Err(_) => return Ok(TagType::Structure(handle)),
            };
            match probe.take(member.as_ref()) {
                ProbeOutcome::Unfinished => {}
                ProbeOutcome::String(chars) => return Ok(self.project_strings.learn(handle, chars)),
                ProbeOutcome::Other => {
                    self.project_strings.learn_other(path);
                    return Ok(TagType::Structure(handle));
                }
                ProbeOutcome::Changed => {
                    let words = "the tag changed while its type was looked up".to_owned();
                    return Err(DeviceFault::Unsupported { field: "register", words });
                }
            }
        }
    }

    fn value_of(&mut self, reply: &CipReply) -> Result<(TagType, Vec<u8>), DeviceFault> {
        if reply.status != 0 && reply.status != status::PARTIAL {
            return Err(refused(reply));
        }
        match TagType::split(&reply.data) {
            Some((data_type, value)) => Ok((data_type, value.to_vec())),
            None => Err(self.socket.malformed("the answer to a read has no type".to_owned())),
        }
    }

    /// Finds out which of the arrays that the paths end with are arrays of BOOL: their element 0 has the type DWORD.
    async fn learn_arrays(&mut self, paths: &[&TagPath]) -> Result<(), DeviceFault> {
        if self.is_bool_array.len() > MAX_KNOWN_ARRAYS {
            self.is_bool_array.clear();
        }
        let mut unknown: Vec<TagPath> = Vec::new();
        for path in paths {
            let Some(first) = first_element(path) else { continue };
            if !self.is_bool_array.contains_key(&key(&first)) && !unknown.contains(&first) {
                unknown.push(first);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let requests: Vec<_> = unknown.iter().map(|path| CipRequest::read_tag(path.encode())).collect();
        for (path, reply) in unknown.iter().zip(self.call_all(&requests).await?) {
            // An array that cannot be read now is asked again: it may be made while the controller runs.
            match reply.and_then(|reply| self.value_of(&reply)) {
                Ok((data_type, _)) => drop(self.is_bool_array.insert(key(path), data_type == TagType::Dword)),
                Err(fault) if fault.is_connection_loss() => return Err(fault),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The path that is sent for a path: of an element of a BOOL array, that of its DWORD.
    fn wire_path(&self, path: &TagPath) -> WirePath {
        let is_bools = first_element(path).and_then(|first| self.is_bool_array.get(&key(&first)).copied());
        match (is_bools, path.last_index()) {
            (Some(true), Some(index)) => WirePath {
                path: path.without_bit().with_last_index(index / BOOLS_PER_DWORD),
                element: u8::try_from(index % BOOLS_PER_DWORD).ok(),
            },
            _ => WirePath { path: path.without_bit(), element: None },
        }
    }

    /// Writes a value as the tag's type, which is read first. A bit is changed by the controller itself.
    pub async fn write_tag(&mut self, path: &TagPath, value: &DeviceValue) -> Result<(), DeviceFault> {
        let unsupported = |words| DeviceFault::Unsupported { field: "value", words };
        self.learn_arrays(&[path]).await?;
        let wire = self.wire_path(path);
        let reply = self.call(&CipRequest::read_tag(wire.path.encode())).await?;
        let current = self.complete(&wire.path, reply).await?;
        if wire.element.is_some() && path.bit().is_some() {
            return Err(unsupported("BOOL has no bits".to_owned()));
        }
        let request = match current.change(wire.element.or(path.bit()), value).map_err(unsupported)? {
            TagChange::Value(data_type, bytes) => {
                CipRequest::write_tag(wire.path.encode(), &data_type.encode(), &bytes)
            }
            TagChange::Mask { set, keep } => {
                CipRequest::read_modify_write_tag(wire.path.encode(), &set, &keep)
            }
        };
        let is_of_project = current.data_type.project_string_bytes().is_some();
        if is_of_project && request.encode().len() + ROUTE_BYTES > MAX_MESSAGE_BYTES {
            return Err(unsupported("the string is too long to be written in one message".to_owned()));
        }
        let reply = self.call(&request).await?;
        if reply.status == 0 { Ok(()) } else { Err(refused(&reply)) }
    }

    /// Whether the connection is open and can carry another request.
    pub fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    /// Whether any byte of the latest request may have left.
    pub fn has_sent(&self) -> bool {
        self.socket.has_sent()
    }

    /// Whether the controller ever answered: the registration of the session does not count.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Time that so many requests take at most, with the pauses before them.
    pub(super) fn time_for(&self, requests: u32) -> Duration {
        let Peer { timeout, usage, .. } = &self.endpoint.peer;
        usage.pause_after_connect + (*timeout + usage.pause_between_requests) * requests
    }

    pub(super) fn no_answer_within(&self, after: Duration) -> DeviceFault {
        DeviceFault::Timeout { address: self.endpoint.peer.address(), after }
    }

    /// Ends the session. The device closes the connection without a reply, so none is awaited.
    pub async fn close(mut self) {
        let request = EncapsulatedRequest {
            command: EncapsulationCommand::UnregisterSession,
            session: self.session,
            context: self.context.wrapping_add(1),
        };
        self.socket.send_last(&request.encode(&[])).await;
    }

    /// Fault for an answer that made no sense; nothing on the connection can be trusted any more.
    pub(super) fn malformed(&mut self, reason: &str) -> DeviceFault {
        self.socket.malformed(reason.to_owned())
    }
}

/// A path as it is sent, and the bit of its DWORD that is meant of an array of BOOL.
struct WirePath {
    path: TagPath,
    element: Option<u8>,
}

impl WirePath {
    /// The element of a BOOL array in its DWORD; anything else as it is.
    fn element_of(&self, data: TagData) -> TagOutcome {
        let Some(element) = self.element else { return Ok(data) };
        let on = data.bit(element).map_err(|words| DeviceFault::Unsupported { field: "register", words })?;
        Ok(TagData { data_type: TagType::Bool, raw: vec![u8::from(on)] })
    }
}

/// Element 0 of the array of one dimension that a path ends with.
fn first_element(path: &TagPath) -> Option<TagPath> {
    path.last_index().map(|_| path.without_bit().with_last_index(0))
}

fn key(path: &TagPath) -> String {
    path.to_string().to_ascii_lowercase()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
