//! The address of the live view: read, judged and bound before anything runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, bail};

/// Binds the address that was typed: `127.0.0.1:8080`, `[::1]:0`, `localhost:8080`.
///
/// # Errors
/// If it is no address, is open to other machines without `anyone`, or cannot be had.
pub(crate) fn listen(typed: &str, anyone: bool) -> anyhow::Result<TcpListener> {
    let local = typed.strip_prefix("localhost:").and_then(|port| port.parse::<u16>().ok());
    let address = match (local, typed.parse::<SocketAddr>()) {
        (Some(port), _) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        (None, Ok(address)) => address,
        (None, Err(_)) => bail!(
            "--serve: `{typed}` is no address; write an IP address and a port, such as \
             127.0.0.1:8080 (port 0: any free one)"
        ),
    };
    if !address.ip().is_loopback() && !anyone {
        bail!(
            "--serve: {address} can be reached from other machines; write 127.0.0.1:{}, or add \
             --serve-anyone if whoever reaches it may watch",
            address.port()
        );
    }
    TcpListener::bind(address)
        .with_context(|| format!("--serve: cannot listen on {address}; choose another port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_everyone_may() {
        for typed in ["127.0.0.1:0", "localhost:0", "127.9.9.9:0"] {
            let bound = listen(typed, false).expect(typed);
            assert_ne!(bound.local_addr().expect("an address").port(), 0);
        }
        let refused = listen("0.0.0.0:0", false).expect_err("open").to_string();
        assert!(refused.contains("--serve-anyone"), "{refused}");
        assert!(listen("0.0.0.0:0", true).is_ok());
    }

    #[test]
    fn what_is_no_address_or_taken_is_refused() {
        for typed in ["", "8080", "localhost", "127.0.0.1", "127.0.0.1:99999", "example.org:80"] {
            let refused = listen(typed, true).expect_err(typed).to_string();
            assert!(refused.contains("is no address"), "{refused}");
        }
        let taken = listen("127.0.0.1:0", false).expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        let refused = listen(&address, false).expect_err("taken").to_string();
        assert!(refused.contains(&address) && refused.contains("another port"), "{refused}");
    }
}
