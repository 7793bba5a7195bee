//! Tests that nodes of a plan arrive as they were sent, and that other bytes are refused.

use arrow::array::{Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion_proto::physical_plan::DefaultPhysicalProtoConverter;
use proptest::prelude::*;

use super::*;

fn table() -> Arc<dyn ExecutionPlan> {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Int32Array::from(vec![7, 8, 9]))]).unwrap();
    Arc::new(InlineTable::new(batch).into_exec())
}

fn interruptible(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let wrapper = InterruptWrapper { interrupt: Arc::default(), rows: Arc::default() };
    Arc::new(InterruptExec::new(input, wrapper))
}

fn encode(node: Arc<dyn ExecutionPlan>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    InlineCodec::for_sending().try_encode(node, &mut bytes, &DefaultPhysicalProtoConverter {})?;
    Ok(bytes)
}

fn decode(bytes: &[u8], inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
    let codec = InlineCodec::for_task(Arc::default());
    codec.try_decode(bytes, inputs, &TaskContext::default(), &DefaultPhysicalProtoConverter {})
}

#[test]
fn nodes_arrive_as_they_were_sent() {
    let received = decode(&encode(table()).unwrap(), &[]).unwrap();
    assert_eq!(received.output_partitioning().partition_count(), 1);
    let received = received.downcast_ref::<InlineTableExec>().expect("a table");
    assert_eq!(received.source().batch().num_rows(), 3);
    let received = decode(&encode(interruptible(table())).unwrap(), &[table()]).unwrap();
    assert!(received.is::<InterruptExec>());
    assert!(received.children()[0].is::<InlineTableExec>());
}

#[test]
fn a_table_is_encoded_once_for_all_nodes() {
    let table = table();
    let bytes = encode(table.clone()).unwrap();
    let source = table.downcast_ref::<InlineTableExec>().expect("a table").source();
    assert_eq!(source.encoded(|| panic!("it is encoded again")).unwrap(), bytes);
    assert_eq!(encode(table).unwrap(), bytes);
}

#[test]
fn other_nodes_stay() {
    let other = Arc::new(EmptyExec::new(table().schema()));
    assert!(encode(other).is_err());
    assert!(
        InlineCodec::for_sending()
            .try_decode(
                &encode(table()).unwrap(),
                &[],
                &TaskContext::default(),
                &DefaultPhysicalProtoConverter {},
            )
            .is_err()
    );
}

#[test]
fn what_no_node_sends_is_refused() {
    let interrupt = Some(NodeKind::Interrupt(InterruptMessage {}));
    let with = |format: u32, kind: Option<NodeKind>| NodeMessage { format, kind }.encode_to_vec();
    let cases = [
        ("an unknown kind", with(FORMAT, None), vec![table()]),
        ("another format", with(FORMAT + 1, interrupt.clone()), vec![table()]),
        ("nothing to interrupt", with(FORMAT, interrupt.clone()), vec![]),
        ("two things to interrupt", with(FORMAT, interrupt), vec![table(), table()]),
        ("a table over a table", encode(table()).unwrap(), vec![table()]),
        ("too many bytes", vec![0; MAX_BYTES + 1], vec![]),
    ];
    for (name, bytes, inputs) in cases {
        assert!(decode(&bytes, &inputs).is_err(), "{name}");
    }
}

proptest! {
    /// Changed and cut bytes give a node or an error, never a panic.
    #[test]
    fn changed_bytes_do_no_harm(
        place in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()
    ) {
        let mut bytes = encode(table()).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        drop(decode(&bytes, &[]));
        drop(decode(&bytes[..end.index(bytes.len())], &[]));
    }
}
