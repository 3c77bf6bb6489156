//! Small real programs.
