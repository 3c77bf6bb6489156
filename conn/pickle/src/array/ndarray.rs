//! Arrays of the crate ndarray as arrays of numpy.

use std::borrow::Cow;

use ndarray::{ArrayBase, Dimension, IxDyn, OwnedRepr, ShapeBuilder};

use super::numpy::NumpyArray;
use super::{Array, Element, Order};

impl<T: Element, D: Dimension> NumpyArray for ndarray::Array<T, D> {
    type Element = T;

    fn parts(&self) -> (Vec<usize>, bool, Cow<'_, [T]>) {
        let shape = self.shape().to_vec();
        if let Some(elements) = self.as_slice() {
            return (shape, false, elements.into());
        }
        let transposed = self.t();
        let fortran = transposed.is_standard_layout();
        match self.as_slice_memory_order() {
            Some(elements) if fortran => (shape, true, elements.into()),
            _ => (
                shape,
                false,
                self.iter().copied().collect::<Vec<_>>().into(),
            ),
        }
    }

    fn of_array(array: Array<T>) -> Option<Self> {
        let shape = IxDyn(&array.shape).set_f(array.order == Order::Fortran);
        let array: ArrayBase<OwnedRepr<T>, IxDyn> =
            ndarray::Array::from_shape_vec(shape, array.elements).ok()?;
        array.into_dimensionality().ok()
    }
}
