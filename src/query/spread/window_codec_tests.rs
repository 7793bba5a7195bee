//! Tests that windows arrive as they were sent, with guards of the node that computes them.

use datafusion::common::ScalarValue;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::collect;
use datafusion_proto::physical_plan::DefaultPhysicalProtoConverter;
use datafusion_proto::protobuf;
use proptest::prelude::*;
use tokio::runtime::{Builder, Handle};

use super::*;
use crate::query::guard::interrupt::Interrupt;
use crate::query::spread::test_plans::{
    WindowCall, answer, batch, functions, rows_by_stream, schema, stream_id, ts,
};

fn guard() -> WindowGuard {
    WindowGuard { interrupt: Arc::default(), threads: Handle::current() }
}

fn encode(window: Arc<dyn ExecutionPlan>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    WindowCodec::for_sending().try_encode(window, &mut bytes, &DefaultPhysicalProtoConverter {})?;
    Ok(bytes)
}

fn decode(bytes: &[u8], inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
    let context = TaskContext::from(&functions());
    WindowCodec::for_task(guard()).try_decode(bytes, inputs, &context, &DefaultPhysicalProtoConverter {})
}

/// A window as a plan that is divided has it.
fn guarded(calls: &[WindowCall], rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let functions = calls.iter().cloned().map(WindowCall::build).collect();
    let window = windows::operator_of(functions, rows).unwrap();
    Arc::new(GuardedWindowExec::try_new(window, guard()).unwrap())
}

/// A frame that begins before a row and ends with it.
fn last(units: WindowFrameUnits, before: ScalarValue) -> WindowFrame {
    WindowFrame::new_bounds(units, WindowFrameBound::Preceding(before), WindowFrameBound::CurrentRow)
}

/// Makes a frame begin a number before a row of which no bytes were sent.
fn begin_at_empty_decimal(function: &mut PhysicalWindowExprNode) {
    // Field 39, with nothing in it.
    let empty = protobuf::ScalarValue::decode(&[0xBA, 0x02, 0x00][..]).unwrap();
    function.window_frame.as_mut().unwrap().start_bound = Some(protobuf::WindowFrameBound {
        window_frame_bound_type: protobuf::WindowFrameBoundType::Preceding.into(),
        bound_value: Some(empty),
    });
}

