//! The documentation page of a service.
