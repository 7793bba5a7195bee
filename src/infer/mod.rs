//! Models that users upload: reading and running them on bytes nobody trusts. Files, schedules and results are not its business.

pub mod tflite;
