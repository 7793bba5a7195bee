//! Connection manager of the simulated controller: it sends messages on to a slot, and opens and closes class 3 connections.

use super::reply::{CONNECTION_FAILURE, NO_SUCH_SERVICE, NO_SUCH_SLOT, Outcome, TOO_FEW_DATA, reply};
use super::router::{self, CONNECTION_MANAGER, Request};
use super::tag_memory::TagMemory;

const UNCONNECTED_SEND: u8 = 0x52;
/// Connection id by which clients address a class 3 connection.
pub const CONNECTION_ID: u32 = 0x0042_0001;

/// Answers a message without a connection, which alone can be sent on or open a connection.
pub fn answer_unconnected(originator: &mut Option<u32>, memory: &mut TagMemory, message: &[u8]) -> Vec<u8> {
    let request = Request::parse(message);
    let managed =
        |request: &Request<'_>| request.object().is_some_and(|(class, _)| class == CONNECTION_MANAGER);
    match request.filter(managed) {
        Some(Request { service: UNCONNECTED_SEND, data, .. }) => match route(data) {
            Ok(inner) => router::answer(memory, inner),
            Err(refusal) => reply(UNCONNECTED_SEND, Err(refusal)),
        },
        Some(Request { service, data, .. }) => reply(service, manage(originator, service, data)),
        None => router::answer(memory, message),
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
fn manage(originator_id: &mut Option<u32>, service: u8, data: &[u8]) -> Outcome {
    let part = |range: std::ops::Range<usize>| data.get(range).ok_or((TOO_FEW_DATA, None));
    match service {
        // The large form differs in the sizes, which are not looked at.
        0x54 | 0x5B => {
            let originator = part(6..10)?;
            *originator_id = originator.first_chunk().map(|id| u32::from_le_bytes(*id));
            let interval = part(22..26)?;
            Ok((
                0,
                [&CONNECTION_ID.to_le_bytes()[..], originator, part(10..18)?, interval, interval, &[0, 0]]
                    .concat(),
            ))
        }
        0x4E => {
            *originator_id = None;
            Ok((0, [part(2..10)?, &[0, 0]].concat()))
        }
        _ => Err((NO_SUCH_SERVICE, None)),
    }
}
