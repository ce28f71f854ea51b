//! `[network] classes`: kinds of access links.

use anthill_protocol::Span;

use super::document::{Data, Entry};
use super::keys_links::CLASS;
use super::nearest::suggestion;
use super::parse_links::read_impairments;
use super::plain;
use super::reader::Section;
use crate::conditions::{ClassSpec, ImpairmentSpec};
use crate::network::JitterSpec;

/// Classes have 8-bit numbers, one of which stands for none.
pub(super) const MOST_CLASSES: usize = 255;

/// How far the sum of the shares may exceed 1 by the rounding of its parts.
const SHARE_TOLERANCE: f64 = 1e-9;

/// A preset of the figures of a class.
struct Preset {
    name: &'static str,
    up: u64,
    down: u64,
    latency: Span,
    sigma: f64,
    impairments: ImpairmentSpec,
}

const UNIMPAIRED: ImpairmentSpec = ImpairmentSpec {
    loss: 0.0,
    duplication: 0.0,
    reordering: 0.0,
    reordering_delay: Span::ZERO,
    corruption: 0.0,
};

/// Figures chosen to be plausible and clearly apart from each other; they were not measured.
const PRESETS: &[Preset] = &[
    Preset {
        name: "home",
        up: 20_000_000,
        down: 100_000_000,
        latency: Span::from_millis(8),
        sigma: 0.5,
        impairments: ImpairmentSpec { loss: 0.001, ..UNIMPAIRED },
    },
    Preset {
        name: "laggy",
        up: 10_000_000,
        down: 50_000_000,
        latency: Span::from_millis(60),
        sigma: 0.6,
        impairments: ImpairmentSpec { loss: 0.005, ..UNIMPAIRED },
    },
    Preset {
        name: "constrained",
        up: 1_000_000,
        down: 5_000_000,
        latency: Span::from_millis(20),
        sigma: 0.5,
        impairments: ImpairmentSpec { loss: 0.005, ..UNIMPAIRED },
    },
    Preset {
        name: "bad",
        up: 512_000,
        down: 2_000_000,
        latency: Span::from_millis(120),
        sigma: 0.8,
        impairments: ImpairmentSpec {
            loss: 0.05,
            duplication: 0.005,
            reordering: 0.02,
            reordering_delay: Span::from_millis(200),
            corruption: 0.001,
        },
    },
];

fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
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
        return read_own(network.inner("classes", name, &entry.item, CLASS)?, name);
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
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let hint = suggestion(name, &known);
        wrong(format!(
            "no preset has this name; {hint} (a class of your own is a table: {{ share = {share} }})"
        ));
        return None;
    };
    Some(ClassSpec {
        name: name.to_owned(),
        share,
        up: Some(preset.up),
        down: Some(preset.down),
        latency: preset.latency,
        sigma: preset.sigma,
        jitter: None,
        impairments: preset.impairments.clone(),
    })
}

/// A class described by a table.
fn read_own(mut class: Section<'_, '_>, name: &str) -> Option<ClassSpec> {
    class.require("share", "0.1");
    let share = class.share("share");
    let base = match class.has("preset") {
        true => preset(class.choice("preset")?),
        false => preset(name),
    };
    let mut rate = |key, default: Option<u64>| match class.has(key) {
        true => class.rate(key).map(Some),
        false => Some(default),
    };
    let up = rate("up", base.map(|preset| preset.up));
    let down = rate("down", base.map(|preset| preset.down));
    let latency = match class.has("latency") {
        true => class.span("latency"),
        false => Some(base.map_or(Span::ZERO, |preset| preset.latency)),
    };
    let sigma = match class.has("sigma") {
        true => class.number("sigma"),
        false => Some(base.map_or(0.0, |preset| preset.sigma)),
    };
    let jitter = read_class_jitter(&mut class);
    let impairments =
        read_impairments(&mut class, base.map_or(&UNIMPAIRED, |preset| &preset.impairments));
    let (latency, mut sigma, jitter) = (latency?, sigma?, jitter?);
    if jitter.is_some() {
        // Its own shape replaces the preset's.
        sigma = 0.0;
        if latency == Span::ZERO {
            class.wrong("jitter", "varies no latency: give a latency above 0 too");
        }
    }
    if latency == Span::ZERO && sigma > 0.0 {
        if class.has("sigma") {
            class.wrong("sigma", "spreads no latency: give a latency above 0 too");
        }
        sigma = 0.0;
    }
    class.finish("in a class");
    Some(ClassSpec {
        name: name.to_owned(),
        share: share?,
        up: up?,
        down: down?,
        latency,
        sigma,
        jitter,
        impairments: impairments?,
    })
}

/// The outer `None` only beside a finding.
fn read_class_jitter(class: &mut Section<'_, '_>) -> Option<Option<JitterSpec>> {
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
