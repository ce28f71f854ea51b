//! `[network] classes`: kinds of access links.

use anthill_protocol::Span;

use super::declare::{Key, SHARE, Section, Shape, choice, quoted, table};
use super::document::{Data, Entry};
use super::nearest::suggestion;
use super::plain;
use crate::conditions::{ClassSpec, ImpairmentSpec};
use crate::network::JitterSpec;

pub(super) const CLASSES: Shape =
    Shape::Named(&Shape::Either(&SHARE, &Shape::Table(ClassSpec::KEYS)));

pub(crate) const CLASS_PRESET: Key = Key::new(
    "preset",
    choice(&PRESETS),
    "where the other keys have their defaults from; by default the preset of the class's own name, if \
     any, else `none`: a perfect link",
);

/// Classes have 8-bit numbers, one of which stands for none.
pub(super) const MOST_CLASSES: usize = 255;

/// How far the sum of the shares may exceed 1 by the rounding of its parts.
const SHARE_TOLERANCE: f64 = 1e-9;

/// A link that does nothing to messages.
const PERFECT: ClassSpec = ClassSpec {
    name: String::new(),
    share: 0.0,
    up: None,
    down: None,
    latency: Span::ZERO,
    jitter: None,
    sigma: 0.0,
    impairments: ImpairmentSpec {
        loss: 0.0,
        duplication: 0.0,
        corruption: 0.0,
        reordering: 0.0,
        reordering_delay: Span::ZERO,
    },
};

const PRESETS: [&str; 5] = ["home", "laggy", "constrained", "bad", "none"];

/// The link of a preset, if there is one of that name. The figures were chosen to be plausible and clearly
/// apart from each other; they were not measured.
fn preset(name: &str) -> Option<ClassSpec> {
    let (up, down, ms, sigma, loss) = match name {
        "home" => (20_000_000, 100_000_000, 8, 0.5, 0.001),
        "laggy" => (10_000_000, 50_000_000, 60, 0.6, 0.005),
        "constrained" => (1_000_000, 5_000_000, 20, 0.5, 0.005),
        "bad" => (512_000, 2_000_000, 120, 0.8, 0.05),
        _ => return None,
    };
    let mut impairments = ImpairmentSpec { loss, ..PERFECT.impairments };
    if name == "bad" {
        impairments.duplication = 0.005;
        impairments.corruption = 0.001;
        impairments.reordering = 0.02;
        impairments.reordering_delay = Span::from_millis(200);
    }
    let (up, down, latency) = (Some(up), Some(down), Span::from_millis(ms));
    Some(ClassSpec { name: name.to_owned(), up, down, latency, sigma, impairments, ..PERFECT })
}

/// Reads the classes in order of their names; none if there is no such key.
pub(super) fn read_classes(network: &mut Section<'_, '_>) -> Option<Vec<ClassSpec>> {
    if !network.has("classes") {
        return Some(Vec::new());
    }
    let table = network.table("classes")?;
    if table.len() > MOST_CLASSES {
        let problem = format!("has {} classes: the most are {MOST_CLASSES}", table.len());
        network.wrong("classes", problem);
        return None;
    }
    let classes: Vec<ClassSpec> =
        table.iter().filter_map(|(name, entry)| read_class(network, name, entry)).collect();
    if classes.len() < table.len() {
        return None;
    }
    let sum = classes.iter().fold(0.0, |sum, class| sum + class.share);
    if sum > 1.0 + SHARE_TOLERANCE {
        network.wrong("classes", format!("have shares that sum to {sum}, above 1"));
        return None;
    }
    Some(classes)
}

fn read_class<'d>(network: &Section<'d, '_>, name: &str, entry: &'d Entry) -> Option<ClassSpec> {
    let wrong = |problem: String| network.wrong_inside("classes", name, &entry.item, problem);
    if name.is_empty() {
        wrong("a class needs a name".to_owned());
        return None;
    }
    if let Data::Table(_) = entry.item.data {
        return read_own(network.inner("classes", name, &entry.item, ClassSpec::KEYS)?, name);
    }
    let share = match plain::number(&entry.item.data) {
        Ok(share) if (0.0..=1.0).contains(&share) => share + 0.0,
        Ok(_) => {
            wrong("must be a share from 0 to 1".to_owned());
            return None;
        }
        Err(_) => {
            let found = entry.item.data.kind();
            wrong(format!("expected a share of the nodes or a table, found {found}"));
            return None;
        }
    };
    let Some(preset) = preset(name) else {
        let hint = suggestion(name, &PRESETS[..4]);
        wrong(format!(
            "no preset has this name; {hint} (a class of your own is a table: {{ share = {share} }})"
        ));
        return None;
    };
    Some(ClassSpec { share, ..preset })
}

/// A class described by a table.
fn read_own(mut class: Section<'_, '_>, name: &str) -> Option<ClassSpec> {
    let base = match class.has("preset") {
        true => class.choice("preset").and_then(preset),
        false => preset(name),
    };
    let named = ClassSpec { name: name.to_owned(), ..base.unwrap_or(PERFECT) };
    let mut spec = ClassSpec::read_keys(&mut class, &named)?;
    if spec.jitter.is_some() {
        // Its own shape replaces the preset's.
        spec.sigma = 0.0;
        if spec.latency == Span::ZERO {
            class.wrong("jitter", "varies no latency: give a latency above 0 too");
        }
    }
    if spec.latency == Span::ZERO && spec.sigma > 0.0 {
        if class.has("sigma") {
            class.wrong("sigma", "spreads no latency: give a latency above 0 too");
        }
        spec.sigma = 0.0;
    }
    class.finish("in a class");
    Some(spec)
}

/// The outer `None` only beside a finding.
pub(crate) fn class_jitter(class: &mut Section<'_, '_>) -> Option<Option<JitterSpec>> {
    if !class.has("jitter") {
        return Some(None);
    }
    let jitter = JitterSpec::read(class.section("jitter"), ())?;
    if jitter == JitterSpec::Fitted {
        class.wrong("jitter", "nothing to fit: give lognormal, gamma, pareto or empirical");
        return None;
    }
    if class.has("sigma") {
        class.wrong("sigma", "stands beside jitter, which says how the latency varies: remove one");
        return None;
    }
    Some(Some(jitter))
}

/// All figures of all classes, none left to a preset.
pub(super) fn classes_text(classes: &[ClassSpec]) -> Option<String> {
    let class = |spec: &ClassSpec| {
        let mut entries = spec.written();
        entries.insert(1, ("preset", quoted("none")));
        (quoted(&spec.name), table(entries))
    };
    (!classes.is_empty()).then(|| table(classes.iter().map(class)))
}
