//! The request that finds an EtherNet/IP device: `ListIdentity`, which needs no session. CIP Networks Library volume 2,
//! section 2-4.2.

use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::peer::{Peer, Transport};
use crate::collect::request_socket::{RequestSocket, ResponseFraming};
use crate::domain::device::DeviceSpec;

const LIST_IDENTITY: u16 = 0x63;
const HEADER_LEN: usize = 24;
/// One identity with the longest name has 40 + 255 bytes; a gateway may list a few.
const MAX_BODY_BYTES: usize = 2048;
/// Type of the item that holds an identity.
const IDENTITY_ITEM: u16 = 0x0C;
/// Version and socket address, which come before the vendor.
const SKIPPED_BYTES: usize = 18;

/// Length of an answer by its encapsulation header.
struct EncapsulationFraming;

impl ResponseFraming for EncapsulationFraming {
    fn header_len(&self) -> usize {
        HEADER_LEN
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        let mut fields = header;
        let (command, len) = (take_u16(&mut fields), take_u16(&mut fields).map(usize::from));
        match (command, len) {
            (Some(LIST_IDENTITY), Some(len)) if len <= MAX_BODY_BYTES => Ok(len),
            _ => Err("it is no answer to ListIdentity".to_owned()),
        }
    }
}

/// Asks the device with these settings for its identity; name, revision and serial number in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let peer = Peer::from_spec(device, Transport::Tcp).map_err(DeviceFault::from_settings)?;
    let mut socket = RequestSocket::connect(&peer, &context.networks).await?;
    let mut request = [0; HEADER_LEN];
    request[..2].copy_from_slice(&LIST_IDENTITY.to_le_bytes());
    let frame = socket.request(&request, &EncapsulationFraming).await?;
    let identity = parse(frame.get(HEADER_LEN..).unwrap_or_default());
    identity.ok_or_else(|| socket.malformed("the answer holds no identity".to_owned()))
}

/// Parses the items after the header; describes the first identity.
pub(in crate::collect) fn parse(body: &[u8]) -> Option<String> {
    let mut rest = body;
    let items = take_u16(&mut rest)?;
    for _ in 0..items {
        let (kind, len) = (take_u16(&mut rest)?, take_u16(&mut rest)?);
        let item = take(&mut rest, len.into())?;
        if kind == IDENTITY_ITEM {
            return describe(item);
        }
    }
    None
}

fn describe(item: &[u8]) -> Option<String> {
    let mut rest = item;
    take(&mut rest, SKIPPED_BYTES)?;
    let (vendor, _device_type, product) = (take_u16(&mut rest)?, take_u16(&mut rest)?, take_u16(&mut rest)?);
    let (revision, _status) = (take(&mut rest, 2)?, take_u16(&mut rest)?);
    let serial = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
    let len = *take(&mut rest, 1)?.first()?;
    let name = String::from_utf8_lossy(take(&mut rest, len.into())?);
    let &[major, minor] = revision else { return None };
    Some(format!("{name}, revision {major}.{minor}, serial {serial:08x}, vendor {vendor}, product {product}"))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes(take(rest, 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An identity of a 1756-L61, as the volume describes it.
    fn identity() -> Vec<u8> {
        let mut item = vec![1, 0];
        item.extend([0, 2, 0xAF, 0x12, 10, 0, 4, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
        item.extend([1, 0, 14, 0, 54, 0, 20, 11, 0x60, 0x31, 0xD9, 0x04, 0x0C, 0x00]);
        item.push(11);
        item.extend(b"1756-L61/B ");
        item.push(3);
        let mut body = vec![1, 0, 0x0C, 0];
        body.extend(u16::try_from(item.len()).unwrap().to_le_bytes());
        body.extend(item);
        body
    }

    #[test]
    fn an_identity_is_told_and_a_part_of_it_is_none() {
        let body = identity();
        let expected = "1756-L61/B , revision 20.11, serial 000c04d9, vendor 1, product 54";
        assert_eq!(parse(&body).as_deref(), Some(expected));
        for cut in 0..body.len() {
            assert_eq!(parse(&body[..cut]), None, "{cut}");
        }
        assert_eq!(parse(&[0, 0]), None);
        assert_eq!(parse(&[0xFF; 64]), None);
    }

    #[test]
    fn a_header_begins_an_answer_of_bounded_length() {
        let header = |command: u16, len: u16| [command.to_le_bytes(), len.to_le_bytes()].concat();
        for (command, len, body) in
            [(0x63, 57, Some(57)), (0x63, 0, Some(0)), (0x63, 2049, None), (0x04, 57, None)]
        {
            assert_eq!(EncapsulationFraming.body_len(&header(command, len)).ok(), body, "{command} {len}");
        }
        assert!(EncapsulationFraming.body_len(b"HTTP/1.1 400 Bad").is_err());
    }
}
