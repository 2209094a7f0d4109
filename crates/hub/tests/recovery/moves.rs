//! Who has joined and left rooms gets again what the rooms were told meanwhile, and no less.

use std::{sync::Arc, time::Instant};

use siomio_hub::{
    Broadcast, Config, DisconnectReason, Hub, NamespaceId, Offset, Recovery, Revision, Rooms,
    Selector, SocketKey,
};
use siomio_packet::Payload;

/// A hub with one socket, which is in no room yet.
struct Lounge {
    hub: Hub,
    now: Instant,
    namespace: NamespaceId,
    socket: SocketKey,
}

impl Lounge {
    #[allow(clippy::disallowed_methods, reason = "time has to start somewhere")]
    fn new() -> Self {
        let now = Instant::now();
        let mut config = Config::default();
        config.recovery = Some(Recovery::default());
        let mut hub = Hub::new(config, Rooms::shared(1), 1);
        let namespace = hub.declare("/");
        let client = hub.open_client(now, 0, Revision::V5);
        let socket = hub.begin_connect(client, namespace, "id".into()).expect("a socket");
        hub.accept(now, socket, Some("pid".into())).expect("it connects");
        Self { hub, now, namespace, socket }
    }

    /// Says something to a room while the socket is in it, and the socket goes again.
    fn visit(&mut self, room: &str) -> Offset {
        self.hub.join(self.socket, room);
        let offset = self.say(room);
        self.hub.leave(self.socket, room);
        offset
    }

    fn say(&mut self, room: &str) -> Offset {
        let offset = self.hub.next_offset().expect("sessions are kept");
        let mut payload = Payload::new();
        payload.event("e", &()).expect("it is JSON");
        let packet = Arc::new(Broadcast::new("/".into(), &payload, Some(offset)));
        self.hub.record(self.now, self.namespace, &Selector::all().room(room), &packet);
        self.hub.delivered(self.socket, &packet);
        offset
    }

    /// What the socket is sent when it comes back and has seen this last; `None` if it cannot come back.
    fn return_with(mut self, last: Option<Offset>) -> Option<Vec<Offset>> {
        self.hub.begin_disconnect(self.socket, false);
        self.hub.remove(self.now, self.socket, DisconnectReason::TransportClose)?;
        let session = self.hub.give_up(self.now, "pid", last)?;
        let client = self.hub.open_client(self.now, 1, Revision::V5);
        let socket = self.hub.begin_connect(client, self.namespace, session.id.clone())?;
        self.hub.take_up(socket, session);
        let missed = self.hub.accept(self.now, socket, None)?;
        Some(missed.iter().filter_map(|packet| packet.offset()).collect())
    }
}

#[test]
fn rooms_that_are_left_and_joined_without_end_while_nothing_is_said_take_nothing_away() {
    let mut lounge = Lounge::new();
    let said = [lounge.visit("a"), lounge.visit("b")];
    for _ in 0..1000 {
        lounge.hub.join(lounge.socket, "a");
        lounge.hub.leave(lounge.socket, "a");
    }
    assert_eq!(lounge.return_with(None).as_deref(), Some(&said[..]));
}

#[test]
fn who_has_moved_too_often_is_not_served_half() {
    let visit = |lounge: &mut Lounge| -> Vec<_> {
        let turns = 0..100;
        turns.map(|turn| lounge.visit(["a", "b"][turn % 2])).collect()
    };
    let mut lounge = Lounge::new();
    visit(&mut lounge);
    assert_eq!(lounge.return_with(None), None, "nobody knows any more what it has missed");

    let mut lounge = Lounge::new();
    let said = visit(&mut lounge);
    assert_eq!(lounge.return_with(Some(said[80])).as_deref(), Some(&said[81..]));
}
