//! The simulator answers any input or ends the connection.

use proptest::prelude::*;

use super::*;

proptest! {
    /// A frame with a correct length and any command in it; in ASCII code it consists of valid digits.
    #[test]
    fn any_bytes_of_a_frame_are_answered(
        is_text: bool,
        command in prop_oneof![Just(0x0401u16), Just(0x1401), Just(0x0403), Just(0x1402), any::<u16>()],
        subcommand in 0u16..4,
        rest in proptest::collection::vec(any::<u8>(), 0..48),
    ) {
        let mut content = vec![4, 0];
        content.extend(command.to_le_bytes());
        content.extend(subcommand.to_le_bytes());
        content.extend(rest);
        let request: Vec<u8> = if is_text {
            let content: String = format!("0010{command:04X}{subcommand:04X}{}", hex::encode_upper(&content[6..]));
            format!("500000FF03FF00{:04X}{content}", content.len()).into_bytes()
        } else {
            let mut frame = vec![0x50, 0, 0, 0xFF, 0xFF, 3, 0];
            frame.extend((content.len() as u16).to_le_bytes());
            frame.extend(content);
            frame
        };
        prop_assert_eq!(frame_len(&request), Some(request.len()));
        let memory = memory(Arc::new(Mutex::new(Plant::default())));
        prop_assert!(answer(&mut memory.lock(), &request).is_some());
    }
}
