//! Connections.

use heapless::String;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use crate::page::refuse;
use crate::{RESPONSE_BYTES, Request, Verdict};

/// So many connections there can be at a time.
pub const CONNECTIONS: usize = 4;
/// So long a connection may last.
pub const LIFE_MS: u64 = 10_000;
const PORT: u16 = 80;
const RECEIVE_BYTES: usize = 1024;

/// The memory of a connection.
#[derive(Debug)]
pub struct Buffers {
    receive: [u8; RECEIVE_BYTES],
    send: [u8; RESPONSE_BYTES],
}

impl Buffers {
    /// That of one.
    pub const EMPTY: Self = Self {
        receive: [0; RECEIVE_BYTES],
        send: [0; RESPONSE_BYTES],
    };
}

#[derive(Debug)]
struct Connection {
    socket: SocketHandle,
    request: Request,
    /// When it began.
    since_ms: Option<u64>,
    answered: bool,
}

/// Answers whoever asks for the page.
pub struct Server<'a> {
    interface: Interface,
    sockets: SocketSet<'a>,
    connections: [Connection; CONNECTIONS],
    response: String<RESPONSE_BYTES>,
}

impl<'a> Server<'a> {
    /// One with this hardware address, this address and length of prefix, on that device. `seed` is another number in each life, so that
    /// nobody takes a connection for one of the last.
    pub fn new(
        device: &mut impl Device,
        station: [u8; 6],
        address: ([u8; 4], u8),
        seed: u64,
        memory: (
            &'a mut [Buffers; CONNECTIONS],
            &'a mut [SocketStorage<'a>; CONNECTIONS],
        ),
    ) -> Self {
        let mut config = Config::new(EthernetAddress(station).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, device, Instant::ZERO);
        let ([a, b, c, d], prefix) = address;
        interface.update_ip_addrs(|addresses| {
            let own = Ipv4Cidr::new(Ipv4Address::new(a, b, c, d), prefix);
            // There is room for one.
            let _ = addresses.push(IpCidr::Ipv4(own));
        });
        let (buffers, storage) = memory;
        let mut sockets = SocketSet::new(&mut storage[..]);
        let connections = buffers.each_mut().map(|buffers| {
            let receive = SocketBuffer::new(&mut buffers.receive[..]);
            let send = SocketBuffer::new(&mut buffers.send[..]);
            Connection {
                socket: sockets.add(Socket::new(receive, send)),
                request: Request::new(),
                since_ms: None,
                answered: false,
            }
        });
        Self {
            interface,
            sockets,
            connections,
            response: String::new(),
        }
    }

    /// One turn: what came, what is to be answered, by `write`, and what goes.
    pub fn serve(
        &mut self,
        device: &mut impl Device,
        now_ms: u64,
        write: &mut dyn FnMut(&mut String<RESPONSE_BYTES>),
    ) {
        let now = instant(now_ms);
        self.interface.poll(now, device, &mut self.sockets);
        for connection in &mut self.connections {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.socket);
            connection.serve(socket, now_ms, &mut self.response, write);
        }
        self.interface.poll(now, device, &mut self.sockets);
        for connection in &mut self.connections {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.socket);
            if !socket.is_open() {
                connection.listen(socket);
            }
        }
    }

    /// When to look again even if nothing comes.
    pub fn next_ms(&mut self, now_ms: u64) -> Option<u64> {
        let connections = self.connections.iter();
        let ends = connections.filter_map(|connection| connection.since_ms);
        let end = ends.min().map(|since| since + LIFE_MS + 1);
        let delay = self
            .interface
            .poll_delay(instant(now_ms), &self.sockets)
            .map(|delay| now_ms.saturating_add(delay.total_millis().max(1)));
        match (end, delay) {
            (Some(end), Some(delay)) => Some(end.min(delay)),
            (end, delay) => end.or(delay),
        }
    }
}

fn instant(now_ms: u64) -> Instant {
    Instant::from_millis(i64::try_from(now_ms).unwrap_or(i64::MAX))
}

impl Connection {
    fn serve(
        &mut self,
        socket: &mut Socket<'_>,
        now_ms: u64,
        response: &mut String<RESPONSE_BYTES>,
        write: &mut dyn FnMut(&mut String<RESPONSE_BYTES>),
    ) {
        let late = (self.since_ms).is_some_and(|since| now_ms.saturating_sub(since) > LIFE_MS);
        // Both sides have ended it: whoever comes next need not wait.
        if socket.state() == State::TimeWait {
            socket.abort();
            return self.listen(socket);
        }
        if late {
            // The peer is told so by what is sent next.
            return socket.abort();
        }
        if matches!(socket.state(), State::Closed | State::Listen) {
            return;
        }
        self.since_ms.get_or_insert(now_ms);
        while matches!(socket.recv(|bytes| self.take(bytes)), Ok(1..)) {}
        if self.answered {
            return;
        }
        match self.request.verdict() {
            // The peer says nothing more.
            Verdict::More if !socket.may_recv() && socket.state() != State::SynReceived => {
                return socket.close();
            }
            Verdict::More => return,
            Verdict::Page => write(response),
            Verdict::NotFound => refuse(response, "404 Not Found"),
            Verdict::Bad => refuse(response, "400 Bad Request"),
        }
        // The socket has room for all of it: nothing was sent before.
        let _ = socket.send_slice(response.as_bytes());
        socket.close();
        self.answered = true;
    }

    /// Takes bytes of the request; what comes behind it goes nowhere.
    fn take(&mut self, bytes: &mut [u8]) -> (usize, usize) {
        if !self.answered {
            self.request.push(bytes);
        }
        (bytes.len(), bytes.len())
    }

    fn listen(&mut self, socket: &mut Socket<'_>) {
        // It is closed, and the port is one.
        let _ = socket.listen(PORT);
        self.request = Request::new();
        self.since_ms = None;
        self.answered = false;
    }
}
