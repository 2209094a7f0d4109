//! Listening.

use std::{
    io,
    net::{Ipv6Addr, SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Binds every address. `[::]` alone takes IPv4 too, where the system can do that; beside others it is IPv6 only, so that
/// both families can be named. An address that this machine does not have is passed over if another can be bound: a name
/// such as `localhost` may stand for IPv6 where there is none.
pub(crate) fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"));
    }
    let (mut listeners, mut absent) = (Vec::new(), None);
    for address in addresses {
        match listen(*address, addresses.len() > 1) {
            Ok(listener) => listeners.push(listener),
            Err(error) if is_absent(&error) => absent = Some(error),
            Err(error) => return Err(error),
        }
    }
    match absent {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
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
