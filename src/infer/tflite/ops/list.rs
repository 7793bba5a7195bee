//! Lists of tensors, which TensorFlow's "Flex" operators collect the steps of a recurrent layer in.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;
use super::join;

/// FlexTensorListReserve: a list of so many places, none of them set.
pub fn reserve(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let count = usize::try_from(inputs.get(1)?.integer()?).map_err(|_| "a list is shorter than nothing")?;
    // A place is as large as four values.
    scratch.budget.check(count.saturating_mul(4))?;
    scratch.budget.work(&[count])?;
    Ok(Tensor::of_list(vec![None; count]))
}

/// FlexTensorListSetItem: in place where nobody else holds the list.
pub fn set_item(list: Arc<Tensor>, inputs: &Inputs, scratch: &mut Scratch) -> Result<Arc<Tensor>, Fault> {
    let item = inputs.shared(2).ok_or("its item is missing")?;
    if matches!(item.data(), Data::List(_)) {
        return Err("lists in lists are not supported".into());
    }
    let index = inputs.get(1)?.integer()?;
    scratch.budget.work(&[list.weight()])?;
    let mut list = Arc::unwrap_or_clone(list);
    let items = list.list_mut()?;
    let place = usize::try_from(index).ok().and_then(|index| items.get_mut(index));
    *place.ok_or_else(|| format!("the list has no place `{index}`"))? = Some(item);
    Ok(Arc::new(list))
}

/// FlexTensorListStack: the items as slices of a new first dimension.
pub fn stack(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let Data::List(items) = inputs.get(0)?.data() else { return Err("a list of tensors is needed".into()) };
    scratch.budget.work(&[items.len()])?;
    let items = items.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
    join::stacked(&items.ok_or("an item of the list was never set")?, 0, scratch)
}
