//! Slow links: network namespaces with a shaped device, and what waits in the kernel for a viewer.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use anyhow::{Context, Result, bail};

/// What a link passes at once, and how long a packet may wait in front of it: as a home router does it.
const SHAPED: [&str; 4] = ["burst", "8kb", "latency", "50ms"];

/// A namespace behind a link; gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Link {
    name: String,
    /// This machine's address on the link.
    pub(crate) here: Ipv4Addr,
}

impl Link {
    /// The link with this number, which carries so many kilobits a second to the namespace. Needs root.
    pub(crate) fn new(number: u8, speed: u32) -> Result<Self> {
        let name = format!("fcb{}x{number}", std::process::id());
        // Of the addresses for measuring between networks (RFC 2544), which no network uses.
        let here = Ipv4Addr::new(198, 18, number, 1);
        let there = Ipv4Addr::new(198, 18, number, 2);
        run("ip", &["netns", "add", &name])?;
        let link = Self { name, here };
        let (outer, inner) = (format!("{}o", link.name), format!("{}i", link.name));
        run(
            "ip",
            &[
                "link", "add", &outer, "type", "veth", "peer", "name", &inner, "netns", &link.name,
            ],
        )?;
        run("ip", &["addr", "add", &format!("{here}/30"), "dev", &outer])?;
        run("ip", &["link", "set", &outer, "up"])?;
        let inside = ["-n", &link.name];
        let within = |arguments: &[&str]| run("ip", &[&inside, arguments].concat());
        within(&["addr", "add", &format!("{there}/30"), "dev", &inner])?;
        within(&["link", "set", &inner, "up"])?;
        let rate = format!("{speed}kbit");
        let shape = ["qdisc", "add", "dev", &outer, "root", "tbf", "rate", &rate];
        run("tc", &[&shape[..], &SHAPED].concat())?;
        Ok(link)
    }

    /// A command that runs a program on the far side.
    pub(crate) fn inside(&self, program: &Path) -> Command {
        let mut command = Command::new(found("ip"));
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Takes both ends of the link with it.
        let _gone = run("ip", &["netns", "del", &self.name]);
    }
}

/// These programs are often not in the path of those who are not root.
fn found(program: &str) -> String {
    let path = format!("/usr/sbin/{program}");
    if Path::new(&path).exists() {
        path
    } else {
        program.to_owned()
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(found(program))
        .args(arguments)
        .output()
        .with_context(|| format!("`{program}` is not there: run bench/setup"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("`{program} {}`: {}", arguments.join(" "), why.trim());
    }
    Ok(())
}

/// Of the connections from a port of a server on this machine to these ports: the bytes that wait in the kernel for each.
pub(crate) fn unsent(server: u16, viewers: &[u16]) -> Result<Vec<(u16, u64)>> {
    let mut table = fs::read_to_string("/proc/net/tcp")?;
    // A server that listens on IPv6 has its connections there.
    table += &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Ok(waiting(&table, server, viewers))
}

fn waiting(table: &str, server: u16, viewers: &[u16]) -> Vec<(u16, u64)> {
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, remote) = (port(fields.next()?)?, port(fields.next()?)?);
            // 01 is an established connection.
            let established = fields.next()? == "01";
            let (queued, _) = fields.next()?.split_once(':')?;
            let wanted = established && local == server && viewers.contains(&remote);
            wanted.then_some((remote, u64::from_str_radix(queued, 16).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_viewer_is_read_off_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n\
            0: 0100007F:1388 0100007F:C001 01 00004A00:00000000 01:00000014\n\
            1: 0100007F:C001 0100007F:1388 01 00000000:0000FF00 00:00000000\n\
            2: 0100007F:1388 0100007F:C002 01 00000001:00000000 00:00000000\n\
            3: 0100007F:1388 0100007F:C003 06 00000000:00000000 00:00000000\n";
        assert_eq!(waiting(table, 5000, &[0xC001, 0xC003]), [(0xC001, 0x4A00)]);
        assert!(waiting("nonsense", 5000, &[1]).is_empty());
    }
}
