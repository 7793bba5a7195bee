//! Answers in the form of the request: `ExportMetricsServiceResponse`, and `google.rpc.Status` for errors.

use serde_json::json;

use super::metrics::Encoding;
use crate::app::ingest::protobuf_writer::{write_bytes, write_varint};

/// Writes the answer to a request of which so many data points were rejected for the reason `message`.
pub fn export_response(encoding: Encoding, rejected: usize, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Json if rejected == 0 => b"{}".to_vec(),
        Encoding::Json => {
            // An integer of 64 bits is a text.
            let partial = json!({"rejectedDataPoints": rejected.to_string(), "errorMessage": message});
            json!({"partialSuccess": partial}).to_string().into_bytes()
        }
        Encoding::Protobuf if rejected == 0 => Vec::new(),
        Encoding::Protobuf => {
            let mut partial = vec![1 << 3];
            write_varint(&mut partial, rejected as u64);
            write_bytes(&mut partial, 2, message.as_bytes());
            let mut response = Vec::new();
            write_bytes(&mut response, 1, &partial);
            response
        }
    }
}

/// Writes the body of an error. Its code is that of HTTP alone.
pub fn status(encoding: Encoding, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Json => json!({ "message": message }).to_string().into_bytes(),
        Encoding::Protobuf => {
            let mut status = Vec::new();
            write_bytes(&mut status, 2, message.as_bytes());
            status
        }
    }
}
