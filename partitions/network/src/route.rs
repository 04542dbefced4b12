//! Where a frame may go.

use crate::Settings;

/// A hardware address.
pub type Address = [u8; 6];

/// Destination, source, and type.
pub const HEADER_BYTES: u32 = 14;

/// The beginning of a frame: a copy that nobody else can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(pub [u8; HEADER_BYTES as usize]);

impl Header {
    /// For whom it is.
    pub const fn destination(&self) -> Address {
        let [a, b, c, d, e, f, ..] = self.0;
        [a, b, c, d, e, f]
    }

    /// Whose it is, as it says.
    pub const fn source(&self) -> Address {
        let [_, _, _, _, _, _, a, b, c, d, e, f, ..] = self.0;
        [a, b, c, d, e, f]
    }

    /// Its type; or its length, which is below 0x600 (IEEE 802.3, 3.2.6).
    pub const fn protocol(&self) -> u16 {
        let [.., a, b] = self.0;
        u16::from_be_bytes([a, b])
    }
}

/// Whether an address is that of several: broadcast and multicast (IEEE 802.3, 3.2.3).
pub const fn is_group(address: Address) -> bool {
    address[0] & 1 != 0
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// To the wire.
    pub wire: bool,
    /// To these clients: a bit for each.
    pub clients: u32,
}

impl Route {
    const fn is_nowhere(self) -> bool {
        !self.wire && self.clients == 0
    }
}

/// Where a client's frame goes. `None`: it may not be sent.
pub fn from_client<'a>(
    mut clients: impl Iterator<Item = &'a Settings> + Clone,
    sender: usize,
    header: &Header,
) -> Option<Route> {
    let of_sender = clients.clone().nth(sender)?;
    let protocol = header.protocol();
    if header.source() != of_sender.address || !of_sender.lets(protocol) {
        return None;
    }
    let peers = of_sender.peers & !bit(sender) & who_lets(clients.clone(), protocol);
    let destination = header.destination();
    let route = if is_group(destination) {
        Route {
            wire: of_sender.wire,
            clients: peers,
        }
    } else if let Some(number) = clients.position(|client| client.address == destination) {
        Route {
            wire: false,
            clients: peers & bit(number),
        }
    } else {
        Route {
            wire: of_sender.wire,
            clients: 0,
        }
    };
    (!route.is_nowhere()).then_some(route)
}

/// To which clients a frame from the wire goes. One with a client's own address as its source is from nobody.
pub fn from_wire<'a>(
    clients: impl Iterator<Item = &'a Settings> + Clone,
    header: &Header,
) -> Route {
    let (source, destination) = (header.source(), header.destination());
    let is_own = |client: &Settings| client.address == source;
    if is_group(source) || clients.clone().any(is_own) {
        return Route::default();
    }
    let gets =
        |client: &Settings| client.wire && (is_group(destination) || client.address == destination);
    let lets = who_lets(clients.clone(), header.protocol());
    let clients = clients.enumerate().filter(|(_, client)| gets(client));
    Route {
        wire: false,
        clients: lets & clients.fold(0, |all, (number, _)| all | bit(number)),
    }
}

/// The clients that frames of a type are for.
fn who_lets<'a>(clients: impl Iterator<Item = &'a Settings>, protocol: u16) -> u32 {
    let clients = clients
        .enumerate()
        .filter(|(_, client)| client.lets(protocol));
    clients.fold(0, |all, (number, _)| all | bit(number))
}

const fn bit(number: usize) -> u32 {
    1u32.unbounded_shl(number as u32)
}