/// Windows of each kind, and of each kind of frame.
fn windows_of_all_kinds() -> [(&'static str, Vec<WindowCall>); 6] {
    let with = |function, args| WindowCall { args, ..WindowCall::of(function) };
    let moving = |frame| WindowCall { frame, ..WindowCall::of("count") };
    let interval = ScalarValue::new_interval_mdn(0, 0, 2_000);
    [
        ("lag", vec![with("lag", vec![ts(), lit(2_i64)])]),
        ("numbers", vec![with("row_number", vec![]), with("rank", vec![]), with("dense_rank", vec![])]),
        ("places", vec![WindowCall::of("first_value"), with("nth_value", vec![ts(), lit(2_i64)])]),
        ("rows", vec![moving(last(WindowFrameUnits::Rows, ScalarValue::UInt64(Some(2))))]),
        ("times", vec![moving(last(WindowFrameUnits::Range, interval))]),
        ("all", vec![WindowCall::of_all("max"), WindowCall::of_all("lag")]),
    ]
}

#[tokio::test]
async fn windows_arrive_as_they_were_sent() {
    for (name, calls) in windows_of_all_kinds() {
        let sent = guarded(&calls, rows_by_stream());
        let received = decode(&encode(sent.clone()).unwrap(), &[rows_by_stream()]).expect(name);
        assert!(received.is::<GuardedWindowExec>(), "{name}");
        assert_eq!(received.schema(), sent.schema(), "{name}");
        let expected = answer(sent).await;
        assert!(expected.len() > 20, "{name}: {expected:?}");
        assert_eq!(answer(received).await, expected, "{name}");
    }
}

#[tokio::test]
async fn other_nodes_stay() {
    assert!(encode(rows_by_stream()).is_err());
    let window = WindowCall::of("lag");
    assert!(encode(window.clone().over(rows_by_stream())).is_err(), "it has no guards");
    let bytes = encode(guarded(&[window], rows_by_stream())).unwrap();
    let (context, converter) = (TaskContext::default(), DefaultPhysicalProtoConverter {});
    let reader = WindowCodec::for_sending();
    assert!(reader.try_decode(&bytes, &[rows_by_stream()], &context, &converter).is_err());
}

#[tokio::test]
async fn a_window_reserves_memory_where_it_is_computed() {
    let order = LexOrdering::new([stream_id(), ts()].map(PhysicalSortExpr::new_default)).unwrap();
    let source = || -> Arc<dyn ExecutionPlan> {
        let rows = MemorySourceConfig::try_new(&[vec![batch(1000)]], schema(), None).unwrap();
        DataSourceExec::from_data_source(rows.try_with_sort_information(vec![order.clone()]).unwrap())
    };
    let bytes = encode(guarded(&[WindowCall::of_all("count")], source())).unwrap();
    for (share, is_enough) in [(30_000, false), (1 << 20, true)] {
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(share)));
        let context = TaskContext::default().with_runtime(runtime.build_arc().unwrap());
        let rows = collect(decode(&bytes, &[source()]).unwrap(), Arc::new(context)).await;
        match rows {
            Ok(_) => assert!(is_enough, "{share} bytes suffice"),
            Err(error) => {
                assert!(matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)), "{error}");
                assert!(error.to_string().contains("WindowInput") && !is_enough, "{share}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_window_ends_with_its_query() {
    let bytes = encode(guarded(&[WindowCall::of("lag")], rows_by_stream())).unwrap();
    let interrupt = Arc::<Interrupt>::default();
    let codec = WindowCodec::for_task(WindowGuard { interrupt: interrupt.clone(), ..guard() });
    let context = TaskContext::from(&functions());
    let decode =
        || codec.try_decode(&bytes, &[rows_by_stream()], &context, &DefaultPhysicalProtoConverter {});
    assert!(collect(decode().unwrap(), Arc::default()).await.is_ok());
    interrupt.cancel();
    assert!(collect(decode().unwrap(), Arc::default()).await.is_err());
}

#[tokio::test]
async fn what_no_node_sends_is_refused() {
    let lag = || WindowCall::of("lag");
    let message = |calls: &[WindowCall]| {
        WindowMessage::decode(encode(guarded(calls, rows_by_stream())).unwrap().as_slice()).unwrap()
    };
    let changed = |change: fn(&mut PhysicalWindowExprNode)| {
        let mut message = message(&[lag()]);
        message.functions.iter_mut().for_each(change);
        message
    };
    let [times, streams] = [vec![ts()], vec![stream_id()]].map(|by| WindowCall { partition_by: by, ..lag() });
    let mut mixed = message(&[streams]);
    mixed.functions.extend(message(&[times]).functions);
    let of_none = |name: &str| Some(WindowFunction::UserDefinedWindowFunction(name.to_owned()));
    let call = |name: &str| {
        let mut message = message(&[lag()]);
        message.functions.iter_mut().for_each(|function| function.window_function = of_none(name));
        message
    };
    let cases = [
        ("another format", WindowMessage { format: FORMAT + 1, ..message(&[lag()]) }),
        ("no function", WindowMessage { format: FORMAT, functions: vec![] }),
        ("no name", changed(|function| function.window_function = None)),
        ("an unknown name", call("anomaly_score")),
        ("no argument", changed(|function| function.args.clear())),
        ("too many arguments", call("row_number")),
        ("no PARTITION BY", changed(|function| function.partition_by.clear())),
        ("no frame", changed(|function| function.window_frame = None)),
        ("a function of bytes", changed(|function| function.fun_definition = Some(vec![1]))),
        ("a decimal without digits", changed(begin_at_empty_decimal)),
        ("different PARTITION BYs", mixed),
    ];
    for (name, message) in cases {
        assert!(decode(&message.encode_to_vec(), &[rows_by_stream()]).is_err(), "{name}");
    }
    let unsorted = changed(|function| function.partition_by.clone_from(&function.args));
    let unsorted = decode(&unsorted.encode_to_vec(), &[rows_by_stream()]).unwrap();
    assert!(collect(unsorted, Arc::default()).await.is_err(), "rows in the order of another column");
    let bytes = message(&[lag()]).encode_to_vec();
    assert!(decode(&bytes, &[]).is_err(), "no input");
    assert!(decode(&bytes, &[rows_by_stream(), rows_by_stream()]).is_err(), "two inputs");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Changed and cut bytes give a window or an error, never a panic.
    #[test]
    fn changed_bytes_do_no_harm(
        place in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()
    ) {
        let runtime = Builder::new_current_thread().build().unwrap();
        let _inside = runtime.enter();
        for (_, calls) in windows_of_all_kinds() {
            let mut bytes = encode(guarded(&calls, rows_by_stream())).unwrap();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            drop(decode(&bytes, &[rows_by_stream()]));
            drop(decode(&bytes[..end.index(bytes.len())], &[rows_by_stream()]));
        }
    }
}
