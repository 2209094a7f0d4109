//! Memory and latency over time, as an SVG.

use super::Sample;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 340.0;
/// Room for what stands beside the axes.
const MARGIN: f64 = 70.0;
const MEMORY: &str = "#1f6feb";
const LATENCY: &str = "#d1690e";

/// The plot: memory belongs to the axis on the left, latency to that on the right.
pub(super) fn svg(samples: &[Sample]) -> String {
    let minutes = |sample: &Sample| sample.at.as_secs_f64() / 60.0;
    let memory = |sample: &Sample| sample.resident as f64 / 1024.0 / 1024.0;
    let latency = |sample: &Sample| sample.latency[1].as_secs_f64() * 1e3;
    let time = Axis::over(samples.iter().map(minutes));
    let (left, right) =
        (Axis::over(samples.iter().map(memory)), Axis::over(samples.iter().map(latency)));
    let x = |value: f64| MARGIN + value / time.end * (WIDTH - 2.0 * MARGIN);
    let y = |axis: &Axis, value: f64| HEIGHT - MARGIN - value / axis.end * (HEIGHT - 2.0 * MARGIN);
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">"
    ));
    line("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>".to_owned());
    let (top, bottom, end) = (MARGIN, HEIGHT - MARGIN, WIDTH - MARGIN);
    for value in time.ticks() {
        let x = x(value);
        line(format!("<path d=\"M{x:.1} {bottom}v5\" stroke=\"#333\"/>"));
        line(format!(
            "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 20.0,
            time.label(value)
        ));
    }
    for value in left.ticks() {
        let y = y(&left, value);
        line(format!("<path d=\"M{MARGIN} {y:.1}H{end}\" stroke=\"#ddd\"/>"));
        line(format!(
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{MEMORY}\">{}</text>",
            MARGIN - 8.0,
            y + 4.0,
            left.label(value)
        ));
    }
    for value in right.ticks() {
        line(format!(
            "<text x=\"{}\" y=\"{:.1}\" fill=\"{LATENCY}\">{}</text>",
            end + 8.0,
            y(&right, value) + 4.0,
            right.label(value)
        ));
    }
    line(format!(
        "<path d=\"M{MARGIN} {top}V{bottom}H{end}V{top}\" fill=\"none\" stroke=\"#333\"/>"
    ));
    for (axis, figure, colour) in
        [(&left, &memory as &dyn Fn(&Sample) -> f64, MEMORY), (&right, &latency, LATENCY)]
    {
        let point = |sample| format!("{:.1},{:.1}", x(minutes(sample)), y(axis, figure(sample)));
        let points: Vec<String> = samples.iter().map(point).collect();
        line(format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            points.join(" ")
        ));
    }
    let titles = [
        (MARGIN, top - 20.0, "start", MEMORY, "resident memory, MiB"),
        (end, top - 20.0, "end", LATENCY, "p99 of an answer, ms"),
        (WIDTH / 2.0, HEIGHT - 20.0, "middle", "#333", "minutes"),
    ];
    for (x, y, anchor, colour, title) in titles {
        line(format!(
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{title}</text>"
        ));
    }
    line("</svg>".to_owned());
    text
}

/// From nothing to a round number beyond the largest.
struct Axis {
    step: f64,
    end: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(0.0, f64::max).max(1e-3);
        let rough = most / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        Self { step, end: (most / step).ceil() * step }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (step, count) = (self.step, (self.end / self.step).round() as u32);
        (0..=count).map(move |number| f64::from(number) * step)
    }

    fn label(&self, value: f64) -> String {
        let digits = (-self.step.log10().floor()).max(0.0) as usize;
        format!("{value:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (most, step, end) in
            [(30.0, 10.0, 30.0), (13.2, 5.0, 15.0), (0.47, 0.1, 0.5), (0.0, 0.0002, 0.001)]
        {
            let axis = Axis::over([most / 2.0, most].into_iter());
            assert!((axis.step - step).abs() < 1e-9 && (axis.end - end).abs() < 1e-9, "{most}");
        }
    }

    #[test]
    fn every_sample_is_a_point_of_both_lines() {
        let text = svg(&vec![Sample::default(); 7]);
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("<polyline")).collect();
        assert_eq!(lines.iter().map(|line| line.matches(',').count()).collect::<Vec<_>>(), [7, 7]);
        assert!(!text.contains("NaN") && text.ends_with("</svg>\n"));
    }
}
