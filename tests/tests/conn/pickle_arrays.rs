//! Arrays of numpy.
