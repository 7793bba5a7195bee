//! The simulator answers any input or ends the connection.

use proptest::prelude::*;

use super::*;

fn header(command: u16, body: &[u8], session: u32) -> [u8; 24] {
    let mut header = [0; 24];
    header[..2].copy_from_slice(&command.to_le_bytes());
    header[2..4].copy_from_slice(&(body.len() as u16).to_le_bytes());
    header[4..8].copy_from_slice(&session.to_le_bytes());
    header
}

/// Registers a session and sends a message without a connection; the whole reply.
fn ask(memory: &Arc<Mutex<TagMemory>>, message: &[u8]) -> Option<Vec<u8>> {
    let mut connection = EipConnection::default();
    let register = [1, 0, 0, 0];
    let opened = connection.answer(&mut memory.lock(), &header(0x65, &register, 0), &register)?;
    let session = u32::from_le_bytes(*opened[4..].first_chunk()?);
    let mut body = vec![0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xB2, 0];
    body.extend((message.len() as u16).to_le_bytes());
    body.extend(message);
    connection.answer(&mut memory.lock(), &header(0x6F, &body, session), &body)
}

#[test]
fn a_message_needs_a_session() {
    let memory = memory(Arc::default());
    let mut connection = EipConnection::default();
    let answer = connection.answer(&mut memory.lock(), &header(0x6F, &[], 7), &[]).unwrap();
    assert_eq!(hex::encode(&answer[8..12]), "64000000");
    assert!(connection.answer(&mut memory.lock(), &header(0x66, &[], 7), &[]).is_none());
}

proptest! {
    /// A read, a write or a list of any path, alone, among several and through a route.
    #[test]
    fn any_bytes_of_a_message_are_answered(
        service in prop_oneof![Just(0x4Cu8), Just(0x4D), Just(0x4E), Just(0x52), Just(0x55), Just(0x0A), any::<u8>()],
        path in prop_oneof![
            Just(vec![0x91u8, 5, b'f', b'l', b'a', b'g', b's', 0, 0x28, 3]),
            Just(vec![0x20, 2, 0x24, 1]),
            Just(vec![0x20, 6, 0x24, 1]),
            Just(vec![0x20, 0x6B, 0x25, 0, 0, 0]),
            proptest::collection::vec(any::<u8>(), 0..24),
        ],
        data in proptest::collection::vec(any::<u8>(), 0..48),
        is_routed: bool,
    ) {
        let mut message = vec![service, (path.len() / 2) as u8];
        message.extend(&path[..path.len() & !1]);
        message.extend(&data);
        if is_routed {
            let mut outer = vec![0x52, 2, 0x20, 6, 0x24, 1, 5, 10, message.len() as u8, 0];
            outer.extend(&message);
            outer.extend(vec![0; message.len() % 2]);
            outer.extend([1, 0, 1, 0]);
            message = outer;
        }
        prop_assert!(ask(&memory(Arc::default()), &message).is_some());
    }
}
