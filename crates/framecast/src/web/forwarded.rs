//! For whom a proxy speaks, by what stands in `X-Forwarded-For`: decided without the request.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The client for whom the proxy at `proxy` speaks, if the proxies at `trusted` are believed; `None` if they say something
/// that is no address. `told` are the addresses in their order.
///
/// Each proxy adds the address that it sees behind those that it was told. What stands before the first address that is no
/// proxy's can be made up by anybody.
pub(super) fn client(proxy: IpAddr, told: &[&str], trusted: &[IpNet]) -> Option<IpAddr> {
    let mut from = proxy;
    for text in told.iter().rev() {
        from = address_in(text)?;
        if !is_within(&from, trusted) {
            break;
        }
    }
    Some(from)
}

/// Whether an address is in one of the networks.
pub(super) fn is_within(address: &IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// An address with or without a port.
fn address_in(text: &str) -> Option<IpAddr> {
    let ip = text.parse::<IpAddr>().ok();
    let ip = ip.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    ip.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|ip| ip.to_canonical())
}
