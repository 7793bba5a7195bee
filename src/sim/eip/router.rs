//! Message router of the simulated controller: which object or tag a request is for, and what it answers.

use super::reply::{
    EMBEDDED_ERROR, MAX_MESSAGE_BYTES, NO_SUCH_SERVICE, Outcome, PATH_UNKNOWN, PATH_WRONG, REPLY_TOO_LARGE,
    TOO_FEW_DATA, reply,
};
use super::symbols;
use super::tag::{self, PathSegment};
use super::tag_memory::TagMemory;

/// Objects, by class.
const IDENTITY: u32 = 0x01;
const MESSAGE_ROUTER: u32 = 0x02;
/// Connection manager, which sends messages on to a slot and opens connections.
pub const CONNECTION_MANAGER: u32 = 0x06;
const SYMBOL: u32 = 0x6B;

/// A request, parsed.
pub struct Request<'a> {
    pub service: u8,
    path: Vec<PathSegment>,
    pub data: &'a [u8],
}

impl<'a> Request<'a> {
    /// `None` for bytes that are no request.
    pub fn parse(message: &'a [u8]) -> Option<Request<'a>> {
        let [service, words, rest @ ..] = message else { return None };
        let (path, data) = rest.split_at_checked(2 * usize::from(*words))?;
        Some(Request { service: *service, path: tag::parse_path(path)?, data })
    }

    /// Class and instance; the instance of a whole class is 0.
    pub fn object(&self) -> Option<(u32, u32)> {
        match self.path[..] {
            [PathSegment::Class(class), PathSegment::Instance(instance)] => Some((class, instance)),
            [PathSegment::Class(class)] => Some((class, 0)),
            _ => None,
        }
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

/// Attributes of the identity object: a controller of Rockwell, by its type and number, and a name.
pub fn identity() -> Vec<u8> {
    const NAME: &[u8] = b"Basalt simulator";
    // Vendor 1, device type 14 (controller), product 166, revision 32.11, status, serial number.
    let head = [1, 0, 14, 0, 166, 0, 32, 11, 0x60, 0x30, 0x53, 0x4C, 0x41, 0x42];
    [&head[..], &[NAME.len() as u8], NAME].concat()
}
