//! Texts that would run in a browser if a page showed them as they are.

use farcall::service;

/// An object whose documentation attacks the page that shows it.
#[derive(Clone, Copy, Debug)]
pub struct Hostile;

#[service]
impl Hostile {
    /// Has documentation with markup, which pages show as text: <img src=x
    /// onerror="window.pwned=1">, [x](javascript:window.pwned=1) and
    /// <script>window.pwned=1</script>.
    pub fn evil(&self) {}
}
