//! Tensor lists: TensorFlow's "Flex" operators collect the steps of a recurrent layer in them.

use std::sync::Arc;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;
use super::concat;

/// FlexTensorListReserve: makes a list with this many empty places.
pub fn reserve(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let count =
        usize::try_from(inputs.get(1)?.first_integer()?).map_err(|_| "a list is shorter than nothing")?;
    // A place takes the memory of four values.
    scratch.budget.check_elements(count.saturating_mul(4))?;
    scratch.budget.charge_work(&[count])?;
    Ok(Tensor::new_list(vec![None; count]))
}

/// FlexTensorListSetItem: sets an item, in place if the list is not shared.
pub fn set_item(
    list: Arc<Tensor>,
    inputs: &Inputs,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    let item = inputs.shared(2).ok_or("its item is missing")?;
    if matches!(item.data(), TensorData::List(_)) {
        return Err("lists in lists are not supported".into());
    }
    let index = inputs.get(1)?.first_integer()?;
    scratch.budget.charge_work(&[list.element_count()])?;
    let mut list = Arc::unwrap_or_clone(list);
    let items = list.require_list_mut()?;
    let place = usize::try_from(index).ok().and_then(|index| items.get_mut(index));
    *place.ok_or_else(|| format!("the list has no place `{index}`"))? = Some(item);
    Ok(Arc::new(list))
}

/// FlexTensorListStack: stacks the items along a new first dimension.
pub fn stack(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let TensorData::List(items) = inputs.get(0)?.data() else {
        return Err("a list of tensors is needed".into());
    };
    scratch.budget.charge_work(&[items.len()])?;
    let items = items.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
    concat::stack(&items.ok_or("an item of the list was never set")?, 0, scratch)
}
