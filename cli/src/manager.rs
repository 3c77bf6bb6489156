//! Calls of the objects of Python's managers.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use farcall::cluster::{ConnectionUrl, HostSettings, Protection};
use farcall::conn::auth::AuthKey;
use farcall::conn::managers::{Client, Proxy};
use farcall::pickle::Value;
use farcall::protocol::{Call, Format as _};
use farcall::{CallError, Caller as _, Context, Variadic};

use crate::connection::{connect_error, target};
use crate::json::Json;
use crate::tls;

pub(crate) const SCHEME: &str = "conn+manager";

/// An object of a manager.
pub(crate) struct ManagedObject {
    manager: Client,
    object: Proxy,
}

async fn connect(
    url: &str,
    settings: &HostSettings,
    key: Option<AuthKey>,
    timeout: Duration,
) -> Result<Client, Box<dyn Error>> {
    let ConnectionUrl {
        target, protection, ..
    } = target(SCHEME, url)?;
    let mut client = Client::connect(target)
        .legacy_md5(settings.legacy_md5 == Some(true))
        .timeout(timeout);
    client = match protection {
        Protection::None => client,
        Protection::Tls => client.tls(tls::client(&settings.tls)?),
        Protection::Encrypted => client.encrypted(),
    };
    if let Some(key) = key {
        client = client.authkey(key);
    }
    client.await.map_err(|error| connect_error(timeout, error))
}

impl ManagedObject {
    /// Creates the object of the type that a URL names, or finds the one that is shared so.
    pub(crate) async fn open(
        url: &str,
        settings: &HostSettings,
        key: Option<AuthKey>,
        timeout: Duration,
    ) -> Result<Self, Box<dyn Error>> {
        let missing = "the URL is not conn+manager://HOST:PORT/TYPEID";
        let (address, typeid) = url.rsplit_once('/').ok_or(missing)?;
        if typeid.is_empty() || address.ends_with('/') {
            return Err(missing.into());
        }
        let manager = connect(address, settings, key, timeout).await?;
        let object = manager.create(typeid, ()).await?;
        Ok(Self { manager, object })
    }

    pub(crate) async fn call(&self, method: &str, args: &[Json]) -> Result<Json, Box<dyn Error>> {
        let args: Result<Vec<Value>, _> = args.iter().map(Json::to_python).collect();
        let format = self.object.format();
        let params = format.params(&Variadic(args?));
        let call = Call {
            params: params.map_err(CallError::Encode)?,
            format: format.clone(),
            context: Context::new(method),
        };
        let reply = self.object.send(call).await?;
        let result: Value = format.decode_reply(&reply).map_err(CallError::Decode)?;
        Ok(Json::from_python(&result, reply.as_slice().len())?)
    }

    pub(crate) async fn methods(&self) -> Result<Json, CallError> {
        // CPython lists a method that returns an object twice.
        let methods: BTreeSet<String> = self.object.methods().await?.into_iter().collect();
        let methods = methods.into_iter().map(Json::String);
        Ok(Json::Array(methods.collect()))
    }

    /// Releases the object: a manager in Python never forgets a reference.
    pub(crate) async fn close(self) {
        let Self { manager, object } = self;
        drop(object);
        manager.settled().await;
    }

    /// Returns the lines about a method in the description of its object, which managers in Rust
    /// have.
    pub(crate) async fn help(&self, method: &str) -> Result<Json, CallError> {
        let info = self.manager.debug_info().await?;
        let begin = format!("  {}:", self.object.token().ident);
        let of_object = info.lines().skip_while(|line| !line.starts_with(&begin));
        let lines = of_object
            .skip(2)
            .take_while(|line| line.starts_with("      "))
            .map(str::trim);
        let about = lines.filter(|line| {
            let rest = line.strip_prefix(method);
            rest.is_some_and(|rest| rest.starts_with(['(', ':', ' ']))
        });
        Ok(Json::String(about.collect::<Vec<_>>().join("\n")))
    }
}
