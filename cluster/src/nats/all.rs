//! Calls of all instances at once.

use async_nats::{Message, Subject};
use farcall_core::protocol::observe::ClientSpan;
use farcall_core::protocol::time::deadline;
use farcall_core::protocol::{Args, Format as _, Payload};
use farcall_core::{CallError, Caller as _, Context};
use serde::de::DeserializeOwned;

use super::client::Client;
use super::content_type::ContentType;
use super::discovery::Gather;
use super::{headers, subject};

impl Client {
    /// Calls a method of all instances with one message, and returns the answers that come, with
    /// the id of each instance. Only instances of Farcall take part.
    ///
    /// Nothing tells how many there are: an instance that does not answer in time is missing, and
    /// may have run the call. Where each is to be accounted for, make a `Fleet` of the
    /// [instances](Self::instances).
    ///
    /// ```no_run
    /// # use farcall::cluster::nats::{Client, Gather};
    /// # use farcall::Context;
    /// # async fn example(agents: Client) -> Result<(), farcall::CallError> {
    /// let load = agents.call_all::<f64>(Context::new("load"), (), Gather::default());
    /// for (id, load) in load.await? {
    ///     println!("{id}: {load:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the call cannot be encoded or sent. That there are no instances is no error.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answers. The calls run until the time of `gather` is over.
    pub async fn call_all<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
        gather: Gather,
    ) -> Result<Vec<(String, Result<R, CallError>)>, CallError> {
        let format = self.format();
        let params = format.params(&args).map_err(CallError::Encode)?;
        let (mut span, context) = ClientSpan::begin(ContentType::SYSTEM, &context);
        let method = subject::escaped(context.method());
        let to = (subject::all(self.service()) + &method).into();
        let answers = self.gather_all(&to, &context, params, gather).await;
        span.finish(&answers);
        let answers = answers?;
        let decoded = answers.into_iter().map(|answer| {
            let id = headers::get(answer.headers.as_ref(), headers::INSTANCE);
            let id = id.unwrap_or_default().to_owned();
            let result = self
                .reply_of(answer, format, &to)
                .and_then(|reply| self.decode(format, &reply));
            (id, result)
        });
        Ok(decoded.collect())
    }

    async fn gather_all(
        &self,
        to: &Subject,
        context: &Context,
        params: Payload,
        gather: Gather,
    ) -> Result<Vec<Message>, CallError> {
        let until = Some(deadline(gather.longest()));
        let map = self.headers(context, self.format(), until);
        let map = map.map_err(CallError::NotSent)?;
        let connection = self.connection();
        let answers = connection.gather(to, Some(map), params.into_bytes(), gather);
        let answers = answers.await;
        answers.map_err(|error| CallError::NotSent(error.into()))
    }
}
