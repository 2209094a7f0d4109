//! Listening.

use std::{
    io,
    net::{Ipv6Addr, SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Binds every address. `[::]` alone takes IPv4 too, where the system can do that; beside others it is IPv6 only, so that
/// both families can be named.
pub(crate) fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"));
    }
    addresses.iter().map(|address| listen(*address, addresses.len() > 1)).collect()
}

fn listen(address: SocketAddr, is_one_of_many: bool) -> io::Result<TcpListener> {
    let name_it = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    };
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if let SocketAddr::V6(address) = address {
            socket.set_only_v6(is_one_of_many || *address.ip() != Ipv6Addr::UNSPECIFIED)?;
        }
        // On Windows it would let another program take the port over.
        #[cfg(not(windows))]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    open().map_err(name_it)
}
