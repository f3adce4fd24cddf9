//! Where a client is, and by which way it came.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderName},
};
use ipnet::IpNet;

use super::forwarded;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers by which a proxy gives itself away.
const FORWARDED: [&str; 7] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "cf-connecting-ip",
];

/// The other end of a connection, as an extension of its requests. Whoever accepts connections says it; where nobody does,
/// axum's [`ConnectInfo`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address; `None` for a Unix socket.
    pub address: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// The client behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// Its address, as far as it is known.
    pub(super) from: Option<IpAddr>,
    /// Whether it is a program of this machine that asks for itself.
    pub(super) is_local: bool,
    /// Whether its side of the way is encrypted.
    pub(super) is_encrypted: bool,
}

impl Client {
    pub(super) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = extensions.get::<Peer>().copied().or_else(|| {
            let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(Peer {
                address: Some(address.ip()),
                tls: false,
            })
        });
        Self::behind(peer, headers, trusted)
    }

    fn behind(peer: Option<Peer>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let address = peer
            .and_then(|peer| peer.address)
            .map(|ip| ip.to_canonical());
        let tls = peer.is_some_and(|peer| peer.tls);
        let through_proxy = address.is_some_and(|ip| forwarded::is_within(&ip, trusted));
        let forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
        let own = Self {
            from: address,
            is_local: !forwarded
                && !through_proxy
                && peer.is_some_and(|peer| {
                    peer.address
                        .is_none_or(|ip| ip.to_canonical().is_loopback())
                }),
            is_encrypted: tls,
        };
        if !through_proxy {
            return own;
        }
        let told = headers.get_all(FORWARDED_FOR).iter();
        let told: Vec<&str> = told
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let from = address.and_then(|proxy| forwarded::client(proxy, &told, trusted));
        let proto = headers
            .get(FORWARDED_PROTO)
            .and_then(|value| value.to_str().ok());
        Self {
            from,
            is_encrypted: tls || proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
            ..own
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(peer: &str, told: &[(&'static str, &str)], trusted: &[&str]) -> Client {
        let peer = Peer {
            address: peer.parse().ok(),
            tls: false,
        };
        let headers = told
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        Client::behind(Some(peer), &headers.collect(), &trusted)
    }

    fn from(client: Client) -> String {
        client
            .from
            .map_or_else(|| "unknown".to_owned(), |ip| ip.to_string())
    }

    #[test]
    fn what_somebody_says_of_their_address_counts_only_from_a_trusted_proxy() {
        let told = [("x-forwarded-for", "6.6.6.6, 10.0.0.9")];
        assert_eq!(from(client("127.0.0.1", &told, &[])), "127.0.0.1");
        let proxy = ["127.0.0.1/32"];
        assert_eq!(from(client("127.0.0.1", &told, &proxy)), "10.0.0.9");
        assert_eq!(from(client("::ffff:127.0.0.1", &told, &proxy)), "10.0.0.9");
        assert_eq!(from(client("10.0.0.9", &told, &proxy)), "10.0.0.9");
        let both = ["127.0.0.1/32", "10.0.0.0/8"];
        assert_eq!(from(client("127.0.0.1", &told, &both)), "6.6.6.6");
        let broken = [("x-forwarded-for", "6.6.6.6, unknown")];
        assert_eq!(from(client("127.0.0.1", &broken, &proxy)), "unknown");
        let ported = [("x-forwarded-for", "[2001:db8::1]:4711")];
        assert_eq!(from(client("127.0.0.1", &ported, &proxy)), "2001:db8::1");
    }

    #[test]
    fn a_program_of_this_machine_is_local_unless_it_may_be_a_proxy() {
        assert!(client("127.0.0.1", &[], &[]).is_local);
        assert!(client("::1", &[], &[]).is_local);
        // A Unix socket.
        assert!(client("", &[], &[]).is_local);
        assert!(!client("127.0.0.1", &[], &["127.0.0.1/32"]).is_local);
        for name in FORWARDED {
            assert!(!client("127.0.0.1", &[(name, "x")], &[]).is_local, "{name}");
        }
        assert!(!client("192.168.1.2", &[], &[]).is_local);
        let unknown = Client::behind(None, &HeaderMap::new(), &[]);
        assert!(!unknown.is_local && unknown.from.is_none());
    }

    #[test]
    fn only_a_trusted_proxy_tells_of_encryption() {
        let told = [("x-forwarded-proto", "https")];
        assert!(client("127.0.0.1", &told, &["127.0.0.1/32"]).is_encrypted);
        assert!(!client("127.0.0.1", &told, &[]).is_encrypted);
    }

    proptest! {
        #[test]
        fn nothing_that_is_told_makes_a_stranger_local(value in "[ -~]{0,40}") {
            let client = client("10.1.1.1", &[("x-forwarded-for", &value)], &["10.0.0.0/8"]);
            prop_assert!(!client.is_local);
        }
    }
}
