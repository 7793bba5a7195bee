//! The simulators as other people's clients see them, and what those wrote as our collector reads it.

use basalt::domain::device::Protocol;
use serde_json::{Value, json};

use super::{device_at, simulator};
use crate::support::{Client, Server, run_python};

async fn read(client: &Client, device: i64, rest: &str) -> Value {
    let (status, _, answer) = client.get(&format!("/api/device/{device}/io/{rest}")).await;
    assert_eq!(status, 200, "{rest}: {answer}");
    answer["value"].clone()
}

#[tokio::test]
async fn pymcprotocol_and_pymelsec_read_and_write_the_melsec_simulator() {
    let simulator = simulator(Protocol::Melsec).await;
    let server = Server::start(&[]).await;
    let client = server.client();
    let seen = run_python("melsec_client.py", &[&simulator.addr().port().to_string()]).await;
    let device = device_at(&client, Protocol::Melsec, simulator.addr().port(), json!({})).await;
    for (name, base) in [("3E binary", 2000), ("3E ascii", 3000), ("4E binary", 4000), ("3E iQ-R", 5000)] {
        let expected = json!({
            "setpoint": [1480], "words": [1, -2, 0x1234], "bits": [1, 0, 1, 1, 0], "bits as a word": [0x040D],
            "inputs": [1, 0, 0, 0], "random": [[1, 7, 0], [-70_000]], "random bits": [1, 0],
            "beyond": "mc protocol error: error code 0x4031",
        });
        assert_eq!(seen[name], expected, "{name}");
        for (rest, value) in [
            (format!("D{base}/"), json!(1)),
            (format!("D{}/?type=int16", base + 1), json!(-2)),
            (format!("D{}/?type=int32", base + 11), json!(-70_000)),
            (format!("M{}/", base + 3), json!(true)),
            (format!("M{}/", base + 11), json!(false)),
        ] {
            assert_eq!(read(&client, device, &rest).await, value, "{name} {rest}");
        }
    }
    assert_eq!(seen["pymelsec"], json!({"floats": [1.5, -2.25], "words": [-5, 6]}));
    assert_eq!(read(&client, device, "D6002/?type=fp32").await, json!(-2.25));
}

#[tokio::test]
async fn pyxgtclient_reads_and_writes_the_fenet_simulator() {
    let simulator = simulator(Protocol::Fenet).await;
    let server = Server::start(&[]).await;
    let client = server.client();
    let seen = run_python("fenet_client.py", &[&simulator.addr().port().to_string()]).await;
    let expected = json!({
        "written": [true, true, true, true, true, true], "setpoint": [1480], "words": [77, 65_535],
        "double": [0x1234_5678], "long": [0x0123_4567_89AB_CDEF_u64], "bits": [1, 0, 1], "byte": [0xAB],
        "bytes": [1, 2, 3, 4], "inputs": [1, 0], "beyond": "Nak Error",
    });
    assert_eq!(seen, expected);
    let device = device_at(&client, Protocol::Fenet, simulator.addr().port(), json!({})).await;
    for (rest, value) in [
        ("%25DW1500/", json!(77)),
        ("%25DD1000/", json!(0x1234_5678)),
        ("%25DL1000/", json!(0x0123_4567_89AB_CDEF_u64)),
        ("%25MX4102/", json!(true)),
        ("%25DW1505/", json!(0xAB00)),
        ("%25DD755/", json!(0x0403_0201)),
    ] {
        assert_eq!(read(&client, device, rest).await, value, "{rest}");
    }
}
