//! Frames of RTU in what has come since a request: the one that is taken for the answer, and what follows it. Pure.
//!
//! Source: "MODBUS over Serial Line" V1.02, 2.5.1 (frames) and 6.2.2 (checksum).

/// Divides what was received into the first frame and what follows it: other frames, or a part of a copy. Other bytes are noise and
/// in neither. Without a whole frame all is one part.
pub fn split_answer(received: &[u8]) -> (&[u8], &[u8]) {
    let Some((answer, rest)) = first_frame(received) else { return (received, &[]) };
    if answer.starts_with(rest) {
        return (answer, rest);
    }
    let noise = first_frame(rest).map_or(rest.len(), |(frame, after)| rest.len() - after.len() - frame.len());
    (answer, &rest[noise..])
}

/// The first frame whose checksum is right, and the bytes after it.
fn first_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    (0..bytes.len()).find_map(|start| {
        let (frame, rest) = bytes[start..].split_at_checked(frame_len(&bytes[start..]))?;
        (checksum(frame) == 0).then_some((frame, rest))
    })
}

/// Length of the answer that begins with these bytes.
fn frame_len(bytes: &[u8]) -> usize {
    match bytes {
        [_, 1..=4, count, ..] => 5 + usize::from(*count),
        [_, 0x16, ..] => 10,
        [_, 0x80..=0xFF, ..] => 5,
        _ => 8,
    }
}

/// Checksum of a frame; that of a frame with its checksum at the end is 0.
fn checksum(bytes: &[u8]) -> u16 {
    let shifted = |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
    bytes.iter().fold(0xFFFF, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), shifted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &str) -> Vec<u8> {
        let mut frame = hex::decode(body).unwrap();
        frame.extend(checksum(&frame).to_le_bytes());
        frame
    }

    #[test]
    fn the_first_frame_is_the_answer_and_what_is_no_frame_is_noise() {
        let [word, other] = ["01030203e8", "010302044c"].map(frame);
        let (written, refused) = (frame("010600c80005"), frame("018602"));
        let half = &word[..4];
        for (name, received, expected) in [
            ("alone", vec![&word[..]], (&word[..], vec![])),
            ("a write", vec![&written], (&written[..], vec![])),
            ("a refusal", vec![&refused], (&refused[..], vec![])),
            ("a copy", vec![&word, &word], (&word[..], vec![&word[..]])),
            ("a copy and a half", vec![&word, &word, half], (&word[..], vec![&word[..], half])),
            ("a half", vec![&word, half], (&word[..], vec![half])),
            ("another answer", vec![&word, &other], (&word[..], vec![&other[..]])),
            ("noise before and after", vec![&[0, 0], &word, &[0]], (&word[..], vec![])),
            ("noise between", vec![&word, &[0, 0], &other], (&word[..], vec![&other[..]])),
            ("no frame", vec![half], (half, vec![])),
            ("nothing", vec![], (&[][..], vec![])),
        ] {
            let received = received.concat();
            assert_eq!(split_answer(&received), (expected.0, &expected.1.concat()[..]), "{name}");
        }
    }
}
