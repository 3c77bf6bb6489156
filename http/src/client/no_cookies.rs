//! The place of the stored cookies in builds without them.

use std::sync::Arc;

use http::HeaderValue;

use super::forms::Forms;
use super::response::Headers;
use super::url::HttpUrl;

/// The cookies of a client, which this build cannot store.
pub(super) enum Cookies {}

impl Cookies {
    pub(super) fn new(_: bool, _: Option<HeaderValue>) -> Option<Self> {
        None
    }

    pub(super) fn keep(&self, _: &HttpUrl, _: &Headers) {
        match *self {}
    }

    pub(super) fn forms(&self) -> Arc<Forms> {
        match *self {}
    }

    pub(super) fn line(&self, _: &HttpUrl) -> Option<Vec<u8>> {
        match *self {}
    }
}
