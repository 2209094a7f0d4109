//! What a session asks its caller to do.

use crate::{CloseReason, Outgoing};

/// Names a request that waits for its answer; the caller chooses the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The connection it came on.
    pub connection: u64,
    /// Which of that connection's requests it is.
    pub sequence: u64,
}

/// Names a WebSocket; the caller chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelId(pub u64);

/// An order to the caller, to be carried out in the sequence given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Answer a polling request.
    Respond {
        /// The request.
        request: RequestId,
        /// The answer.
        response: Response,
    },
    /// Close the connection of a request without an answer.
    Abort {
        /// The request.
        request: RequestId,
    },
    /// Send a packet as one WebSocket message.
    Transmit {
        /// The WebSocket.
        channel: ChannelId,
        /// The packet.
        packet: Outgoing,
    },
    /// Send a close frame without a status, then end the connection.
    CloseChannel {
        /// The WebSocket.
        channel: ChannelId,
    },
    /// The session now lives on a WebSocket.
    Upgraded {
        /// The WebSocket.
        channel: ChannelId,
    },
    /// The session is over and its id no longer known. Comes exactly once.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

/// The answer to a polling request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// 200 with packets, as `text/plain; charset=UTF-8`: the answer to a GET.
    Payload(Vec<u8>),
    /// 200 with packets, as `application/octet-stream`: the answer to a GET in revision 3 when there is binary data.
    BinaryPayload(Vec<u8>),
    /// 200 `ok`: the answer to a POST.
    Accepted,
    /// 400 without a body: a request that overlaps another, or comes too late.
    Refused,
}
