//! Metrics in the text format of Prometheus, version 0.0.4.

use std::{fmt::Write, time::Duration};

use super::{
    Metrics, ShardMetrics, TurnMetrics,
    table::{Kind, ROWS},
};

impl Metrics {
    /// The content type of what [`to_prometheus`](Self::to_prometheus) makes.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// All of it in the text format of Prometheus, version 0.0.4.
    ///
    /// Names begin with `siomio_`. What the shards count carries the label `shard`, and is not added up; times are in seconds.
    pub fn to_prometheus(&self) -> String {
        let mut text = Text(String::with_capacity(1024 * (8 + 4 * self.shards.len())));
        text.one(
            "connections_accepted_total",
            Kind::Counter,
            "Connections that were accepted.",
            self.connections_accepted,
        );
        text.one(
            "accept_errors_total",
            Kind::Counter,
            "Connections that could not be accepted.",
            self.accept_errors,
        );
        text.one(
            "connections_refused_total",
            Kind::Counter,
            "Connections that were refused because there were too many.",
            self.connections_refused,
        );
        text.one(
            "handshakes_held_off_total",
            Kind::Counter,
            "Handshakes that came too soon after others of the same address.",
            self.handshakes_held_off,
        );
        text.one("namespaces", Kind::Gauge, "Namespaces that exist.", self.namespaces);
        text.family("siomio_blocking_jobs", "gauge", "Blocking handlers, by what they do.");
        text.line("siomio_blocking_jobs", &[("state", "running")], self.blocking_running);
        text.line("siomio_blocking_jobs", &[("state", "waiting")], self.blocking_waiting);
        text.one(
            "blocking_jobs_started_total",
            Kind::Counter,
            "Blocking handlers that have begun to run.",
            self.blocking_started,
        );
        let mut family = "";
        for row in ROWS {
            if row.family != family {
                family = row.family;
                text.family(family, row.kind.as_str(), row.help);
            }
            for (number, shard) in self.numbered() {
                let labels = [("shard", &*number)];
                let labels = labels.into_iter().chain(row.label);
                text.line(family, &labels.collect::<Vec<_>>(), (row.value)(shard));
            }
        }
        self.write_turns(&mut text);
        text.0
    }

    fn write_turns(&self, text: &mut Text) {
        let name = "siomio_turn_duration_seconds";
        text.family(name, "histogram", "How long the turns of the event loop took.");
        for (number, shard) in self.numbered() {
            let (turns, mut count) = (&shard.turns, 0);
            let bounds = TurnMetrics::BOUNDS.iter().map(|bound| seconds(*bound));
            let bounds = bounds.chain(["+Inf".to_owned()]);
            for (bound, bucket) in bounds.zip(turns.buckets) {
                count += bucket;
                let labels = [("shard", &*number), ("le", &*bound)];
                text.line(&format!("{name}_bucket"), &labels, count);
            }
            text.line(&format!("{name}_sum"), &[("shard", &number)], seconds(turns.total));
            text.line(&format!("{name}_count"), &[("shard", &number)], count);
        }
        let mut gauge = |name, help, value: fn(&TurnMetrics) -> Duration| {
            text.family(name, "gauge", help);
            for (number, shard) in self.numbered() {
                text.line(name, &[("shard", &number)], seconds(value(&shard.turns)));
            }
        };
        gauge("siomio_turn_last_seconds", "The last turn of the event loop.", |turns| turns.last);
        gauge("siomio_turn_longest_seconds", "The longest turn of the event loop.", |turns| {
            turns.longest
        });
    }

    fn numbered(&self) -> impl Iterator<Item = (String, &ShardMetrics)> {
        self.shards.iter().enumerate().map(|(number, shard)| (number.to_string(), shard))
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// Writing to it cannot fail. Nothing in it has to be escaped: all names and labels are ours.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{text}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// A family of one line.
    fn one(&mut self, name: &str, kind: Kind, help: &str, value: u64) {
        let name = format!("siomio_{name}");
        self.family(&name, kind.as_str(), help);
        self.line(&name, &[], value);
    }
}

/// Exact, and without an exponent.
fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_decimals() {
        for (nanos, text) in [
            (0, "0"),
            (100_000, "0.0001"),
            (1, "0.000000001"),
            (1_000_000_000, "1"),
            (10_500_000_000, "10.5"),
        ] {
            assert_eq!(seconds(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn rows_of_a_family_stand_together_and_agree() {
        let mut families: Vec<&str> = Vec::new();
        for pair in ROWS.windows(2) {
            if pair[0].family == pair[1].family {
                assert_eq!((pair[0].kind, pair[0].help), (pair[1].kind, pair[1].help));
                assert!(pair[0].label.is_some() && pair[0].label != pair[1].label);
            } else {
                families.push(pair[0].family);
                assert!(!families.contains(&pair[1].family), "{}", pair[1].family);
            }
        }
        for row in ROWS {
            assert_eq!(row.family.ends_with("_total"), row.kind == Kind::Counter, "{}", row.family);
        }
    }
}
