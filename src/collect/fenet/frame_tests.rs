//! Frames that independent clients sent and understood, in both directions; and bytes that are no frame.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

const XGK: FenetFormat = FenetFormat { cpu: 0xA0, position: 0, echoes_invoke_id: true };

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn one(bytes: &[u8]) -> FenetResponse {
    FenetResponse::Blocks(vec![bytes.to_vec()])
}

/// In the order of the file.
fn cases() -> Vec<(FenetCommand, FenetResponse)> {
    let value = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    vec![
        (FenetCommand::Read(VariableSize::Word, names(&["%DW0"])), one(&[0x34, 0x12])),
        (
            FenetCommand::Read(VariableSize::Word, names(&["%DW0", "%DW1"])),
            FenetResponse::Blocks(vec![vec![0x34, 0x12], vec![0xFE, 0xFF]]),
        ),
        (FenetCommand::Read(VariableSize::Double, names(&["%DD1"])), one(&[0x78, 0x56, 0x34, 0x12])),
        (
            FenetCommand::Read(VariableSize::Long, names(&["%DL2"])),
            one(&0x0123_4567_89AB_CDEF_u64.to_le_bytes()),
        ),
        (FenetCommand::Read(VariableSize::Bit, names(&["%MX3"])), one(&[1])),
        (FenetCommand::Read(VariableSize::Byte, names(&["%DB1"])), one(&[0x12])),
        (FenetCommand::ReadBytes("%DB200".to_owned(), 4), one(&[23, 0, 14, 146])),
        (
            FenetCommand::ReadBytes("%DB0".to_owned(), 8),
            one(&[0x34, 0x12, 0xFE, 0xFF, 0x78, 0x56, 0x34, 0x12]),
        ),
        (FenetCommand::Write(VariableSize::Word, vec![value("%DW1500", &[0x34, 0x12])]), FenetResponse::Done),
        (
            FenetCommand::Write(
                VariableSize::Word,
                vec![value("%DW1500", &[77, 0]), value("%DW1501", &[0xFF, 0xFF])],
            ),
            FenetResponse::Done,
        ),
        (FenetCommand::Write(VariableSize::Bit, vec![value("%MX4100", &[1])]), FenetResponse::Done),
        (FenetCommand::WriteBytes("%DB3010".to_owned(), vec![1, 2, 3, 4]), FenetResponse::Done),
        (FenetCommand::Read(VariableSize::Word, names(&["%DW20000"])), FenetResponse::Refused(4)),
        (FenetCommand::Read(VariableSize::Word, names(&["%DW0"])), one(&[0x34, 0x12])),
    ]
}

