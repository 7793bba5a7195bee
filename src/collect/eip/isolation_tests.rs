//! One tag that a controller does not answer, in each way in which that happens, beside seven healthy ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::collect::test_harness::{CollectFixture, stream, until};
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::{Stream, StreamKind};

const HEADER_BYTES: usize = 24;
/// Bytes between the header and a message.
const ITEMS_BYTES: usize = 16;
const READ_TAG: u8 = 0x4c;
const MULTIPLE: u8 = 0x0a;
const REPLY: u8 = 0x80;
/// Status "resource unavailable" of a message.
const UNAVAILABLE: u8 = 0x02;

/// How the controller treats each message that names a tag.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mischief {
    Silence,
    Close,
    HalfAnAnswer,
    OtherSession,
    /// The message is refused, not the tag in it.
    Refusal,
    None,
}

/// A controller with the tags `a` to `z`, whose value is the number of their letter. It misbehaves where a message names a tag, or
/// at every message. Returns its port and the number of messages that have come.
async fn controller(tag: Option<u8>, mischief: Mischief) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let messages = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&messages);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, (tag, mischief), Arc::clone(&counted)));
        }
    });
    (port, messages)
}

/// Answers one session until it ends.
async fn serve(
    mut stream: TcpStream,
    (tag, mischief): (Option<u8>, Mischief),
    messages: Arc<AtomicU64>,
) -> std::io::Result<()> {
    loop {
        let mut frame = vec![0; HEADER_BYTES];
        stream.read_exact(&mut frame).await?;
        frame.resize(HEADER_BYTES + usize::from(u16::from_le_bytes([frame[2], frame[3]])), 0);
        stream.read_exact(&mut frame[HEADER_BYTES..]).await?;
        frame[4] = 7;
        if frame[0] == 0x6f {
            let message = frame.split_off(HEADER_BYTES + ITEMS_BYTES);
            messages.fetch_add(1, Ordering::SeqCst);
            let is_touched = tag.is_none_or(|tag| tags(&message).contains(&tag));
            let mischief = if is_touched { mischief } else { Mischief::None };
            let reply = match mischief {
                Mischief::Refusal if message[0] == MULTIPLE => vec![MULTIPLE | REPLY, 0, UNAVAILABLE, 0],
                Mischief::Refusal => vec![READ_TAG | REPLY, 0, UNAVAILABLE, 0],
                _ => answer(&message),
            };
            let length = u16::try_from(reply.len()).unwrap();
            frame[2..4].copy_from_slice(&(length + 16).to_le_bytes());
            frame[HEADER_BYTES + ITEMS_BYTES - 2..].copy_from_slice(&length.to_le_bytes());
            frame.extend(reply);
            match mischief {
                Mischief::Silence => continue,
                Mischief::Close => return Ok(()),
                Mischief::HalfAnAnswer => frame.truncate(frame.len() / 2),
                Mischief::OtherSession => frame[4] = 8,
                Mischief::Refusal | Mischief::None => {}
            }
        }
        stream.write_all(&frame).await?;
    }
}

/// The reads of a message.
fn reads(message: &[u8]) -> Vec<&[u8]> {
    if message[0] != MULTIPLE {
        return vec![message];
    }
    let word = |at: usize| usize::from(u16::from_le_bytes([message[at], message[at + 1]]));
    (0..word(6)).map(|nth| &message[6 + word(8 + 2 * nth)..]).collect()
}

/// The letters that a message names.
fn tags(message: &[u8]) -> Vec<u8> {
    reads(message).iter().map(|read| read[4]).collect()
}

fn answer(message: &[u8]) -> Vec<u8> {
    let value = |letter: u8| vec![READ_TAG | REPLY, 0, 0, 0, 0xc4, 0, letter, 0, 0, 0];
    let replies: Vec<Vec<u8>> = tags(message).into_iter().map(value).collect();
    if message[0] != MULTIPLE {
        return replies.concat();
    }
    let count = u16::try_from(replies.len()).unwrap();
    let offsets = (0..count).flat_map(|nth| (2 + 2 * count + 10 * nth).to_le_bytes());
    let head = [MULTIPLE | REPLY, 0, 0, 0].into_iter().chain(count.to_le_bytes());
    head.chain(offsets).chain(replies.concat()).collect()
}

