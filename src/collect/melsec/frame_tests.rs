//! Frames that independent clients sent and understood, in both directions; and bytes that are no frame.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

const BINARY: MelsecFormat = MelsecFormat {
    frame: FrameVersion::E3,
    encoding: Encoding::Binary,
    layout: DeviceLayout::Ql,
    route: Route::OWN,
    timer: 4,
};

fn at(text: &str, number: u32) -> HeadDevice {
    HeadDevice { device: MelsecDevice::split(text).unwrap().0, number }
}

/// A recorded frame: its name, command and response.
type Case = (&'static str, MelsecCommand, MelsecResponse);

/// In the order of the file.
fn cases() -> Vec<Case> {
    let three = || MelsecResponse::Words(vec![0x1234, 0xFFFE, 0x5678]);
    let seven = || MelsecResponse::Bits([1, 0, 0, 1, 0, 0, 1].map(|bit| bit == 1).to_vec());
    vec![
        ("slmp-3e-bin", MelsecCommand::ReadWords(at("D", 0), 3), three()),
        ("slmp-3e-bin", MelsecCommand::WriteWords(at("D", 1500), vec![1, 0xFFFF]), MelsecResponse::Done),
        ("slmp-3e-bin", MelsecCommand::ReadBits(at("M", 0), 7), seven()),
        (
            "slmp-3e-bin",
            MelsecCommand::WriteBits(at("M", 5000), vec![true, false, true, true, false]),
            MelsecResponse::Done,
        ),
        ("slmp-3e-bin", MelsecCommand::ReadWords(at("M", 0), 1), MelsecResponse::Words(vec![0x9249])),
        ("slmp-3e-bin", MelsecCommand::ReadBits(at("X", 0x1F), 1), MelsecResponse::Bits(vec![true])),
        ("slmp-3e-bin", MelsecCommand::ReadWords(at("W", 0x1F), 1), MelsecResponse::Words(vec![171])),
        (
            "slmp-3e-bin",
            MelsecCommand::ReadRandom(
                vec![at("D", 0), at("W", 0x1F), at("R", 0)],
                vec![at("D", 2), at("D", 200)],
            ),
            MelsecResponse::Random(vec![0x1234, 171, 111], vec![0x1234_5678, 65_602_536]),
        ),
        (
            "slmp-3e-bin",
            MelsecCommand::WriteRandom(vec![(at("D", 1600), 7)], vec![(at("D", 1601), 70_000)]),
            MelsecResponse::Done,
        ),
        (
            "slmp-3e-bin",
            MelsecCommand::WriteRandomBits(vec![(at("M", 5100), true), (at("M", 5101), false)]),
            MelsecResponse::Done,
        ),
        ("slmp-3e-bin", MelsecCommand::ReadWords(at("D", 12_287), 2), MelsecResponse::Refused(0x4031)),
        (
            "slmp-3e-bin",
            MelsecCommand::ReadModel,
            MelsecResponse::Model(b"Q26UDEHCPU      \x6C\x02".to_vec()),
        ),
        ("slmp-4e-bin", MelsecCommand::ReadWords(at("D", 0), 3), three()),
        ("slmp-4e-bin", MelsecCommand::WriteBits(at("M", 5010), vec![true; 3]), MelsecResponse::Done),
        ("slmp-4e-bin", MelsecCommand::ReadWords(at("D", 12_287), 2), MelsecResponse::Refused(0x4031)),
        (
            "slmp-3e-bin-iqr",
            MelsecCommand::ReadWords(at("D", 0), 2),
            MelsecResponse::Words(vec![0x1234, 0xFFFE]),
        ),
        (
            "slmp-3e-bin-iqr",
            MelsecCommand::ReadBits(at("M", 0), 3),
            MelsecResponse::Bits(vec![true, false, false]),
        ),
        ("slmp-3e-ascii", MelsecCommand::ReadWords(at("D", 0), 3), three()),
        ("slmp-3e-ascii", MelsecCommand::ReadBits(at("M", 0), 7), seven()),
    ]
}

fn format_of(name: &str) -> MelsecFormat {
    MelsecFormat {
        frame: if name.contains("4e") { FrameVersion::E4 } else { FrameVersion::E3 },
        encoding: if name.contains("ascii") { Encoding::Ascii } else { Encoding::Binary },
        layout: if name.contains("iqr") { DeviceLayout::Iqr } else { DeviceLayout::Ql },
        ..BINARY
    }
}

fn recorded() -> Vec<Json> {
    let all: Vec<Json> =
        serde_json::from_str(include_str!("../../../tests/data/frames/golden.json")).unwrap();
    all.into_iter().filter(|frame| frame["proto"].as_str().unwrap().starts_with("slmp")).collect()
}

/// The bytes of a recorded frame; those of ASCII code are recorded as Python shows text: `b'5000…'`.
fn bytes(frame: &Json, side: &str) -> Vec<u8> {
    let text = frame[side].as_str().unwrap();
    match text.strip_prefix("b'").and_then(|text| text.strip_suffix('\'')) {
        Some(text) => text.as_bytes().to_vec(),
        None => hex::decode(text.replace(' ', "")).unwrap(),
    }
}

const SERIAL: u16 = 0x1234;

#[test]
fn recorded_frames_are_what_we_send_and_understand() {
    let (cases, recorded) = (cases(), recorded());
    assert_eq!(cases.len(), recorded.len(), "every recorded frame has its row");
    for ((proto, command, answer), frame) in cases.iter().zip(&recorded) {
        let name = frame["name"].as_str().unwrap();
        assert_eq!(frame["proto"], *proto, "{name}");
        let format = format_of(proto);
        let request = bytes(frame, "req");
        let sent = format.encode(SERIAL, command);
        assert_eq!(hex::encode(&sent), hex::encode(&request), "{name}");
        let response = bytes(frame, "rsp");
        let (header, body) = response.split_at(format.header_len());
        assert_eq!(format.body_len(SERIAL, header), Ok(body.len()), "{name}");
        assert_eq!(format.parse(command, body), Ok(answer.clone()), "{name}");
        for len in 0..header.len() {
            assert_eq!(
                format.body_len(SERIAL, &header[..len]),
                Err(MelsecFrameError::Short),
                "{name} cut at {len}"
            );
        }
        // The end code is all of a refusal, and a model has any length.
        if !matches!(answer, MelsecResponse::Refused(_) | MelsecResponse::Model(_)) {
            for len in 0..body.len() {
                let found = format.parse(command, &body[..len]);
                assert_eq!(found, Err(MelsecFrameError::Short), "{name} cut at {len}");
            }
            let longer = [body, b"00"].concat();
            assert_eq!(format.parse(command, &longer), Err(MelsecFrameError::Content), "{name} too long");
        }
    }
}

#[test]
fn answers_to_other_requests_are_told_apart() {
    let e4 = MelsecFormat { frame: FrameVersion::E4, ..BINARY };
    for (name, format, header, expected) in [
        ("ours", e4, "d400 3412 0000 00 ff ff03 00 0200", Ok(2)),
        ("another_serial", e4, "d400 3512 0000 00 ff ff03 00 0200", Err(MelsecFrameError::Serial)),
        ("another_network", e4, "d400 3412 0000 01 ff ff03 00 0200", Err(MelsecFrameError::Route)),
        ("another_station", e4, "d400 3412 0000 00 ff ff03 01 0200", Err(MelsecFrameError::Route)),
        ("a_request", e4, "5400 3412 0000 00 ff ff03 00 0200", Err(MelsecFrameError::Subheader)),
        ("another_frame", BINARY, "d400 3412 0000 00 ff ff", Err(MelsecFrameError::Subheader)),
    ] {
        let header = hex::decode(header.replace(' ', "")).unwrap();
        assert_eq!(format.body_len(SERIAL, &header), expected, "{name}");
    }
    let text = MelsecFormat { encoding: Encoding::Ascii, ..BINARY };
    assert_eq!(text.body_len(0, b"D00000FF03FF00001G"), Err(MelsecFrameError::NotHexadecimal));
    let bits = MelsecCommand::ReadBits(at("M", 0), 2);
    assert_eq!(BINARY.parse(&bits, &[0, 0, 0x21]), Err(MelsecFrameError::Content), "a bit is 0 or 1");
}

#[test]
fn every_device_is_named_by_its_code() {
    for device in MelsecDevice::all() {
        let head = HeadDevice { device, number: 0x0001_0203 };
        let iqr = MelsecFormat { layout: DeviceLayout::Iqr, ..BINARY }
            .encode(0, &MelsecCommand::ReadWords(head, 1));
        let [low, high] = device.code().to_le_bytes();
        assert_eq!(iqr[15..21], [3, 2, 1, 0, low, high], "{device}");
        if !device.is_iqr_only() {
            let ql = BINARY.encode(0, &MelsecCommand::ReadWords(head, 1));
            assert_eq!(ql[15..19], [3, 2, 1, low], "{device}");
            assert_eq!(device.ascii().len(), 2, "{device}");
        }
        let text = format!("{device}5");
        assert_eq!(MelsecDevice::split(&text), Some((device, "5")));
    }
    let text = MelsecFormat { encoding: Encoding::Ascii, ..BINARY };
    for (name, number, expected) in
        [("D", 100, "D*000100"), ("X", 0x1F, "X*00001F"), ("ZR", 0x8000, "ZR008000"), ("STN", 5, "SN000005")]
    {
        let sent = text.encode(0, &MelsecCommand::ReadWords(at(name, number), 1));
        assert_eq!(std::str::from_utf8(&sent[30..38]), Ok(expected));
    }
}

/// Recorded answers with some bytes changed, cut off or added: either a value of the requested size is read, or none.
fn check_changed(row: usize, changes: &[(usize, u8)], cut: usize, added: &[u8]) {
    let (recorded, cases) = (recorded(), cases());
    let (proto, command, answer) = &cases[row];
    let format = format_of(proto);
    let mut response = bytes(&recorded[row], "rsp");
    for (at, byte) in changes {
        let at = at % response.len();
        response[at] = *byte;
    }
    response.truncate(response.len().saturating_sub(cut));
    response.extend(added);
    let (header, body) = response.split_at(response.len().min(format.header_len()));
    if format.body_len(SERIAL, header).is_ok_and(|len| len == body.len())
        && let Ok(parsed) = format.parse(command, body)
    {
        let size = |answer: &MelsecResponse| match answer {
            MelsecResponse::Words(words) => Some(words.len()),
            MelsecResponse::Bits(bits) => Some(bits.len()),
            MelsecResponse::Random(words, doubles) => Some(words.len() + doubles.len()),
            MelsecResponse::Done | MelsecResponse::Refused(_) | MelsecResponse::Model(_) => None,
        };
        let both = size(&parsed).zip(size(answer));
        assert!(both.is_none_or(|(parsed, asked)| parsed == asked), "{parsed:?} for {command:?}");
    }
}

proptest! {
    #[test]
    fn changed_answers_are_read_as_asked_or_not_at_all(
        row in 0usize..19,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in 0usize..6,
        added in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        check_changed(row, &changes, cut, &added);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..60), row in 0usize..19, serial: u16) {
        let (proto, command, _) = &cases()[row];
        let format = format_of(proto);
        let _ = (format.body_len(serial, &bytes), format.parse(command, &bytes));
    }
}
