//! An object of one of Python's managers, as a host: created by the first call, used by all, and
//! created again after the manager was restarted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farcall_conn::managers::{Client, Proxy, ProxyFormat, StaleProxy};
use farcall_core::protocol::{Args, Call, Format, FromArgs, Payload};
use farcall_core::{CallError, Caller as _, FormatError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;
use tokio::time::{timeout, timeout_at};

use super::options::ConnectOptions;
use super::session::{NotConnectedInTime, SessionFailed};
use super::url::{ConnectionUrl, Protection, UrlError};
use crate::credentials::Credentials;

/// Time in which a manager is told that an object is released, before a program ends.
const RELEASE: Duration = Duration::from_secs(1);

/// The format of calls to objects of managers: pickled arguments and results, without proxies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagerFormat;

impl Format for ManagerFormat {
    const NAME: &'static str = ProxyFormat::NAME;

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        ProxyFormat::default().encode_args(args, out)
    }

    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        ProxyFormat::default().params(args)
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        ProxyFormat::default().decode_args(params)
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        ProxyFormat::default().encode_reply(value, out)
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        ProxyFormat::default().decode_reply(reply)
    }
}

/// The lazily created object of one manager.
pub(super) struct ManagedObject {
    url: ConnectionUrl,
    typeid: Box<str>,
    opened: Mutex<Opened>,
    /// Locked while the object is created, so that one call does it.
    creating: AsyncMutex<()>,
}

#[derive(Default)]
struct Opened {
    object: Option<(Client, Proxy)>,
    /// Tells the manager that the last object is released.
    releasing: Option<JoinHandle<()>>,
}

impl ManagedObject {
    /// Creates an object that the manager is not asked for yet.
    ///
    /// # Errors
    /// If the URL is malformed, or needs a feature that this build lacks.
    pub(super) fn new(url: &str) -> Result<Self, UrlError> {
        let (address, typeid) = url.rsplit_once('/').ok_or(UrlError::Manager)?;
        if typeid.is_empty() || address.ends_with('/') || typeid.contains(['?', '#']) {
            return Err(UrlError::Manager);
        }
        let url = ConnectionUrl::parse("conn+manager", address)?;
        #[cfg(not(feature = "_tls"))]
        match url.protection {
            Protection::None => {}
            Protection::Tls => return Err(UrlError::NoTls("conn+manager+tls")),
            Protection::Encrypted => return Err(UrlError::NoTls("conn+manager+encrypted")),
        }
        Ok(Self {
            url,
            typeid: typeid.into(),
            opened: Mutex::default(),
            creating: AsyncMutex::default(),
        })
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn object(&self) -> Option<Proxy> {
        self.opened()
            .object
            .as_ref()
            .map(|(_, object)| object.clone())
    }

    /// Releases the object.
    pub(super) fn disconnect(&self) {
        let mut opened = self.opened();
        // Without a runtime there is no other task that could be told either.
        if let Some((manager, object)) = opened.object.take()
            && let Ok(runtime) = Handle::try_current()
        {
            opened.releasing = Some(runtime.spawn(async move {
                drop(object);
                manager.settled().await;
            }));
        }
    }

    /// Releases the object, and waits until the manager was told, but not for long.
    pub(super) async fn close(&self) {
        self.disconnect();
        let releasing = self.opened().releasing.take();
        if let Some(releasing) = releasing {
            // A manager that does not answer is not waited for.
            let _ = timeout(RELEASE, releasing).await;
        }
    }

    /// Calls a method of the object.
    pub(super) async fn send(
        &self,
        call: Call<ManagerFormat>,
        credentials: &Credentials,
        options: &ConnectOptions,
    ) -> Result<Payload, CallError> {
        if let Some(object) = self.object() {
            match object.send(of_proxy(&object, call.clone())).await {
                // It was restarted, or all connections broke: the call was not sent.
                Err(CallError::NotSent(source)) if source.is::<StaleProxy>() => self.disconnect(),
                sent => return sent,
            }
        }
        let opening = self.open(credentials, options);
        let object = match call.context.deadline() {
            Some(deadline) => timeout_at(deadline.into(), opening)
                .await
                .unwrap_or_else(|_| Err(CallError::NotSent(Box::new(NotConnectedInTime))))?,
            None => opening.await?,
        };
        object.send(of_proxy(&object, call)).await
    }

    /// Returns the object, and creates it if no other call has done that meanwhile.
    async fn open(
        &self,
        credentials: &Credentials,
        options: &ConnectOptions,
    ) -> Result<Proxy, CallError> {
        let _creating = self.creating.lock().await;
        if let Some(object) = self.object() {
            return Ok(object);
        }
        let manager = connect(&self.url, credentials, options).await?;
        let created = manager.create::<Proxy>(&self.typeid, ()).await;
        // No method was called, whatever happened to the object.
        let object = created.map_err(|error| match error {
            CallError::Fault(fault) => CallError::Refused(Box::new(fault)),
            error => CallError::NotSent(Box::new(error)),
        })?;
        self.opened().object = Some((manager, object.clone()));
        Ok(object)
    }
}

fn of_proxy(object: &Proxy, call: Call<ManagerFormat>) -> Call<ProxyFormat> {
    Call {
        format: object.format(),
        params: call.params,
        context: call.context,
    }
}

async fn connect(
    url: &ConnectionUrl,
    credentials: &Credentials,
    options: &ConnectOptions,
) -> Result<Client, CallError> {
    let client = Client::connect(url.target.clone())
        .timeout(options.connect_timeout)
        .max_message(options.max_reply);
    #[cfg(feature = "legacy-md5")]
    let client = client.legacy_md5(credentials.allows_md5());
    let client = match credentials.key() {
        Some(key) => client.authkey(key),
        None => client,
    };
    let client = match url.protection {
        Protection::None => client,
        #[cfg(feature = "_tls")]
        Protection::Tls => client.tls(credentials.client_tls()),
        #[cfg(feature = "_tls")]
        Protection::Encrypted => client.encrypted(),
        #[cfg(not(feature = "_tls"))]
        Protection::Tls | Protection::Encrypted => client,
    };
    let connected = client.await;
    connected.map_err(|error| SessionFailed::of_connection(Arc::new(error.into())))
}
