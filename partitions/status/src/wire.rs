//! The network's driver, as `smoltcp` wants it.

use network_client::{Channel, Client};
use network_messages::FRAME_BYTES_MAX;
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// Buffers for frames that come.
pub const RECEIVES: usize = 16;
/// Buffers for frames that go.
pub const SENDS: usize = 8;

const FRAME: usize = FRAME_BYTES_MAX as usize;

/// The partition's end of the network's channel.
#[derive(Debug)]
pub struct Wire<C> {
    client: Client<C, RECEIVES, SENDS>,
    received: [u8; FRAME],
}

impl<C: Channel> Wire<C> {
    /// With this client of the driver.
    pub const fn new(client: Client<C, RECEIVES, SENDS>) -> Self {
        Self {
            client,
            received: [0; FRAME],
        }
    }

    /// The client.
    pub fn client(&mut self) -> &mut Client<C, RECEIVES, SENDS> {
        &mut self.client
    }
}

/// A frame that came.
#[derive(Debug)]
pub struct RxToken<'a>(&'a [u8]);

/// Leave to send one.
#[derive(Debug)]
pub struct TxToken<'a, C>(&'a mut Client<C, RECEIVES, SENDS>);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl<C: Channel> phy::TxToken for TxToken<'_, C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = [0; FRAME];
        // It asks for no more than the capabilities say.
        let frame = frame.get_mut(..length).unwrap_or_default();
        let result = write(frame);
        // If the driver restarted meanwhile, the frame is lost, as on any network.
        let _ = self.0.send(frame);
        result
    }
}

impl<C: Channel> Device for Wire<C> {
    type RxToken<'a>
        = RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = TxToken<'a, C>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_, C>)> {
        // An answer has to have room.
        if !self.client.can_send() {
            return None;
        }
        let length = self.client.receive(&mut self.received)?;
        let frame = self.received.get(..length)?;
        Some((RxToken(frame), TxToken(&mut self.client)))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_, C>> {
        (self.client.can_send()).then_some(TxToken(&mut self.client))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(SENDS);
        capabilities
    }
}
