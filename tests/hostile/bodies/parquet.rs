//! Parquet files of a few bytes that once ended the server.

use crate::hostile::AttackedServer;

const PARQUET: &str = "application/vnd.apache.parquet";

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn int(bytes: &mut Vec<u8>, head: u8, value: i64) {
    bytes.push(head);
    varint(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

fn text(bytes: &mut Vec<u8>, head: u8, text: &str) {
    bytes.push(head);
    varint(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}

fn list(bytes: &mut Vec<u8>, head: u8, count: u64) {
    bytes.extend([head, 0xfc]);
    varint(bytes, count);
}

/// A file of these pages and a footer that says what it is told.
fn file(pages: &[u8], levels: usize, groups: u64, columns: u64) -> Vec<u8> {
    let mut footer = Vec::new();
    int(&mut footer, 0x15, 1);
    list(&mut footer, 0x19, levels as u64 + 1 + columns);
    text(&mut footer, 0x48, "schema");
    int(&mut footer, 0x15, if levels > 0 { 1 } else { columns as i64 });
    footer.push(0);
    for _ in 0..levels {
        int(&mut footer, 0x35, 0);
        text(&mut footer, 0x18, "g");
        int(&mut footer, 0x15, 1);
        footer.push(0);
    }
    let names = ["value", "ts", "text", "quality", "device", "stream", "time", "timestamp", "stream_id"];
    for name in names.iter().take(columns as usize) {
        int(&mut footer, 0x15, 5);
        int(&mut footer, 0x25, 0);
        text(&mut footer, 0x18, name);
        footer.push(0);
    }
    int(&mut footer, 0x16, 1);
    list(&mut footer, 0x19, groups);
    list(&mut footer, 0x19, columns);
    for name in names.iter().take(columns as usize) {
        int(&mut footer, 0x26, 4);
        footer.push(0x1c);
        int(&mut footer, 0x15, 5);
        footer.extend([0x19, 0x15, 0, 0x19, 0x18]);
        varint(&mut footer, name.len() as u64);
        footer.extend(name.as_bytes());
        // zstd, one value, and a column of as many bytes as there are.
        int(&mut footer, 0x15, 6);
        int(&mut footer, 0x16, 1);
        int(&mut footer, 0x16, pages.len() as i64);
        int(&mut footer, 0x16, pages.len() as i64);
        int(&mut footer, 0x26, 4);
        footer.extend([0, 0]);
    }
    int(&mut footer, 0x16, 8);
    int(&mut footer, 0x16, 1);
    footer.extend([0, 0]);
    [b"PAR1", pages, &footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

/// A page that says how long it becomes.
fn page(says: i64, content: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    int(&mut head, 0x15, 0);
    int(&mut head, 0x15, says);
    int(&mut head, 0x15, content.len() as i64);
    head.push(0x2c);
    int(&mut head, 0x15, 1);
    int(&mut head, 0x15, 0);
    int(&mut head, 0x15, 3);
    int(&mut head, 0x15, 3);
    head.extend([0, 0]);
    head.extend(content);
    head
}

#[tokio::test]
async fn parquet_footers_and_pages_are_not_believed() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let honest = page(8, &zstd::encode_all(&1.5_f64.to_le_bytes()[..], 1).unwrap());
    let answer = client.ingest(PARQUET, file(&honest, 0, 1, 1)).await.expect(400);
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("ts")), "{answer}");
    // 64 MiB of zeros, of 2 GiB that it says it has.
    let bomb = page(i64::from(i32::MAX), &zstd::encode_all(&vec![0; 64 << 20][..], 1).unwrap());
    for (name, body, expected) in [
        ("20,000 levels", file(&honest, 20_000, 1, 1), 400),
        ("200,000 levels", file(&honest, 200_000, 1, 1), 400),
        ("2^31 row groups", file(&honest, 0, i32::MAX as u64, 1), 400),
        ("pages of 2 GiB", file(&bomb, 0, 1, 9), 413),
    ] {
        let answers = (0..4).map(|_| client.ingest(PARQUET, body.clone()));
        for answer in futures::future::join_all(answers).await {
            answer.about(name).expect(expected);
        }
    }
    attacked.finish_below(500).await;
}
