//! The client on polling, and its way to a WebSocket.

use super::{Phase, Plan, SimClient, SimWs, World};
use crate::{http::Response, polling::SEPARATOR, sim::End, ws::Got};

/// At most one GET and one POST at a time.
#[derive(Debug, Default)]
pub(super) struct Polling {
    get: Option<u64>,
    post: Option<u64>,
    probe: Probe,
}

/// ```text
///   None ──► Opening ── open: 2probe ──► Asked ── 3probe ──► Pausing ── GET and POST done: 5 ──► (on WebSocket)
///    ▲          │                          │                    │
///    └──────────┴────── it fails ──────────┴────────────────────┘
/// ```
#[derive(Debug, Default)]
enum Probe {
    #[default]
    None,
    Opening(SimWs),
    Asked(SimWs),
    Pausing(SimWs),
}

type Answer = Result<Response, End>;

impl Polling {
    pub(super) const fn websocket(&self) -> Option<&SimWs> {
        match &self.probe {
            Probe::None => None,
            Probe::Opening(websocket) | Probe::Asked(websocket) | Probe::Pausing(websocket) => {
                Some(websocket)
            }
        }
    }

    const fn is_pausing(&self) -> bool {
        matches!(self.probe, Probe::Pausing(_))
    }
}

impl SimClient {
    pub(super) fn poll(
        &mut self,
        mut polling: Polling,
        world: &mut World,
    ) -> Result<(Phase, bool), String> {
        let mut busy = false;
        if let Some(answer) = polling.get.and_then(|ticket| self.lines.take(ticket)) {
            polling.get = None;
            busy = true;
            self.take_payload(answer, world)?;
        }
        if let Some(answer) = polling.post.and_then(|ticket| self.lines.take(ticket)) {
            polling.post = None;
            busy = true;
            let response = answer.map_err(|end| format!("POST without an answer: {end:?}"))?;
            if (response.status, &*response.body) != (200, b"ok") {
                return Err(format!("POST refused: {} {}", response.status, response.text()));
            }
        }
        if !polling.is_pausing() {
            if polling.get.is_none() {
                polling.get = Some(self.lines.submit("GET", &self.target, b""));
                busy = true;
            }
            if polling.post.is_none() && !self.outbox.is_empty() {
                let count = world.random.between(1, self.outbox.len());
                let packets: Vec<String> = self.outbox.drain(..count).collect();
                let body = packets.join(SEPARATOR);
                polling.post = Some(self.lines.submit("POST", &self.target, body.as_bytes()));
                busy = true;
            }
        }
        let (probe, moved) = self.go_on_with(std::mem::take(&mut polling.probe), world);
        polling.probe = probe;
        match polling.probe {
            Probe::Pausing(websocket) if polling.get.is_none() && polling.post.is_none() => {
                websocket.send("5");
                world.trace().add(format_args!("client {}: upgrades", self.number));
                Ok((Phase::WebSocket(websocket), true))
            }
            _ => Ok((Phase::Polling(polling), busy || moved)),
        }
    }

    /// The packets of an answer to a GET.
    pub(super) fn take_payload(&mut self, answer: Answer, world: &World) -> Result<(), String> {
        let response = answer.map_err(|end| format!("GET without an answer: {end:?}"))?;
        if response.status != 200 {
            return Err(format!("GET refused: {} {}", response.status, response.text()));
        }
        response.text().split(SEPARATOR).try_for_each(|packet| self.take_packet(packet, world))
    }

    fn go_on_with(&mut self, probe: Probe, world: &mut World) -> (Probe, bool) {
        let Plan::Upgrade { after, failures } = &mut self.plan else { return (probe, false) };
        let mut websocket = match probe {
            Probe::None if self.welcome.is_some() && self.received.len() >= *after => {
                let websocket = SimWs::connect(world, &self.websocket_target());
                return (Probe::Opening(websocket), true);
            }
            Probe::None => return (probe, false),
            Probe::Opening(websocket) | Probe::Asked(websocket) | Probe::Pausing(websocket)
                if *failures > 0 && world.random.one_in(10) =>
            {
                *failures -= 1;
                world.trace().add(format_args!("client {}: gives the upgrade up", self.number));
                if world.random.one_in(2) {
                    websocket.wire().reset();
                }
                return (Probe::None, true);
            }
            Probe::Opening(mut websocket) => {
                let got = websocket.poll();
                return match got {
                    None if websocket.is_open() => {
                        websocket.send("2probe");
                        (Probe::Asked(websocket), true)
                    }
                    None => (Probe::Opening(websocket), false),
                    // Refused, or cut off: an earlier attempt may still be on the books.
                    Some(Got::Close(_) | Got::End) => (Probe::None, true),
                    Some(got) => panic!("client {}: {got:?} before the probe", self.number),
                };
            }
            Probe::Pausing(mut websocket) => {
                // Nothing may come before the `5`, except the end.
                return match websocket.poll() {
                    None => (Probe::Pausing(websocket), false),
                    Some(Got::Close(_) | Got::End) => (Probe::None, true),
                    Some(got) => panic!("client {}: {got:?} before the upgrade", self.number),
                };
            }
            Probe::Asked(websocket) => websocket,
        };
        match websocket.poll() {
            None => (Probe::Asked(websocket), false),
            Some(Got::Text(text)) if text == "3probe" => (Probe::Pausing(websocket), true),
            Some(Got::Close(_) | Got::End) => (Probe::None, true),
            Some(got) => panic!("client {}: {got:?} answers the probe", self.number),
        }
    }
}
