//! Groups from the DNS.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use tokio::sync::OnceCell;

use super::{GroupError, GroupMembers, GroupSource};
use crate::hosts::notation::is_name_character;

/// Records that tell the members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DnsRecord {
    /// A and AAAA: the addresses of one name.
    Address,
    /// SRV (RFC 2782): hosts with their ports, those of the highest priority first.
    Srv,
}

/// Groups that are names in the DNS: `@dns:web.example.com`, `@srv:_farcall._tcp.example.com`.
///
/// The members are addresses, or names with ports as `node1.example.com:7000`, in a fixed order.
/// The DNS cannot list names, so `@*` is an error.
///
/// ```no_run
/// use farcall::cluster::{DnsGroups, DnsRecord, HostGroups};
///
/// # async fn example() -> Result<(), farcall::cluster::ResolveError> {
/// let services = DnsGroups::new(DnsRecord::Srv).domain("example.com");
/// let groups = HostGroups::new().source("srv", services);
/// let hosts = groups.resolve("@_farcall._tcp!node3.example.com:7000").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct DnsGroups {
    record: DnsRecord,
    domain: Option<String>,
    server: Option<SocketAddr>,
    timeout: Duration,
    resolver: OnceCell<TokioResolver>,
}

impl DnsGroups {
    /// Creates a source from records of this type.
    pub fn new(record: DnsRecord) -> Self {
        Self {
            record,
            domain: None,
            server: None,
            timeout: Duration::from_secs(10),
            resolver: OnceCell::new(),
        }
    }

    /// Domain that is appended to the names of groups.
    ///
    /// Default: none; the domains that the system is configured to search are tried.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Name server to ask.
    ///
    /// Default: those of the system.
    pub fn server(mut self, server: SocketAddr) -> Self {
        self.server = Some(server);
        self
    }

    /// Maximum time for one group.
    ///
    /// Default: 10 seconds, two attempts of the system's resolver.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                let server = NameServerConfig::new(server.ip(), true, connections);
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        // All addresses, and not those of the family that answers first.
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        builder.build()
    }

    async fn look_up(&self, name: &str) -> Result<Option<Vec<String>>, NetError> {
        let resolver = self
            .resolver
            .get_or_try_init(async || self.resolver())
            .await?;
        let found = match self.record {
            DnsRecord::Address => resolver.lookup_ip(name).await.map(|addresses| {
                let mut addresses: Vec<_> = addresses.iter().collect();
                addresses.sort_unstable();
                addresses.dedup();
                addresses.iter().map(ToString::to_string).collect()
            }),
            DnsRecord::Srv => resolver.srv_lookup(name).await.map(|records| {
                let records = records.answers().iter();
                let mut services: Vec<_> = records
                    .filter_map(|record| match &record.data {
                        RData::SRV(srv) => Some((srv.priority, srv.target.to_ascii(), srv.port)),
                        _ => None,
                    })
                    .collect();
                services.sort_unstable();
                let member = |(_, target, port): (u16, String, u16)| {
                    format!("{}:{port}", target.trim_end_matches('.'))
                };
                services.into_iter().map(member).collect()
            }),
        };
        match found {
            Ok(members) => Ok(Some(members)),
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl GroupSource for DnsGroups {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        async move {
            let name = match &self.domain {
                Some(domain) => format!("{group}.{domain}"),
                None => group.to_owned(),
            };
            let found = tokio::time::timeout(self.timeout, self.look_up(&name)).await;
            let found = found.map_err(|_| GroupError::TimedOut(self.timeout))?;
            let members = found.map_err(|error| GroupError::Other(error.into()))?;
            // A record is a name, whatever it looks like, and no notation.
            let is_name = |member: &String| member.chars().all(is_name_character);
            Ok(members.map(|mut members| {
                members.retain(is_name);
                GroupMembers::new(members.join(","))
            }))
        }
        .boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async { Err(GroupError::NoNames) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use farcall_core::protocol::output::Causes;
    use hickory_resolver::proto::op::{Message, ResponseCode};
    use hickory_resolver::proto::rr::rdata::{A, AAAA, SRV};
    use hickory_resolver::proto::rr::{Name, Record, RecordType};
    use tokio::net::UdpSocket;

    use super::*;
    use crate::hosts::HostGroups;

    /// Answers questions as a name server does; none about `silent.`.
    async fn serve(socket: UdpSocket) {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Message::from_vec(&buffer[..length]).unwrap();
            let query = question.queries[0].clone();
            let name = query.name().clone();
            let record = |data| Record::from_rdata(name.clone(), 60, data);
            let srv = |priority, port, labels: &[&str]| {
                let target = Name::from_labels(labels.iter().map(|label| label.as_bytes()));
                record(RData::SRV(SRV::new(priority, 1, port, target.unwrap())))
            };
            let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
            answer.add_query(query.clone());
            let records = match (name.to_ascii().as_str(), query.query_type()) {
                ("silent.test.", _) => continue,
                ("web.test.", RecordType::A) => vec![
                    record(RData::A(A::new(10, 0, 0, 2))),
                    record(RData::A(A::new(10, 0, 0, 1))),
                ],
                ("web.test.", RecordType::AAAA) => {
                    vec![record(RData::AAAA(AAAA::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)))]
                }
                ("_farcall._tcp.test.", RecordType::SRV) => vec![
                    srv(20, 7000, &["node3", "test"]),
                    srv(10, 7001, &["node1", "test"]),
                    srv(10, 7000, &["node1", "test"]),
                    srv(10, 7000, &["evil,[1-99999]"]),
                ],
                _ => {
                    answer.metadata.response_code = ResponseCode::NXDomain;
                    Vec::new()
                }
            };
            answer.add_answers(records);
            socket
                .send_to(&answer.to_vec().unwrap(), from)
                .await
                .unwrap();
        }
    }

    #[tokio::test]
    async fn records_tell_groups() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = socket.local_addr().unwrap();
        let serving = tokio::spawn(serve(socket));
        let source = |record| DnsGroups::new(record).server(server).domain("test.");
        let silent = source(DnsRecord::Address).timeout(Duration::from_millis(100));
        let groups = HostGroups::new()
            .source("dns", source(DnsRecord::Address))
            .source("srv", source(DnsRecord::Srv))
            .source("silent", silent);
        let resolve = async |text: &str| match groups.resolve(text).await {
            Ok(hosts) => hosts.iter().collect::<Vec<_>>().join(" "),
            Err(error) => Causes(&error).to_string(),
        };
        assert_eq!(resolve("@web").await, "10.0.0.1 10.0.0.2 fd00::1");
        assert_eq!(
            resolve("@srv:_farcall._tcp").await,
            "node1.test:7000 node1.test:7001 node3.test:7000"
        );
        assert_eq!(resolve("@none").await, "there is no group @dns:none");
        assert_eq!(
            resolve("@silent:silent").await,
            "the group @silent:silent: no answer within 100ms"
        );
        assert!(resolve("@dns:*").await.contains("cannot list its groups"));
        serving.abort();
    }
}
