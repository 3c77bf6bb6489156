//! `docs/INTEROP.md`.
