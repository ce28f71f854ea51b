//! Words of a protocol with details of their own: `execution = { kind = "wasm", memo = false }`, or
//! `--set protocol.execution.memo=false`, is another way to write the parameters `execution` and
//! `execution_memo`.

use anthill_protocol::parameter::Kind;

use super::document::{Data, Entry, Item, Place, Table};
use super::protocol_info::ProtocolInfo;

/// Puts the details of words in `[protocol]` beside the words, under the parameters' names.
pub(super) fn flatten(root: &mut Table, protocols: &[ProtocolInfo]) {
    let Some(Entry { item: Item { data: Data::Table(section), .. }, .. }) =
        root.get_mut("protocol")
    else {
        return;
    };
    let Some(Data::Text(name)) = section.get("name").map(|entry| &entry.item.data) else { return };
    let Some(info) = protocols.iter().find(|info| info.name == name) else { return };
    let is_detail = |name: &str, word: &str| {
        name.strip_prefix(word).is_some_and(|rest| rest.len() > 1 && rest.starts_with('_'))
    };
    for word in info.parameters.iter().filter(|word| matches!(word.kind, Kind::Choice(_))) {
        if info.parameters.iter().any(|other| is_detail(other.name, word.name)) {
            flatten_word(section, word.name);
        }
    }
}

/// Of a parameter that was written both ways, what was given last counts; in one text an unknown key
/// is left, to be reported.
fn flatten_word(section: &mut Table, word: &str) {
    if !matches!(section.get(word), Some(Entry { item: Item { data: Data::Table(_), .. }, .. })) {
        return;
    }
    let Some(Entry { item: Item { data: Data::Table(details), .. }, .. }) = section.remove(word)
    else {
        return;
    };
    for (key, detail) in details {
        let name = if key == "kind" { word.to_owned() } else { format!("{word}_{key}") };
        match section.get(&name).map(|present| (present.key, detail.key)) {
            Some((Place::Text { .. }, Place::Text { .. })) => {
                section.insert(format!("{word}.{key}"), detail);
            }
            Some((Place::Override(_), Place::Text { .. })) => {}
            Some((Place::Override(present), Place::Override(nested))) if present > nested => {}
            _ => {
                section.insert(name, detail);
            }
        }
    }
}