/// A controller polled every 20 ms with streams of the tags `a` to `h`.
fn world(port: u16) -> CollectFixture {
    let mut spec = DeviceSpec::new("plc", Protocol::Eip);
    (spec.host, spec.port, spec.timeout_s) = ("127.0.0.1".to_owned(), Some(port), 0.2);
    spec.poll_interval_s = Some(0.02);
    spec.metadata = std::iter::once(("routing".to_owned(), json!("direct"))).collect();
    let streams: Vec<Stream> = (1..=8).map(|id| stream(id, &letter(id), StreamKind::Int32)).collect();
    CollectFixture::single_device(spec, streams)
}

fn letter(id: i32) -> String {
    char::from(b'`' + u8::try_from(id).unwrap()).to_string()
}

fn value_of(reading: &Reading) -> f64 {
    f64::from(b'`') + f64::from(reading.stream.0)
}

#[tokio::test]
async fn a_tag_that_gets_no_answer_costs_no_other_its_value_and_is_named() {
    for mischief in [
        Mischief::Silence,
        Mischief::Close,
        Mischief::HalfAnAnswer,
        Mischief::OtherSession,
        Mischief::Refusal,
    ] {
        for bad in [1, 4, 8] {
            let tag = letter(bad).bytes().next();
            let world = world(controller(tag, mischief).await.0);
            until(&format!("{mischief:?}: the others have values, {bad} is named"), || {
                let stored = world.stored();
                let good = stored.iter().filter(|reading| reading.quality == Quality::Good);
                let with_values: std::collections::BTreeSet<i32> = good.map(|one| one.stream.0).collect();
                let status = world.status();
                let error = status.last_error.unwrap_or_default();
                with_values.len() == 7
                    && status.state == DeviceState::Degraded
                    && error.starts_with(&format!("`s{bad}` ({}): ", letter(bad)))
            })
            .await;
            for reading in world.stored() {
                match reading.quality {
                    Quality::Good => assert_eq!(reading.value, Some(value_of(&reading)), "{mischief:?}"),
                    _ => assert_eq!(reading.value, None, "{mischief:?}"),
                }
            }
            assert!(world.readings_of(bad).iter().all(|reading| reading.quality == Quality::Bad));
            world.collectors.stop().await;
        }
    }
}

#[tokio::test]
async fn a_controller_that_answers_nothing_is_lost() {
    let world = world(controller(None, Mischief::Silence).await.0);
    world.until_state(DeviceState::Offline).await;
    let error = world.status().last_error.unwrap();
    assert!(error.contains("did not answer within"), "{error}");
    world.collectors.stop().await;
}

#[tokio::test]
async fn a_controller_that_refuses_every_message_is_not_asked_for_each_tag() {
    let (port, messages) = controller(None, Mischief::Refusal).await;
    let world = world(port);
    until("three polls", || world.status().lateness.count >= 3).await;
    world.collectors.stop().await;
    let (refused, polls) = (messages.load(Ordering::SeqCst), world.status().lateness.count + 1);
    assert!(
        refused <= polls * 4,
        "{refused} messages in {polls} polls: each poll sends one and asks for three tags"
    );
}

/// The search costs timeouts. It was repeated after every change of the device or of any of its streams.
#[tokio::test]
async fn a_changed_stream_does_not_repeat_the_search_for_a_silent_tag() {
    let world = world(controller(letter(4).bytes().next(), Mischief::Silence).await.0);
    world.run_clock();
    world.until_state(DeviceState::Degraded).await;
    let lost = world.status().errors.timeout;
    world.change(|_, streams| {
        let mut changed = (*streams[7]).clone();
        changed.spec.path = "i".to_owned();
        streams[7] = Arc::new(changed);
    });
    let is_changed = |reading: &Reading| reading.value == Some(f64::from(b'i'));
    until("the value of the other tag", || world.readings_of(8).iter().any(is_changed)).await;
    assert!(lost >= 4, "{lost} messages were lost until the tag was alone");
    // On a slow machine the tag itself may be due again.
    let lost_again = world.status().errors.timeout - lost;
    assert!(lost_again <= 2, "{lost_again} messages were lost again");
    world.collectors.stop().await;
}