fn recorded() -> Vec<Json> {
    let all: Vec<Json> =
        serde_json::from_str(include_str!("../../../tests/data/frames/golden.json")).unwrap();
    all.into_iter().filter(|frame| frame["proto"] == "fenet").collect()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

#[test]
fn recorded_frames_are_what_we_send_and_understand() {
    let (cases, recorded) = (cases(), recorded());
    assert_eq!(cases.len(), recorded.len(), "every recorded frame has its row");
    for ((command, answer), frame) in cases.iter().zip(&recorded) {
        let name = frame["name"].as_str().unwrap();
        let (request, response) =
            (bytes(frame["req"].as_str().unwrap()), bytes(frame["rsp"].as_str().unwrap()));
        let invoke = u16::from_le_bytes([request[14], request[15]]);
        // One client leaves CPU and checksum empty; its instructions equal ours.
        if request[12] == XGK.cpu {
            assert_eq!(hex::encode(XGK.encode(invoke, command)), hex::encode(&request), "{name}");
        } else {
            assert_eq!(XGK.encode(invoke, command)[HEADER_LEN..], request[HEADER_LEN..], "{name}");
        }
        let (header, body) = response.split_at(HEADER_LEN);
        assert_eq!(XGK.body_len(invoke, header), Ok(body.len()), "{name}");
        assert_eq!(parse(command, body), Ok(answer.clone()), "{name}");
        for len in 0..HEADER_LEN {
            assert_eq!(
                XGK.body_len(invoke, &header[..len]),
                Err(FenetFrameError::Short),
                "{name} cut at {len}"
            );
        }
        if !matches!(answer, FenetResponse::Refused(_)) {
            for len in 0..body.len() {
                assert_eq!(parse(command, &body[..len]), Err(FenetFrameError::Short), "{name} cut at {len}");
            }
            assert_eq!(
                parse(command, &[body, &[0]].concat()),
                Err(FenetFrameError::Content),
                "{name} too long"
            );
        }
    }
}

#[test]
fn answers_to_other_requests_are_told_apart() {
    let header = bytes("4c534953 2d584754 0000 0101a0 11 0500 0e00 00 21");
    let (old, request) = (
        bytes("4c474953 2d474c4f 4641 0101a0 11 0500 0e00 00 00"),
        bytes("4c534953 2d584754 0000 0101a0 33 0500 0e00 00 00"),
    );
    let lenient = FenetFormat { echoes_invoke_id: false, ..XGK };
    for (name, format, header, invoke, expected) in [
        ("ours", XGK, &header, 5, Ok(14)),
        ("an_old_module_without_checksum", XGK, &old, 5, Ok(14)),
        ("another_invoke_id", XGK, &header, 6, Err(FenetFrameError::Invoke)),
        ("another_though_lenient", lenient, &header, 6, Err(FenetFrameError::Invoke)),
        ("a_request", XGK, &request, 5, Err(FenetFrameError::Header)),
    ] {
        assert_eq!(format.body_len(invoke, header), expected, "{name}");
    }
    let mut wrong = header.clone();
    wrong[16] += 1;
    assert_eq!(XGK.body_len(5, &wrong), Err(FenetFrameError::Checksum));
    let zero = bytes("4c534953 2d584754 0000 0101a0 11 0000 0e00 00 1c");
    assert_eq!(lenient.body_len(6, &zero), Ok(14));
    assert_eq!(XGK.body_len(6, &zero), Err(FenetFrameError::Invoke));
    // One byte of error code, as older modules send it.
    let read = FenetCommand::Read(VariableSize::Word, names(&["%DW0"]));
    assert_eq!(parse(&read, &bytes("5500 0200 0000 ff00 04")), Ok(FenetResponse::Refused(4)));
    let of_another_size = bytes("5500 0200 0000 0000 0100 0400 12345678");
    assert_eq!(parse(&read, &of_another_size), Err(FenetFrameError::Content));
}

/// Recorded answers with some bytes changed, cut off or added: either a value of the requested size is read, or none.
fn check_changed(row: usize, changes: &[(usize, u8)], cut: usize, added: &[u8]) {
    let (recorded, cases) = (recorded(), cases());
    let (command, answer) = &cases[row];
    let mut response = bytes(recorded[row]["rsp"].as_str().unwrap());
    for (at, byte) in changes {
        let at = at % response.len();
        response[at] = *byte;
    }
    response.truncate(response.len().saturating_sub(cut));
    response.extend(added);
    let (header, body) = response.split_at(response.len().min(HEADER_LEN));
    let _ = XGK.body_len(1, header);
    if let (Ok(FenetResponse::Blocks(parsed)), FenetResponse::Blocks(expected)) =
        (parse(command, body), answer)
    {
        let sizes = |blocks: &[Vec<u8>]| blocks.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&parsed), sizes(expected), "{command:?}");
    }
}

proptest! {
    #[test]
    fn changed_answers_are_read_as_asked_or_not_at_all(
        row in 0usize..14,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in 0usize..6,
        added in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        check_changed(row, &changes, cut, &added);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..60), row in 0usize..14, invoke: u16) {
        let (command, _) = &cases()[row];
        let _ = (XGK.body_len(invoke, &bytes), parse(command, &bytes));
    }
}
