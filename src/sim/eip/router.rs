//! Message router of the simulated controller: which object or tag a request is for, and what it answers.

use super::connection::{CONNECTION_ID, EipConnection};
use super::symbols;
use super::tag::{self, PathSegment};
use super::tag_memory::TagMemory;

/// Bytes that a message may have, requests and replies alike.
pub const MAX_MESSAGE_BYTES: usize = 504;
/// General statuses.
pub const PATH_UNKNOWN: u8 = 0x05;
pub const PARTIAL: u8 = 0x06;
const CONNECTION_FAILURE: u8 = 0x01;
const PATH_WRONG: u8 = 0x04;
const NO_SUCH_SERVICE: u8 = 0x08;
const REPLY_TOO_LARGE: u8 = 0x11;
pub const TOO_FEW_DATA: u8 = 0x13;
pub const TOO_MANY_DATA: u8 = 0x15;
const EMBEDDED_ERROR: u8 = 0x1E;
pub const EXTENDED: u8 = 0xFF;
/// Extended statuses of `EXTENDED`, and of a connection that cannot be made.
pub const BEYOND_END: u16 = 0x2105;
pub const OTHER_TYPE: u16 = 0x2107;
const NO_SUCH_SLOT: u16 = 0x0312;

/// Objects, by class.
const IDENTITY: u32 = 0x01;
const MESSAGE_ROUTER: u32 = 0x02;
const CONNECTION_MANAGER: u32 = 0x06;
pub const SYMBOL: u32 = 0x6B;

/// Data of a reply with its status, or the status of a refusal.
pub type Outcome = Result<(u8, Vec<u8>), (u8, Option<u16>)>;

/// A request, parsed.
struct Request<'a> {
    service: u8,
    path: Vec<PathSegment>,
    data: &'a [u8],
}

