/// Which side of the connection this is (RFC 6455 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads masked frames and writes frames without a mask.
    Server,
    /// Reads frames without a mask and writes masked ones.
    Client,
}
