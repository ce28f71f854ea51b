//! What the derives of sections build on: types that a key can hold, and what declares their keys.

use anthill_protocol::{Span, Time};

pub(crate) use anthill_protocol::parameter::{Kind, Value};

pub(crate) use super::keys::{
    ANY_SPAN, COST, DELAY, DELAY_OR_ZERO, FACTOR, FLAG, Key, POSITIVE_SPAN, SHARE, Shape, bounded,
    choice, count, join, kinded, length, positive,
};
pub(crate) use super::parse_bandwidth::RatesSetting;
pub(crate) use super::parse_churn::{CHURN_START, churn_start, churn_start_text, would_end};
pub(crate) use super::parse_classes::{CLASS_PRESET, class_jitter};
pub(crate) use super::parse_cpu::{CPU_MODEL, CPU_TABLE, CpuSetting, cpu_kinds, cpu_scale};
pub(crate) use super::parse_links::{delay_text, reordering_delay};
pub(crate) use super::parse_network::{NetworkSetting, delay_model, floor, is_consistent};
pub(crate) use super::parse_regions::{region_shares, regions_or_preset};
pub(crate) use super::parse_schedule::{ScheduleSetting, can_schedule, held_message};
pub(crate) use super::parse_selection::{
    ALL_NODES, Population, ids_text, selected_classes, selected_fraction, selected_ids,
    selected_regions, selected_role, selected_top,
};
pub(crate) use super::parse_topology::{erdos_renyi, even_degree, is_possible, whole_degree};
pub(crate) use super::reader::Section;
pub(crate) use super::resolved::{Entries, quoted, table};

use super::quantity::rate_text;
use super::resolved::{float, number, span, text_of};
use crate::input::InputFile;

/// A type whose values the resolved scenario states.
pub(crate) trait Text {
    /// The value as TOML, unless there is none.
    fn text(&self, shape: Shape) -> Option<String>;
}

/// A type that the value of a key is read as.
pub(crate) trait Field: Text + Sized {
    /// What the key takes, unless its declaration says otherwise.
    const SHAPE: Shape;
    /// What the words of a choice mean.
    const WORDS: &'static [&'static str] = &[];

    /// The value given, which is there; `None` only beside a finding.
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self>;

    /// The value given, else another.
    fn read_or(
        section: &mut Section<'_, '_>,
        key: &'static str,
        default: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        if section.has(key) { Self::read(section, key) } else { default() }
    }
}

macro_rules! fields {
    ($($type:ty, $shape:expr, $read:expr, $text:expr;)*) => {$(
        impl Text for $type {
            fn text(&self, shape: Shape) -> Option<String> {
                let text: fn(&Self, Shape) -> String = $text;
                Some(text(self, shape))
            }
        }

        impl Field for $type {
            const SHAPE: Shape = $shape;

            fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
                let read: fn(&mut Section<'_, '_>, &'static str) -> Option<Self> = $read;
                read(section, key)
            }
        }
    )*};
}

fields! {
    bool, FLAG, |section, key| section.flag(key), |flag, _| flag.to_string();
    u32, count(0, u32::MAX as u64), |section, key| section.count32(key), |count, _| count.to_string();
    u64, count(0, u64::MAX), whole, whole_text;
    f64, SHARE, fraction, |fraction, _| float(*fraction);
    Span, ANY_SPAN, |section, key| section.span(key), |length, _| span(*length);
    Time, ANY_SPAN, |section, key| section.span(key).map(|at| Time(at.0)), |at, _| span(Span(at.0));
    InputFile, Shape::Path, |section, key| section.path(key), |file, _| text_of(file);
}

fn whole(section: &mut Section<'_, '_>, key: &'static str) -> Option<u64> {
    match section.shape(key) {
        Shape::Rate => section.rate(key),
        Shape::Size => section.size(key),
        _ => section.count(key),
    }
}

fn whole_text(whole: &u64, shape: Shape) -> String {
    match shape {
        Shape::Rate => quoted(&rate_text(*whole)),
        Shape::Size => quoted(&whole.to_string()),
        _ => number(*whole),
    }
}

fn fraction(section: &mut Section<'_, '_>, key: &'static str) -> Option<f64> {
    match section.shape(key) {
        Shape::Plain(Kind::Share) => section.share(key),
        _ => section.number(key),
    }
}

impl<T: Text> Text for Option<T> {
    fn text(&self, shape: Shape) -> Option<String> {
        self.as_ref().and_then(|value| value.text(shape))
    }
}

impl<T: Field> Field for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    const WORDS: &'static [&'static str] = T::WORDS;

    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        T::read(section, key).map(Some)
    }

    fn read_or(
        section: &mut Section<'_, '_>,
        key: &'static str,
        default: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        if section.has(key) { Self::read(section, key) } else { Some(default().flatten()) }
    }
}

/// A list of names, if there are any.
impl Text for Vec<String> {
    fn text(&self, _: Shape) -> Option<String> {
        let names: Vec<String> = self.iter().map(|name| quoted(name)).collect();
        (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
    }
}

/// A table from names to values, if there are any.
impl<T: Text> Text for Vec<(String, T)> {
    fn text(&self, shape: Shape) -> Option<String> {
        let entry = |(name, value): &(String, T)| Some((quoted(name), value.text(shape)?));
        (!self.is_empty()).then(|| table(self.iter().filter_map(entry)))
    }
}

impl Text for String {
    fn text(&self, _: Shape) -> Option<String> {
        Some(quoted(self))
    }
}