impl<'a> Request<'a> {
    fn parse(message: &'a [u8]) -> Option<Request<'a>> {
        let [service, words, rest @ ..] = message else { return None };
        let (path, data) = rest.split_at_checked(2 * usize::from(*words))?;
        Some(Request { service: *service, path: tag::parse_path(path)?, data })
    }

    /// Class and instance; the instance of a whole class is 0.
    fn object(&self) -> Option<(u32, u32)> {
        match self.path[..] {
            [PathSegment::Class(class), PathSegment::Instance(instance)] => Some((class, instance)),
            [PathSegment::Class(class)] => Some((class, 0)),
            _ => None,
        }
    }
}

/// Answers a message without a connection, which alone can be sent on or open a connection.
pub fn answer_unconnected(connection: &mut EipConnection, memory: &mut TagMemory, message: &[u8]) -> Vec<u8> {
    let request = Request::parse(message);
    match request.as_ref().map(|request| (request.object(), request.service)) {
        Some((Some((CONNECTION_MANAGER, _)), 0x52)) => {
            let data = request.map(|request| request.data).unwrap_or_default();
            match route(data) {
                Ok(inner) => answer(memory, inner),
                Err(refusal) => reply(0x52, Err(refusal)),
            }
        }
        Some((Some((CONNECTION_MANAGER, _)), service)) => {
            let data = request.map(|request| request.data).unwrap_or_default();
            reply(service, manage(connection, service, data))
        }
        _ => answer(memory, message),
    }
}

/// The message in an Unconnected Send, if it is to slot 0 of the backplane.
fn route(data: &[u8]) -> Result<&[u8], (u8, Option<u16>)> {
    let too_few = (TOO_FEW_DATA, None);
    let len = usize::from(u16::from_le_bytes([*data.get(2).ok_or(too_few)?, *data.get(3).ok_or(too_few)?]));
    let message = data.get(4..4 + len).ok_or(too_few)?;
    match data.get(4 + len + len % 2..) {
        Some([1, _, 1, 0]) => Ok(message),
        _ => Err((CONNECTION_FAILURE, Some(NO_SUCH_SLOT))),
    }
}

/// Opens and closes class 3 connections (Forward Open, Forward Close).
fn manage(connection: &mut EipConnection, service: u8, data: &[u8]) -> Outcome {
    let part = |range: std::ops::Range<usize>| data.get(range).ok_or((TOO_FEW_DATA, None));
    match service {
        // The large form differs in the sizes, which are not looked at.
        0x54 | 0x5B => {
            let originator = part(6..10)?;
            connection.originator_id = originator.first_chunk().map(|id| u32::from_le_bytes(*id));
            let interval = part(22..26)?;
            Ok((
                0,
                [&CONNECTION_ID.to_le_bytes()[..], originator, part(10..18)?, interval, interval, &[0, 0]]
                    .concat(),
            ))
        }
        0x4E => {
            connection.originator_id = None;
            Ok((0, [part(2..10)?, &[0, 0]].concat()))
        }
        _ => Err((NO_SUCH_SERVICE, None)),
    }
}

/// Answers a message that has arrived at the controller.
pub fn answer(memory: &mut TagMemory, message: &[u8]) -> Vec<u8> {
    answer_within(memory, message, MAX_MESSAGE_BYTES)
}

fn answer_within(memory: &mut TagMemory, message: &[u8], space: usize) -> Vec<u8> {
    let Some(request) = Request::parse(message) else {
        return reply(message.first().copied().unwrap_or_default(), Err((PATH_WRONG, None)));
    };
    let space = space.saturating_sub(4);
    let outcome = match (request.object(), request.service) {
        (Some((IDENTITY, 1)), 0x01) => Ok((0, identity())),
        (Some((MESSAGE_ROUTER, 1)), 0x0A) => multiple(memory, request.data, space),
        (Some((SYMBOL, instance)), 0x55) => symbols::list(memory, None, instance, request.data, space),
        (Some(_), _) => Err((NO_SUCH_SERVICE, None)),
        (None, 0x55) => match &request.path[..] {
            [PathSegment::Name(program), PathSegment::Class(SYMBOL), PathSegment::Instance(instance)] => {
                symbols::list(memory, Some(program), *instance, request.data, space)
            }
            _ => Err((PATH_UNKNOWN, None)),
        },
        (None, 0x4C) => memory.read(&request.path, request.data, space, false),
        (None, 0x52) => memory.read(&request.path, request.data, space, true),
        (None, 0x4D) => memory.write(&request.path, request.data),
        (None, 0x4E) => memory.modify(&request.path, request.data),
        (None, _) => Err((NO_SUCH_SERVICE, None)),
    };
    reply(request.service, outcome)
}

/// Answers each of several requests; a reply has the space that those before it left.
fn multiple(memory: &mut TagMemory, data: &[u8], space: usize) -> Outcome {
    let too_few = (TOO_FEW_DATA, None);
    let word = |at: usize| {
        let bytes = data.get(at..).and_then(<[u8]>::first_chunk).ok_or(too_few)?;
        Ok(usize::from(u16::from_le_bytes(*bytes)))
    };
    let count = word(0)?;
    let mut left = space.checked_sub(2 + 2 * count).ok_or((REPLY_TOO_LARGE, None))?;
    let (mut replies, mut offsets, mut status) = (Vec::new(), Vec::new(), 0);
    for index in 0..count {
        let start = word(2 + 2 * index)?;
        let end = if index + 1 < count { word(4 + 2 * index)? } else { data.len() };
        let answered = answer_within(memory, data.get(start..end).ok_or(too_few)?, left);
        left = left.checked_sub(answered.len()).ok_or((REPLY_TOO_LARGE, None))?;
        if answered.get(2).is_some_and(|status| *status != 0) {
            status = EMBEDDED_ERROR;
        }
        offsets.push(2 + 2 * count + replies.len());
        replies.extend(answered);
    }
    let mut all = (count as u16).to_le_bytes().to_vec();
    offsets.iter().for_each(|offset| all.extend((*offset as u16).to_le_bytes()));
    all.extend(replies);
    Ok((status, all))
}

fn reply(service: u8, outcome: Outcome) -> Vec<u8> {
    let (status, extended, data) = match outcome {
        Ok((status, data)) => (status, None, data),
        Err((status, extended)) => (status, extended, Vec::new()),
    };
    let mut message = vec![service | 0x80, 0, status, u8::from(extended.is_some())];
    message.extend(extended.into_iter().flat_map(u16::to_le_bytes));
    message.extend(data);
    message
}

/// Attributes of the identity object: a controller of Rockwell, by its type and number, and a name.
pub fn identity() -> Vec<u8> {
    const NAME: &[u8] = b"Basalt simulator";
    // Vendor 1, device type 14 (controller), product 166, revision 32.11, status, serial number.
    let head = [1, 0, 14, 0, 166, 0, 32, 11, 0x60, 0x30, 0x53, 0x4C, 0x41, 0x42];
    [&head[..], &[NAME.len() as u8], NAME].concat()
}
