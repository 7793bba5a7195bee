//! A value whose type the compiler does not look into when it proves that a future is `Send`.

use std::any::Any;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// Shared value of type `T` behind `dyn Any`.
///
/// The methods that `async_trait` makes have bounds of their own, and rustc shares no proof among functions with such bounds: it walks
/// through all of `T` once per method. For the application and for sessions of DataFusion that was a tenth of what it spent on checking
/// this library. Implementations of other crates' async traits keep such values in this type.
pub struct TypeErased<T> {
    value: Arc<dyn Any + Send + Sync>,
    /// Is `Send` and `Sync` whatever `T` is; `new` has proven both.
    kind: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> TypeErased<T> {
    /// Stores a value.
    pub fn new(value: T) -> Self {
        Self { value: Arc::new(value), kind: PhantomData }
    }
}

impl<T> Clone for TypeErased<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), kind: PhantomData }
    }
}

impl<T: 'static> Deref for TypeErased<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.downcast_ref().expect("`new` has stored a value of this type")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_value() {
        let first = TypeErased::new(String::from("a"));
        assert_eq!((first.clone().as_str(), first.len()), ("a", 1));
        assert!(std::ptr::eq(&*first, &*first.clone()));
    }
}
